"""The digits that a mixer added, fitted to what is left beside the file: their levels, and what is left then."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from harness.dtmf.digit import COLUMNS, KEYS, ROWS, amplitude
from harness.sound.g711 import RATE, Floats

if TYPE_CHECKING:
    from harness.dtmf import Digit

SENT_DBM0 = -9.0  # each tone, before its gain
EDGE_S = 0.01  # at both ends of a digit, where it may just have begun or ended
SHORTEST_S = 0.02
REMNANT_S = (0.008, 0.15)
EXPLAINS = 0.99  # by two tones, and nothing else was there
REMNANT_EXPLAINS = 0.9  # beyond chance, of a stretch that is over the file and as long as a digit


@dataclass(frozen=True, slots=True)
class DigitLevel:
    """How loud a digit's two tones were, in dB over -9 dBm0 each."""

    digit: str
    at_s: float
    low_db: float
    high_db: float

    @property
    def db(self) -> float:
        """The level of both together."""
        return float(10 * np.log10((10 ** (self.low_db / 10) + 10 ** (self.high_db / 10)) / 2))


@dataclass(frozen=True, slots=True)
class Fit:
    """A digit as it was fitted: its level, and its samples, to be taken off the recording from `first` on."""

    level: DigitLevel
    first: int
    samples: Floats
    explains: float  # the share of what was left that they are


def fit(left: Floats, digits: Sequence[Digit]) -> list[Fit]:
    """Fit each digit's two tones, least squares, to what is left of the recording beside the file."""
    fits = []
    for digit in digits:
        first, after = max(0, round((digit.start_s + EDGE_S) * RATE)), round((digit.end_s - EDGE_S) * RATE)
        if after - first >= SHORTEST_S * RATE:
            fits.append(_fit(left[first:after], first, KEYS.index(digit.digit), digit.start_s))
    return fits


def remnants(left: Floats, stretches: Iterable[tuple[float, float]]) -> list[Fit]:
    """Fit the tones of digits too short or too faint to be heard, where they explain what is over the file."""
    found = []
    for start_s, end_s in stretches:
        first, after = max(0, round(start_s * RATE)), round(end_s * RATE)
        if REMNANT_S[0] <= end_s - start_s <= REMNANT_S[1] and after <= len(left):
            fits = (_fit(left[first:after], first, key, start_s) for key in range(len(KEYS)))
            best = max(fits, key=lambda one: one.explains)
            found += [best] if best.explains > REMNANT_EXPLAINS else []
    return found


def _fit(part: Floats, first: int, key: int, at_s: float) -> Fit:
    angles = 2 * np.pi / RATE * np.outer(np.arange(len(part)), (ROWS[key // 4], COLUMNS[key % 4]))
    waves = np.concatenate((np.sin(angles), np.cos(angles)), axis=1)
    found = np.linalg.lstsq(waves, part, rcond=None)[0]
    low, high = (20 * np.log10(max(np.hypot(found[i], found[i + 2]), 1e-3) / amplitude(SENT_DBM0)) for i in (0, 1))
    samples = waves @ found
    explains = 1 - float(((part - samples) ** 2).sum() / max((part**2).sum(), 1e-9))
    return Fit(DigitLevel(KEYS[key], at_s, float(low), float(high)), first, samples, explains)
