"""Who is heard in a mix, and how loud: a conference's recording taken apart by what each party says."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from scipy.signal import correlate  # type: ignore[import-untyped]

from harness.sound.g711 import RATE, Floats, Samples

WINDOW_S = 0.5  # in which a party's delay may be another one: jitter buffers slip
SLIP_S = 0.08
MUCH_LIKER = 1.3
CLOSING_S = 0.3  # at a recording's end, while the call is taken down
NOTHING_DB = -96.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Party:
    """One party of a mix: its level against what it said, and when its sound begins in the recording."""

    name: str
    level_db: float
    delay_s: float  # negative where it had begun before the recording did


@dataclass(frozen=True, slots=True, kw_only=True)
class Mix:
    """A recording as a sum of parties; `rest_db` is the power of what is none of theirs, against all of it."""

    parties: tuple[Party, ...]
    rest_db: float

    def party(self, name: str) -> Party:
        """Return a party by name; KeyError where there is none."""
        return {party.name: party for party in self.parties}[name]


def take_apart(heard: Samples, said: Mapping[str, Samples], *, present: frozenset[str]) -> Mix:
    """Find each party's level by least squares; those who are `present` make up the mix, the rest is nobody's.

    A party that is not there gets the level that chance gives it: below -25 dB in some seconds of speech.
    """
    sound = np.asarray(heard, np.float64)[: -round(CLOSING_S * RATE) or None]
    if not len(sound) or not said:
        return Mix(parties=tuple(Party(name=name, level_db=NOTHING_DB, delay_s=0.0) for name in said), rest_db=0.0)
    placed = {name: _place(sound, np.asarray(spoken, np.float64)) for name, spoken in said.items()}
    columns = np.stack([column for column, _delay in placed.values()], axis=1)
    gains = np.linalg.lstsq(columns, sound, rcond=None)[0]
    there = np.array([name in present for name in said])
    rest = sound - columns[:, there] @ gains[there]
    parties = tuple(
        Party(name=name, level_db=_db(float(gain) ** 2), delay_s=delay / RATE)
        for (name, (_column, delay)), gain in zip(placed.items(), gains, strict=True)
    )
    return Mix(parties=parties, rest_db=_db(float(np.sum(rest**2)) / max(1.0, float(np.sum(sound**2)))))


def _place(sound: Floats, spoken: Floats) -> tuple[Floats, int]:
    """Return what a party said where it is in the recording, window by window, and where it begins, in samples."""
    overall = _lag(sound, spoken)
    window, slip = round(WINDOW_S * RATE), round(SLIP_S * RATE)
    column = np.zeros(len(sound))
    for start in range(0, len(sound), window):
        end = min(start + window, len(sound))
        around = _cut(spoken, start - overall - slip, end - overall + slip)
        likeness = np.abs(correlate(around, sound[start:end], mode="valid", method="fft"))
        best = int(np.argmax(likeness))
        due = around[slip : slip + end - start]
        if not np.any(due) or likeness[best] < MUCH_LIKER * likeness[slip]:  # by chance, under the voices of others
            best = slip
        column[start:end] = around[best : best + end - start]
    return column, overall


def _lag(sound: Floats, spoken: Floats) -> int:
    """Return at which sample of the recording a party's sound begins, by the largest likeness."""
    spoken = spoken[: 2 * len(sound)]
    likeness = correlate(sound, spoken, mode="full", method="fft")
    return int(np.argmax(np.abs(likeness))) - (len(spoken) - 1)


def _cut(spoken: Floats, start: int, end: int) -> Floats:
    """Return a stretch of a sound, silent where it has none."""
    inside = spoken[max(0, start) : max(0, end)]
    before = min(max(0, -start), end - start)
    return np.pad(inside, (before, end - start - before - len(inside)))


def _db(power: float) -> float:
    return max(NOTHING_DB, 10 * np.log10(power)) if power > 0 else NOTHING_DB
