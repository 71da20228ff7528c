"""Where a file lies in a recording: found once for all, then followed from window to window.

An offset is counted in samples: `heard[i]` is `file[i - offset]`. It is where in the recording the file begins, and
negative when the recording begins inside the file. A weight is 0 for samples that must not be compared, else 1.
"""

from __future__ import annotations

import itertools
from dataclasses import dataclass

import numpy as np

from harness.sound.g711 import RATE, Floats, Numbers

WINDOW, HOP = RATE // 5, RATE // 10
REACH = RATE // 2  # how far a slip is looked for nearby, before the whole file is searched
QUIET_RMS = 40.0  # -58 dBov: below it the rounding of mu-law, not speech, decides what is alike
SURE, ALIKE, BETTER = 0.985, 0.8, 0.02  # a clean window through two legs of mu-law correlates above 0.997
FAR_SEARCHES = 12
RUN = 3  # so many windows have to agree on an offset: one syllable can resemble another by chance


@dataclass(frozen=True, slots=True)
class Piece:
    """A stretch of the recording in which the file runs at one offset."""

    start: int
    end: int
    offset: int


def overall(file: Numbers, heard: Numbers) -> int:
    """Return the offset at which the recording resembles the file most.

    Spectra are half whitened, so that neither digits nor one loud vowel outvote the rest.
    """
    from scipy import fft  # type: ignore[import-untyped]

    size = fft.next_fast_len(len(file) + len(heard), real=True)
    cross = fft.rfft(heard.astype(np.float32), size) * np.conj(fft.rfft(file.astype(np.float32), size))
    magnitude = np.abs(cross)
    if not magnitude.any():
        return 0
    best = int(np.argmax(fft.irfft(cross / np.sqrt(magnitude + 1e-9 * magnitude.max()), size)))
    return best if best < len(heard) else best - size


def under(file: Numbers, offset: int, start: int, end: int) -> Floats:
    """Return the file as it lies under the recording from start to end; silence where it does not reach."""
    laid = np.zeros(max(0, end - start))
    first, last = max(start, offset), min(end, offset + len(file))
    if first < last:
        laid[first - start : last - start] = file[first - offset : last - offset]
    return laid


def follow(file: Floats, heard: Floats, weight: Floats) -> tuple[list[Piece], float]:
    """Return the pieces of the file in the recording, in order, and how alike the two are; none when nothing is."""
    starts = np.arange(0, len(heard) - WINDOW + 1, HOP)
    if not len(starts) or not len(file):
        return [], 0.0
    weighted = heard * weight
    energies, sizes = _sums(weighted**2, starts), _sums(weight, starts)
    loud = (sizes >= WINDOW / 2) & (energies > sizes * QUIET_RMS**2)
    if not loud.any():
        return [], 0.0
    offset = overall(file, weighted)
    offsets = np.zeros(len(starts), np.int64)
    likeness = np.full(len(starts), -1.0)
    far = FAR_SEARCHES
    at = 0
    while at < len(starts):
        alike = _likenesses(file, heard, weighted, weight, energies, starts, offset, at)
        doubtful = np.flatnonzero(loud[at:] & (alike < SURE))
        upto = at + int(doubtful[0]) if len(doubtful) else len(starts)
        offsets[at:upto], likeness[at:upto] = offset, alike[: upto - at]
        if upto == len(starts):
            break
        here = float(alike[upto - at])
        moved, best = _search(file, weighted, weight, int(starts[upto]), offset)
        if best < ALIKE and here < ALIKE and far and _lost(alike, loud[at:], upto - at):
            far -= 1
            moved, best = _far(file, weighted, weight, int(starts[upto]))
        if best > ALIKE and best > here + BETTER and _lasts(file, weighted, weight, loud, starts, upto, moved, offset):
            offset, here = moved, best
        offsets[upto], likeness[upto] = offset, here
        at = upto + 1
    matched = loud & (likeness >= ALIKE)
    similar = max(0.0, float(np.median(likeness[loud])))
    return _pieces(starts[matched], offsets[matched], at_least=min(RUN, int(loud.sum()))), similar


def _sums(values: Floats, starts: Numbers) -> Floats:
    total = np.concatenate(([0.0], np.cumsum(values)))
    return np.asarray(total[starts + WINDOW] - total[starts])


def _likenesses(
    file: Floats,
    heard: Floats,
    weighted: Floats,
    weight: Floats,
    energies: Floats,
    starts: Numbers,
    offset: int,
    at: int,
) -> Floats:
    """Return the normalised correlation, 1 for the same sound at any gain, of all windows from that one on."""
    begin = int(starts[at])
    laid = under(file, offset, begin, len(heard))
    places = starts[at:] - begin
    common = _sums(weighted[begin:] * laid, places)
    own = _sums(weight[begin:] * laid**2, places)
    return np.asarray(common / np.sqrt(np.maximum(energies[at:] * own, 1.0)))


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
    from scipy import fft

    size = fft.next_fast_len(len(long), real=True)
    places = len(long) - len(window) + 1

    def correlate(one: Floats, other: Floats) -> Floats:
        return np.asarray(fft.irfft(fft.rfft(one, size) * np.conj(fft.rfft(other, size)), size)[:places])

    energy = float((window**2).sum())
    if not energy:
        return 0, 0.0
    own = np.maximum(correlate(long**2, mask), 1e-3 * energy)
    likeness = correlate(long, window) / np.sqrt(energy * own)
    best = int(np.argmax(likeness))
    return best, float(likeness[best])


def _lost(alike: Floats, loud: Numbers, at: int) -> bool:
    """Whether not only this window is unlike the file, but the next loud ones are, too."""
    following = alike[at:][loud[at:]][:4]
    return bool((following < ALIKE).all())


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


def _pieces(starts: Numbers, offsets: Numbers, *, at_least: int) -> list[Piece]:
    pieces: list[Piece] = []
    for offset, group in itertools.groupby(zip(starts.tolist(), offsets.tolist(), strict=True), lambda pair: pair[1]):
        windows = [start for start, _ in group]
        if pieces and pieces[-1].offset == offset:
            pieces[-1] = Piece(pieces[-1].start, windows[-1] + WINDOW, offset)
        elif len(windows) >= at_least:
            pieces.append(Piece(windows[0], windows[-1] + WINDOW, offset))
    return pieces
