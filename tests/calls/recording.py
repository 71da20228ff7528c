"""What a sink has recorded."""

from __future__ import annotations

import wave
from pathlib import Path

import numpy as np
import numpy.typing as npt

CLOSING = 8000 // 5  # samples: baresip stops a call's threads one by one, and its player plays pieces meanwhile


def read_wav(path: Path) -> npt.NDArray[np.int16]:
    """Return the samples of an 8 kHz mono S16 recording, up to where its call was being closed."""
    with wave.open(str(path)) as recording:
        assert recording.getparams()[:3] == (1, 2, 8000)
        return np.frombuffer(recording.readframes(recording.getnframes()), "<i2")[:-CLOSING]
