"""Clock drift: how much longer the sound lasts in the recording than in the file, and the file at that speed."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from harness.sound.align import WINDOW, Track
from harness.sound.g711 import RATE, Floats, Numbers

AROUND = 8  # samples beside the tracked offset at which a window is looked at
MANY = 1200  # windows at most: enough for a hundredth of a ppm
FEWEST = 8
NEIGHBOURS = 3  # windows on each side
JUMP = 0.6  # samples between two windows that are a slip and no drift
STEP, STAIRS = 2.0, 2.0  # samples of a step at most, and of all steps together, from which on they are a drift
SURE_PPM = 5.0  # a less certain drift is none that could be told
TELLS, LASTS = 4.0, 0.2  # standard errors, and samples over the recording, from which on a drift is followed
BETWEEN, AGREE = 0.05, 0.8  # samples; and how much the windows have to be of one mind about it
TAPS, PHASES = 32, 512
BLOCK = 1 << 16


@dataclass(frozen=True, slots=True)
class Clock:
    """How another clock played the file: it lasts longer by a factor, and begins a fraction of a sample later."""

    factor: float
    shift: float
    offset: int  # of the file, played like that, where it was first heard

    def play(self, file: Floats) -> Floats:
        """Return the file as that clock plays it, by a windowed sinc of 32 taps."""
        length = int(len(file) * self.factor)
        table = _table()
        windows = np.lib.stride_tricks.sliding_window_view(np.pad(file, TAPS), TAPS)
        played = np.empty(length)
        for first in range(0, length, BLOCK):
            places = (np.arange(first, min(first + BLOCK, length)) - self.shift) / self.factor + TAPS - (TAPS // 2 - 1)
            whole = places.astype(np.int64)
            phases = np.rint((places - whole) * PHASES).astype(np.int64)
            played[first : first + len(places)] = np.einsum("ij,ij->i", windows[whole], table[phases])
        return played

    def then(self, other: Clock) -> Clock:
        """Return this clock put right by what was found wrong with it."""
        shift = other.shift + other.factor * self.shift
        whole = round(shift)
        return Clock(self.factor * other.factor, shift - whole, other.offset + whole)


@dataclass(frozen=True, slots=True)
class Drift:
    """`ppm` is positive where the recording lasts longer than the file; NaN where it could not be told.

    `clock` is there where the samples of the recording lie between those of the file.
    """

    ppm: float = float("nan")
    clock: Clock | None = None


def measure(file: Floats, heard: Floats, weight: Floats, track: Track, *, within: float = 1.0) -> Drift:
    """Return the drift, slips left out: the slope of the windows' lags, to a fraction of a sample.

    `within` is how much of the usual tolerance is left to a clock that has been followed already.
    """
    matched = np.flatnonzero(track.matched)
    matched = matched[:: max(1, -(-len(matched) // MANY))]
    if len(matched) < FEWEST:
        return Drift()
    starts, offsets = track.starts[matched], track.offsets[matched]
    places = starts + WINDOW / 2
    lags = offsets + _beside(file, heard * weight, weight, starts, offsets)
    slope = _middle_slope(places, lags)
    if _in_steps(lags, abs(slope) * float(places[-1] - places[0])):
        slope, _ = _line(places, lags, np.abs(np.diff(lags)) > STEP)
        return Drift(1e6 * slope / (1 - slope))
    for _ in range(2):
        level = lags - slope * places
        around = _middles(level)
        lone = np.abs(level - around) > JUMP  # a window that resembles another place by chance
        if len(places) - int(lone.sum()) < FEWEST:
            return Drift()
        places, lags, around = places[~lone], lags[~lone], around[~lone]
        slope, error = _line(places, lags, np.abs(np.diff(around)) > JUMP)
    if not 1e6 * error < SURE_PPM:
        return Drift()
    lasts = abs(slope) * float(places[-1] - places[0])
    smooth = abs(slope) > TELLS * error and lasts > within * LASTS
    return Drift(1e6 * slope / (1 - slope), _clock(places, lags, slope if smooth else 0.0, within * BETWEEN))


def _in_steps(lags: Floats, lasts: float) -> bool:
    """Whether a drift comes by leaving out or repeating single samples: then every lag is a whole number."""
    return lasts >= STAIRS and bool(np.abs(np.exp(2j * np.pi * lags).mean()) > AGREE)


def _clock(places: Floats, lags: Floats, slope: float, between: float) -> Clock | None:
    """Return the clock that explains the lags; None where the recording has the file's very samples."""
    factor = 1 / (1 - slope)
    offsets = (lags - slope * places) * factor  # heard = offset + shift + factor * file
    turns = np.exp(2j * np.pi * offsets)
    shift = float(np.angle(turns.mean())) / (2 * np.pi)
    if not slope and (abs(shift) < between or abs(turns.mean()) < AGREE):
        return None
    return Clock(factor, shift, round(float(np.median(offsets[:FEWEST])) - shift))


