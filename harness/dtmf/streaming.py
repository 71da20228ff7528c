"""Digits while the sound still comes: the same that `detect` finds in all of it."""

from __future__ import annotations

import math

import numpy as np

from harness.dtmf.detector import detect
from harness.dtmf.digit import RATE, Digit, Numbers

STEP_S = 2.0  # of new sound, before it is looked at
SETTLED_S = 0.5  # what lies so far back cannot become another digit any more
CONTEXT_S = 1.0  # of sound that is kept before the first digit to come


class StreamingDetector:
    """Takes 16-bit samples of 8 kHz in pieces of any length; it remembers no more than a tone takes."""

    def __init__(self) -> None:
        self._base_s = 0  # whole seconds, to which the phases of the search are bound
        self._kept = np.zeros(0, np.int16)
        self._looked_at = 0  # samples of those kept
        self._settled_s = self._told_until_s = 0.0

    def feed(self, samples: Numbers) -> list[Digit]:
        """Take the next samples, and return the digits that are certain by now. Raises ValueError for other samples."""
        samples = np.asarray(samples)
        if samples.dtype != np.int16 or samples.ndim != 1:
            raise ValueError(f"wanted 16-bit samples of one channel, came {samples.ndim} dimensions of {samples.dtype}")
        self._kept = np.concatenate((self._kept, samples))
        if len(self._kept) - self._looked_at < STEP_S * RATE:
            return []
        self._looked_at = len(self._kept)
        end_s = self._base_s + len(self._kept) / RATE
        return self._look(settled_s=end_s - SETTLED_S)

    def close(self) -> list[Digit]:
        """Return the digits that were still to come; nothing may be fed any more."""
        return self._look(settled_s=math.inf)

    def _look(self, *, settled_s: float) -> list[Digit]:
        found = [
            digit._replace(start_s=digit.start_s + self._base_s, end_s=digit.end_s + self._base_s)
            for digit in detect(self._kept)
        ]
        new = [digit for digit in found if digit.end_s >= self._settled_s and digit.start_s >= self._told_until_s]
        certain = [digit for digit in new if digit.end_s < settled_s]
        self._settled_s = settled_s
        if certain:
            self._told_until_s = certain[-1].end_s
        if math.isfinite(settled_s):
            self._forget(min([settled_s, *(digit.start_s for digit in new if digit.end_s >= settled_s)]))
        return certain

    def _forget(self, needed_from_s: float) -> None:
        """Drop whole seconds before the sound that is still needed, and the context of that."""
        seconds = max(0, int(needed_from_s - CONTEXT_S) - self._base_s)
        self._kept = self._kept[seconds * RATE :].copy()
        self._looked_at -= seconds * RATE
        self._base_s += seconds
