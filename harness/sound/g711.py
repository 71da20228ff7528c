"""Mu-law as a scale: how many codes two samples lie apart, and what is heard after a leg of it."""

from __future__ import annotations

import functools
from typing import Any

import numpy as np
import numpy.typing as npt

Samples = npt.NDArray[np.int16]
Floats = npt.NDArray[np.float64]
Numbers = npt.NDArray[Any]

RATE = 8000
PEAK = 32124  # the largest magnitude of a mu-law code: G.711 clips here


@functools.cache
def _scale() -> tuple[npt.NDArray[np.int16], npt.NDArray[np.int16]]:
    """Return the code of each 16-bit sample from -32768 on, -127 to 127, and the sample of each code from -127 on."""
    steps = np.arange(128)
    values = ((steps % 16 * 8 + 132) << steps // 16) - 132
    magnitudes = np.abs(np.arange(-32768, 32768))
    # Decision thresholds lie half way, but the code of zero is half as wide as its neighbours.
    codes = np.searchsorted((values[1:] + values[:-1]) / 2, magnitudes, side="right")
    signed = np.where(np.arange(-32768, 32768) < 0, -codes, codes)
    return signed.astype(np.int16), np.concatenate((-values[:0:-1], values)).astype(np.int16)


def codes(samples: Numbers) -> npt.NDArray[np.int16]:
    """Return each sample's place on the scale, -127 to 127; what is out of range is held at the rails."""
    return _scale()[0][np.clip(np.rint(samples), -32768, 32767).astype(np.int32) + 32768]


def through(samples: Numbers) -> Samples:
    """Return what is heard after a leg of mu-law."""
    return _scale()[1][codes(samples).astype(np.int32) + 127]


def octets(samples: Numbers) -> npt.NDArray[np.uint8]:
    """Return the octets that carry the samples on the wire: sign and magnitude, inverted (G.711 table 2a)."""
    places = codes(samples)
    return np.where(places < 0, 0x7F + places, 0xFF - places).astype(np.uint8)
