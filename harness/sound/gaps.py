"""Where the recording is not the file: what is missing, silent, repeated, inserted, and for how long."""

from __future__ import annotations

import enum
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from harness.sound import g711
from harness.sound.align import WINDOW
from harness.sound.g711 import PEAK, RATE, STILL, Floats, Numbers
from harness.sound.laying import Laid
from harness.sound.pieces import Piece
from harness.sound.runs import runs

BLOCK, BLOCK_BAD = RATE // 100, 4  # so many wrong samples in 10 ms are heard as a gap
CODES = 2  # that a sample may be off after two legs, before it is wrong
ROUNDING = 24.0  # 16-bit steps that are no sound
FEW = 8  # samples, of which nothing can be said but that they are too many
WIDEN = RATE // 200  # how far the edges of a gap are refined
LAGS = tuple(RATE * ms // 1000 for ms in (20, 10, 30, 40, 60, 80, 100))  # packets that may have been played twice
AT_RAIL = 0.05  # so large a share of a stretch at the rails is clipping
PRESENT, DULLED = 0.2, 0.7  # the file was heard on: its gain there is within that of its own; a clock dulls hisses

class Kind(str, enum.Enum):
    """What happened to the sound."""

    MISSING = "missing"  # the file jumped ahead
    SILENT = "silent"  # silence in the place of sound
    REPEATED = "repeated"  # what had just been heard was heard again
    INSERTED = "inserted"  # something that is not the file
    CLIPPED = "clipped"  # the file, far too loud
    ADDED = "added"  # the file, and something else over it


@dataclass(frozen=True, slots=True)
class Gap:
    """A place at which the recording is not the file; `file_s` is where in the file that is."""

    at_s: float
    file_s: float
    length_s: float
    kind: Kind
    jumped_back: bool = False  # what is repeated is heard as the file once more, from `length_s` earlier on

    @property
    def end_s(self) -> float:
        """Where the recording is the file again."""
        return self.at_s if self.kind is Kind.MISSING or self.jumped_back else self.at_s + self.length_s

    @property
    def breaks(self) -> bool:
        """Whether the file itself was not heard: not so where it is too loud, or has something over it."""
        return self.kind not in (Kind.CLIPPED, Kind.ADDED)


def slip_gap(sound: Floats, left: Piece, right: Piece) -> Gap:
    """Return what happened where the offset changed."""
    slip = right.offset - left.offset
    at_s, file_s = left.end / RATE, (left.end - left.offset) / RATE
    if slip < 0:
        return Gap(at_s, file_s, -slip / RATE, Kind.MISSING)
    if slip > right.start - left.end:  # the file jumped back
        return Gap(at_s, file_s, slip / RATE, Kind.REPEATED, jumped_back=True)
    extra = sound[left.end : left.end + slip]
    if slip > FEW and np.abs(extra).max(initial=0) <= ROUNDING:
        return Gap(at_s, file_s, slip / RATE, Kind.SILENT)
    before, after = sound[max(0, left.end - slip) : left.end], sound[left.end + slip : left.end + 2 * slip]
    again = any(len(other) == slip and _same(extra, other) for other in (before, after))
    return Gap(at_s, file_s, slip / RATE, Kind.REPEATED if again and slip > FEW else Kind.INSERTED)


def _same(one: Floats, other: Floats) -> bool:
    return bool((np.abs(g711.codes(one) - g711.codes(other)) <= 1).mean() > 0.97)


def broken(laid: Laid, *, resampled: bool) -> Iterator[Gap]:
    """Yield each stretch in which the recording is not the file, though the file runs on below it.

    Where the recording was `resampled`, its samples are not quite the file's.
    """
    file, inside = laid.expected * laid.gain, laid.inside
    off = np.abs(laid.left(laid.gain))
    compared = laid.judged & inside
    typical = float(np.median(off[compared])) if compared.any() else 0.0
    room = (2 * CODES if resampled else CODES) * (np.abs(file) + 132) / 16 + 6 * typical
    bad = laid.judged & (off > np.maximum(room, ROUNDING))
    total = np.concatenate(([0], np.cumsum(bad)))
    if len(total) <= BLOCK:
        return
    begins = np.flatnonzero(total[BLOCK:] - total[:-BLOCK] >= BLOCK_BAD)
    change = np.zeros(len(bad) + 1, np.int64)
    np.add.at(change, begins, 1)
    np.add.at(change, begins + BLOCK, -1)
    found = runs(np.cumsum(change[:-1]) > 0)
    usual = _usual(off * compared) if found else 0.0
    done = 0
    for first, after in found:
        places = first + np.flatnonzero(bad[first:after])
        places = places[places >= done]
        if not len(places):
            continue
        within = DULLED if resampled else PRESENT
        kind, start, end = _stretch(file, laid.sound, inside, (usual, within), int(places[0]), int(places[-1]) + 1)
        done = end
        if kind is not Kind.SILENT or np.sqrt(np.mean(file[start:end] ** 2)) > 2 * ROUNDING:
            offset = next((piece.offset for piece in laid.pieces if start < piece.end), laid.pieces[-1].offset)
            yield Gap(start / RATE, (start - offset) / RATE, (end - start) / RATE, kind)


def _usual(off: Floats) -> float:
    """Return how much is beside the file in three windows of four at most."""
    count = len(off) // WINDOW
    levels = np.sqrt((off[: count * WINDOW].reshape(-1, WINDOW) ** 2).mean(axis=1))
    return float(np.quantile(levels, 0.75)) if count else 0.0


def _stretch(
    file: Floats, sound: Floats, inside: Numbers, present: tuple[float, float], start: int, end: int
) -> tuple[Kind, int, int]:
    """Return what happened in a stretch, and from where to where it did; for `present` see there."""
    if np.sqrt(np.mean(sound[start:end] ** 2)) <= ROUNDING:
        return Kind.SILENT, *_silence_around(file, sound, start, end)
    if _at_rail(file[start:end], sound[start:end]):
        return Kind.CLIPPED, start, end
    for lag in (sign * lag for lag in LAGS for sign in (-1, 1)):
        first, after = max(0, -lag, start - WIDEN), min(len(sound), len(sound) - lag, end + WIDEN)
        if first <= start and end <= after and _same(sound[start:end], sound[start + lag : end + lag]):
            same = np.zeros(len(sound), bool)
            same[first:after] = sound[first:after] == sound[first + lag : after + lag]
            return Kind.REPEATED, *_widened(same, start, end)
    added = inside[start:end].any() and _present(file[start:end], sound[start:end], *present)
    return Kind.ADDED if added else Kind.INSERTED, start, end


def _at_rail(laid: Floats, sound: Floats) -> bool:
    return bool(((np.abs(sound) >= PEAK) & (sound * laid > 0)).mean() > AT_RAIL)


def _present(file: Floats, sound: Floats, usual: float, within: float) -> bool:
    """Whether the file is heard below something else; where it is silent nothing else of it could be.

    `usual` is what is left beside it elsewhere, `within` how far from its own its gain may be.
    """
    energy = float((file**2).sum())
    if energy <= len(file) * ROUNDING**2 or np.sqrt(np.mean((sound - file) ** 2)) < 4 * usual:
        return True
    return abs(float((file * sound).sum()) / energy - 1) < within


def _silence_around(file: Floats, sound: Floats, start: int, end: int) -> tuple[int, int]:
    """Return how far around a silent stretch the recording is silent where the file, however quietly, is not."""
    first, last = start - _still(sound[:start][::-1]), end + _still(sound[end:])
    places = np.flatnonzero(np.abs(file[first:last]) > STILL)
    if not len(places):
        return start, end
    return min(start, first + int(places[0])), max(end, first + int(places[-1]) + 1)


def _still(sound: Floats) -> int:
    """Return how many samples it is until the first that is not silent."""
    at, reach = 0, RATE // 8
    while at < len(sound):
        loud = np.abs(sound[at : at + reach]) > STILL
        if loud.any():
            return at + int(loud.argmax())
        at, reach = at + reach, 2 * reach
    return len(sound)


def _widened(like: Numbers, start: int, end: int) -> tuple[int, int]:
    """Let a stretch reach to where its neighbours are no longer like it."""
    before = like[max(0, start - WIDEN) : start][::-1]
    after = like[end : end + WIDEN]
    return (
        start - (int(before.argmin()) if not before.all() else len(before)),
        end + (int(after.argmin()) if not after.all() else len(after)),
    )
