"""A level meter for sound that comes in pieces."""

from __future__ import annotations

import numpy as np

from b2b.audio.pcm import dbov
from harness.sound.g711 import Samples


class Meter:
    """The level since it was last read, and of all that there ever was; None for no sound at all."""

    def __init__(self) -> None:
        self._energy = self._samples = self._all_energy = self._all_samples = 0

    def add(self, sound: Samples) -> None:
        """Take a piece in."""
        self._energy += int(np.square(sound, dtype=np.int64).sum())
        self._samples += len(sound)

    def read(self) -> float | None:
        """Return the level in dBov since the last reading."""
        self._all_energy, self._all_samples = self._all_energy + self._energy, self._all_samples + self._samples
        level = dbov(self._energy, self._samples) if self._samples else None
        self._energy = self._samples = 0
        return level

    def read_all(self) -> float | None:
        """Return the level in dBov of all of it."""
        self.read()
        return dbov(self._all_energy, self._all_samples) if self._all_samples else None