def _table() -> Floats:
    """Return the taps for each fraction of a sample, 0 to 1."""
    fractions = np.arange(PHASES + 1) / PHASES
    times = np.arange(TAPS) - (TAPS // 2 - 1) - fractions[:, None]
    window = np.i0(8.0 * np.sqrt(np.clip(1 - (times / (TAPS / 2)) ** 2, 0, 1))) / np.i0(8.0)
    taps = np.sinc(times) * window
    return np.asarray(taps / taps.sum(axis=1, keepdims=True))


def _beside(file: Floats, weighted: Floats, weight: Floats, starts: Numbers, offsets: Numbers) -> Floats:
    """Return how far beside its tracked offset each window lies: the top of the correlation, by a parabola."""
    lags = np.arange(-AROUND, AROUND + 1)
    padded = np.pad(file, WINDOW + AROUND)
    alike = np.empty((len(lags), len(starts)))
    for i in range(0, len(starts), 100):
        part = slice(i, i + 100)
        samples = starts[part, None] + np.arange(WINDOW)
        places = samples - offsets[part, None] + WINDOW + AROUND
        heard, mask = weighted[samples], weight[samples]
        for k, lag in enumerate(lags):
            laid = padded[np.clip(places - lag, 0, len(padded) - 1)]
            energy = np.einsum("ij,ij,ij->i", mask, laid, laid)
            alike[k, part] = np.einsum("ij,ij->i", heard, laid) / np.sqrt(np.maximum(energy, 1.0))
    top = np.clip(alike.argmax(axis=0), 1, len(lags) - 2)
    each = np.arange(len(starts))
    left, middle, right = alike[top - 1, each], alike[top, each], alike[top + 1, each]
    bend = left - 2 * middle + right
    return np.asarray(lags[top] + np.where(bend < 0, 0.5 * (left - right) / np.minimum(bend, -1e-9), 0.0))


def _middles(values: Floats) -> Floats:
    """Return the median of each value and its neighbours."""
    around = np.lib.stride_tricks.sliding_window_view(np.pad(values, NEIGHBOURS, mode="edge"), 2 * NEIGHBOURS + 1)
    return np.asarray(np.median(around, axis=1))


def _middle_slope(places: Floats, lags: Floats) -> float:
    """Return the middle one of the slopes between windows some seconds apart."""
    apart = max(1, min(len(places) // 4, int(np.searchsorted(places, places[0] + 4 * RATE))))
    return float(np.median((lags[apart:] - lags[:-apart]) / (places[apart:] - places[:-apart])))


def _line(places: Floats, lags: Floats, slips: Numbers) -> tuple[float, float]:
    """Return the common slope, least squares, of the stretches between slips, and its standard error."""
    stretch = np.concatenate(([0], np.cumsum(slips)))
    keep = np.ones(len(places), bool)
    slope, error = 0.0, np.inf
    for _ in range(2):
        sizes = np.maximum(np.bincount(stretch, keep), 1)
        times = places - (np.bincount(stretch, keep * places) / sizes)[stretch]
        levels = lags - (np.bincount(stretch, keep * lags) / sizes)[stretch]
        spread = float((times[keep] ** 2).sum())
        free = int(keep.sum()) - int(stretch[-1]) - 2
        if spread <= 0 or free < 3:
            return slope, np.inf
        slope = float((times[keep] * levels[keep]).sum()) / spread
        off = levels - slope * times
        error = float(np.sqrt((off[keep] ** 2).sum() / free / spread))
        keep = np.abs(off) <= 6 * np.median(np.abs(off)) + 1e-3
    return slope, error
