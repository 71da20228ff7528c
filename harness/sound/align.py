"""Where a file lies in a recording: found once for all, then followed from window to window.

An offset is counted in samples: `heard[i]` is `file[i - offset]`. It is where in the recording the file begins, and
negative when the recording begins inside the file. A weight is 0 for samples that must not be compared, else 1.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial

import numpy as np

from harness.sound.g711 import RATE, Floats, Numbers
from harness.sound.spectrum import fast_length, irfft, rfft

WINDOW, HOP = RATE // 5, RATE // 10
REACH = RATE // 2  # how far a slip is looked for nearby, before the whole file is searched
QUIET_RMS = 40.0  # -58 dBov: below it the rounding of mu-law, not speech, decides what is alike
SURE, ALIKE, BETTER = 0.985, 0.8, 0.02  # a clean window through two legs of mu-law correlates above 0.997
FAR_SEARCHES, LOST = 12, 8  # how often the whole file is searched, and for how many unlike windows in a row
LOOK, LOOK_MOST = 32, 4096  # windows that are compared at once: more while all is well, few after each change
PATIENCE = 20  # so many searches at one offset that found nothing better


@dataclass(frozen=True, slots=True)
class Track:
    """Where each window of the recording lies in the file: its first sample, offset, likeness, and what it is worth."""

    starts: Numbers
    offsets: Numbers
    likeness: Floats
    loud: Numbers  # windows in which there is enough to compare

    @property
    def matched(self) -> Numbers:
        """Which windows are the file."""
        return np.asarray(self.loud & (self.likeness >= ALIKE))

    @property
    def similar(self) -> float:
        """How alike the middle one of the loud windows is: 1 for the same sound."""
        return max(0.0, float(np.median(self.likeness[self.loud]))) if self.loud.any() else 0.0


def overall(file: Numbers, heard: Numbers) -> int:
    """Return the offset at which the recording resembles the file most.

    Spectra are half whitened, so that neither digits nor one loud vowel outvote the rest.
    """
    size = fast_length(len(file) + len(heard))
    cross = rfft(heard.astype(np.float32), size) * np.conj(rfft(file.astype(np.float32), size))
    magnitude = np.abs(cross)
    if not magnitude.any():
        return 0
    best = int(np.argmax(irfft(cross / np.sqrt(magnitude + 1e-9 * magnitude.max()), size)))
    return best if best < len(heard) else best - size


def under(file: Numbers, offset: int, start: int, end: int) -> Floats:
    """Return the file as it lies under the recording from start to end; silence where it does not reach."""
    laid = np.zeros(max(0, end - start))
    first, last = max(start, offset), min(end, offset + len(file))
    if first < last:
        laid[first - start : last - start] = file[first - offset : last - offset]
    return laid


def follow(file: Floats, heard: Floats, weight: Floats, first: int | None = None) -> Track:
    """Follow the file through the recording, from that first offset on, or from where they resemble each other most."""
    starts = np.arange(0, len(heard) - WINDOW + 1, HOP)
    track = Track(starts, np.zeros(len(starts), np.int64), np.full(len(starts), -1.0), np.zeros(len(starts), bool))
    if not len(starts) or not len(file):
        return track
    weighted = heard * weight
    energies, sizes = _sums(weighted**2, starts), _sums(weight, starts)
    loud = track.loud
    loud[:] = (sizes >= WINDOW / 2) & (energies > sizes * QUIET_RMS**2)
    if not loud.any():
        return track
    offset = home = overall(file, weighted) if first is None else first
    offsets, likeness = track.offsets, track.likeness
    far, look, sure = FAR_SEARCHES, LOOK, SURE
    fruitless: list[float] = []
    at = 0
    while at < len(starts):
        ahead = slice(at, at + look)
        alike = _likenesses(file, weighted, weight, energies[ahead], starts[ahead], offset)
        doubtful = np.flatnonzero(loud[ahead] & (alike < sure))
        fine = int(doubtful[0]) if len(doubtful) else len(alike)
        offsets[at : at + fine], likeness[at : at + fine] = offset, alike[:fine]
        look = LOOK if len(doubtful) else min(2 * look, LOOK_MOST)
        at += fine
        if fine:
            continue
        here = float(alike[0])
        moved, best = _search(file, weighted, weight, int(starts[at]), offset)
        if best < ALIKE and here < ALIKE and _lost(alike, loud[ahead]):
            likenesses = partial(_likenesses, file, weighted, weight, energies[ahead], starts[ahead])
            again = float(likenesses(home)[0])
            if again >= ALIKE:  # what came before had led astray
                moved, best = home, again
            elif far and _lost(likenesses(moved), loud[ahead]):
                far -= 1
                moved, best = _far(file, weighted, weight, int(starts[at]))
        if best > ALIKE and best > here + BETTER and _lasts(file, weighted, weight, loud, starts, at, moved, offset):
            offset, here, sure = moved, best, SURE
            fruitless.clear()
        elif here >= ALIKE:
            fruitless.append(here)
            if len(fruitless) == PATIENCE:  # it is noise, not the offset
                sure = float(np.quantile(fruitless, 0.1))
                fruitless.clear()
        offsets[at], likeness[at] = offset, here
        at += 1
    return track


def _sums(values: Floats, starts: Numbers) -> Floats:
    total = np.concatenate(([0.0], np.cumsum(values)))
    return np.asarray(total[starts + WINDOW] - total[starts])


def _likenesses(
    file: Floats, weighted: Floats, weight: Floats, energies: Floats, starts: Numbers, offset: int
) -> Floats:
    """Return the normalised correlation, 1 for the same sound at any gain, of neighbouring windows."""
    begin, end = int(starts[0]), int(starts[-1]) + WINDOW
    laid = under(file, offset, begin, end)
    common = _sums(weighted[begin:end] * laid, starts - begin)
    own = _sums(weight[begin:end] * laid**2, starts - begin)
    return np.asarray(common / np.sqrt(np.maximum(energies * own, 1.0)))


def _search(file: Floats, weighted: Floats, weight: Floats, start: int, offset: int) -> tuple[int, float]:
    """Return the best offset near another for a window, and the likeness there."""
    around = under(file, offset, start - REACH, start + REACH + WINDOW)
    place, likeness = _slide(around, weighted[start : start + WINDOW], weight[start : start + WINDOW])
    return offset + REACH - place, likeness


def _far(file: Floats, weighted: Floats, weight: Floats, start: int) -> tuple[int, float]:
    """Search the whole file for a window."""
    padded = np.pad(file, WINDOW)
    place, likeness = _slide(padded, weighted[start : start + WINDOW], weight[start : start + WINDOW])
    return start - place + WINDOW, likeness


def _slide(long: Floats, window: Floats, mask: Floats) -> tuple[int, float]:
    size = fast_length(len(long))
    places = len(long) - len(window) + 1

    def correlate(one: Floats, other: Floats) -> Floats:
        return np.asarray(irfft(rfft(one, size) * np.conj(rfft(other, size)), size)[:places])

    energy = float((window**2).sum())
    if not energy:
        return 0, 0.0
    own = np.maximum(correlate(long**2, mask), 1e-3 * energy)
    likeness = correlate(long, window) / np.sqrt(energy * own)
    best = int(np.argmax(likeness))
    return best, float(likeness[best])


def _lost(alike: Floats, loud: Numbers) -> bool:
    """Whether not only the first window is unlike the file, but the next loud ones are, too."""
    return bool((alike[loud][:LOST] < ALIKE).all())


def _lasts(
    file: Floats, weighted: Floats, weight: Floats, loud: Numbers, starts: Numbers, at: int, moved: int, offset: int
) -> bool:
    """Whether the next loud window agrees with a new offset better than with the old one; one alone may be chance."""
    later = np.flatnonzero(loud[at + 1 : at + 20])
    if not len(later):
        return True
    start = int(starts[at + 1 + int(later[0])])
    window, mask = weighted[start : start + WINDOW], weight[start : start + WINDOW]

    def likeness(where: int) -> float:
        laid = under(file, where, start, start + WINDOW)
        energy = float((window**2).sum() * (mask * laid**2).sum())
        return float((window * laid).sum()) / np.sqrt(energy) if energy > 0 else 0.0

    return likeness(moved) >= likeness(offset)
