"""Hears DTMF digits, to the sample, and takes them away again.

Meant for a recording from which the source has been subtracted: it is exact there. Over speech it still finds
most digits, which is enough to know what to leave out of an alignment.
"""

from __future__ import annotations

import functools
import itertools
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import numpy as np

from oracle.g711 import PEAK_DBM0, RATE, Numbers
from oracle.lags import Floats

ROWS, COLUMNS = (697, 770, 852, 941), (1209, 1336, 1477, 1633)  # Hz, Q.23
KEYS = "123A456B789C*0#D"
FREQUENCIES = {key: (ROWS[i // 4], COLUMNS[i % 4]) for i, key in enumerate(KEYS)}
TONE_DBM0 = -9.0  # of each of the two tones, before the mixer's gain

FRAME, HOP = RATE // 50, RATE // 200  # 20 ms every 5 ms
PAIR_SHARE = 0.6  # of a frame's energy must be the two tones: reached 12 ms into a clean digit
FAINTEST_DB = -10.0  # against the level expected; a fainter digit counts as missing
SHORTEST = 3  # frames in a row, so a burst of some 20 ms
EDGE = RATE // 200  # 5 ms beside each edge belong neither to the digit nor to what surrounds it: room for a soft ramp


@dataclass(frozen=True, slots=True, kw_only=True)
class Digit:
    """One digit that was heard; levels are against what was expected, the SNR is what two pure tones leave."""

    key: str
    start_s: float
    length_s: float
    low_db: float
    high_db: float
    snr_db: float = float("nan")

    @property
    def end_s(self) -> float:
        """When it ended, in seconds of the recording."""
        return self.start_s + self.length_s

    @property
    def stretch(self) -> tuple[float, float]:
        """When it began and ended."""
        return self.start_s, self.end_s

    @property
    def edges(self) -> tuple[tuple[float, float], tuple[float, float]]:
        """Its begin and its end as stretches without length."""
        return (self.start_s, self.start_s), (self.end_s, self.end_s)


OVERLOAD = 4 * 8159  # the end of mu-law's range: G.711's virtual decision value, on the 16-bit scale


def tone_amplitude(gain: float) -> float:
    """The peak of each of a digit's two tones after that gain, in 16-bit steps."""
    return float(gain * OVERLOAD * 10 ** ((TONE_DBM0 - PEAK_DBM0) / 20))


def hear_digits(sound: Numbers, amplitude: float, usable: Numbers | None = None) -> list[tuple[Digit, Floats]]:
    """Return each digit with its two tones as samples; `amplitude` is what each tone is expected to have.

    Samples that are not usable (clipped ones) are left out of the fit.
    """
    trusted = np.ones(len(sound), bool) if usable is None else np.asarray(usable, bool)
    found = (_measure(sound, trusted, key, first, last, amplitude) for key, first, last in _bursts(sound, amplitude))
    return [digit for digit in found if digit]


def outside(stretches: Iterable[tuple[float, float]], length: int) -> Floats:
    """Return 0 for each sample between such a start and end, both in seconds, and 5 ms around it, else 1."""
    weight = np.ones(length)
    for start_s, end_s in stretches:
        weight[max(0, round(start_s * RATE) - EDGE) : max(0, round(end_s * RATE) + EDGE)] = 0.0
    return weight


@functools.cache
def _second_of(key: str) -> Floats:
    """Cosine and sine of both tones, one column each; the frequencies are whole, so it repeats every second."""
    phases = 2 * np.pi / RATE * np.outer(np.arange(RATE), FREQUENCIES[key])
    return np.hstack((np.cos(phases), np.sin(phases)))


def _carriers(key: str, times: Numbers) -> Floats:
    """The same for those samples."""
    return np.asarray(_second_of(key)[times % RATE])


_PAIRS = np.hstack([np.linalg.qr(_carriers(key, np.arange(FRAME)))[0] for key in KEYS])


def _bursts(sound: Numbers, amplitude: float) -> Iterator[tuple[str, int, int]]:
    """Yield key, first sample of the first frame and of the last, for each run of frames that hold one digit."""
    if len(sound) < FRAME:
        return
    blocks = np.asarray(sound[: len(sound) // HOP * HOP], np.float64).reshape(-1, HOP)
    parts = FRAME // HOP
    count = len(blocks) - parts + 1
    projected = np.zeros((count, _PAIRS.shape[1]))
    for i in range(parts):
        projected += blocks[i : i + count] @ _PAIRS[i * HOP : (i + 1) * HOP]
    energies = (projected**2).reshape(count, len(KEYS), 4).sum(axis=2)
    total = np.convolve((blocks**2).sum(axis=1), np.ones(parts), "valid")
    best = energies.argmax(axis=1)
    pair = energies[np.arange(count), best]
    loud = pair > FRAME * amplitude**2 * 10 ** (FAINTEST_DB / 10)
    label = np.where(loud & (pair > PAIR_SHARE * total), best, -1)
    edges = np.flatnonzero(np.diff(label, prepend=-2, append=-2))
    for first, after in itertools.pairwise(edges):
        if label[first] >= 0 and after - first >= SHORTEST:
            yield KEYS[label[first]], int(first) * HOP, int(after - 1) * HOP


def _fit(sound: Numbers, trusted: Numbers, key: str, start: int, end: int) -> Floats:
    """Amplitudes of the four carriers that explain the samples from start to end best."""
    times = np.arange(start, end)[trusted[start:end]]
    return np.asarray(np.linalg.lstsq(_carriers(key, times), np.asarray(sound[times], np.float64), rcond=None)[0])


def _measure(
    sound: Numbers, trusted: Numbers, key: str, first: int, last: int, amplitude: float
) -> tuple[Digit, Floats] | None:
    """Measure a digit that was found in the frames from `first` to `last`; None when nothing of it can be trusted."""
    inner = first + FRAME // 2, last + FRAME // 2
    if trusted[slice(*inner)].sum() < EDGE:
        return None
    around = max(0, first - FRAME), min(len(sound), last + 2 * FRAME)
    tones = _carriers(key, np.arange(*around)) @ _fit(sound, trusted, key, *inner)
    # Where "tones" explain the samples better than "nothing" does, the digit sounds.
    gained = np.concatenate(([0.0], np.cumsum(tones * (2.0 * np.asarray(sound[slice(*around)]) - tones))))
    middle = (first + last + FRAME) // 2 - around[0]
    start = around[0] + int(np.argmin(gained[: middle + 1]))
    end = around[0] + middle + int(np.argmax(gained[middle:]))
    edge = EDGE if end - start > 4 * EDGE else 0
    carriers = _fit(sound, trusted, key, start + edge, end - edge)
    levels = 20 * np.log10(np.hypot(carriers[:2], carriers[2:]) / amplitude + 1e-9)
    digit = Digit(
        key=key,
        start_s=start / RATE,
        length_s=(end - start) / RATE,
        low_db=float(levels[0]),
        high_db=float(levels[1]),
    )
    return digit, _carriers(key, np.arange(start, end)) @ carriers
