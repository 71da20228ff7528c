"""Where the recording is not the file: what is missing, silent, repeated, inserted, and for how long."""

from __future__ import annotations

import enum
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from harness.sound import g711
from harness.sound.g711 import PEAK, RATE, Floats, Numbers
from harness.sound.level import runs
from harness.sound.pieces import Piece

BLOCK, BLOCK_BAD = RATE // 100, 4  # so many wrong samples in 10 ms are heard as a gap
CODES = 2  # that a sample may be off after two legs, before it is wrong
ROUNDING = 24.0  # 16-bit steps that are no sound
FEW = 8  # samples, of which nothing can be said but that they are too many
STILL = 10.0  # 16-bit steps: the smallest code but zero is 8
REACH = RATE // 2
WIDEN = RATE // 200  # how far the edges of a gap are refined
LAGS = tuple(RATE * ms // 1000 for ms in (20, 10, 30, 40, 60, 80, 100))  # packets that may have been played again
AT_RAIL = 0.05  # so large a share of a stretch at the rails is clipping
PRESENT = 0.2  # the file's gain below something else, within that of its own: it was heard on

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


def broken(laid: Floats, sound: Floats, judged: Numbers, pieces: Sequence[Piece], inside: Numbers) -> Iterator[Gap]:
    """Yield each stretch in which the recording is not the file, though the file runs on below it.

    `laid` is the file under the recording at the gain it was heard with.
    """
    off = np.abs(sound - np.clip(laid, -g711.PEAK, g711.PEAK))
    typical = float(np.median(off[judged & inside])) if (judged & inside).any() else 0.0
    room = CODES * (np.abs(laid) + 132) / 16 + 6 * typical
    bad = judged & (off > np.maximum(room, ROUNDING))
    total = np.concatenate(([0], np.cumsum(bad)))
    if len(total) <= BLOCK:
        return
    begins = np.flatnonzero(total[BLOCK:] - total[:-BLOCK] >= BLOCK_BAD)
    change = np.zeros(len(bad) + 1, np.int64)
    np.add.at(change, begins, 1)
    np.add.at(change, begins + BLOCK, -1)
    done = 0
    for first, after in runs(np.cumsum(change[:-1]) > 0):
        places = first + np.flatnonzero(bad[first:after])
        if places[0] >= done:
            gap = _gap(laid, sound, int(places[0]), int(places[-1]) + 1, pieces)
            done = round((gap.at_s + gap.length_s) * RATE)
            yield gap


def _gap(laid: Floats, sound: Floats, start: int, end: int, pieces: Sequence[Piece]) -> Gap:
    kind = Kind.INSERTED
    if np.sqrt(np.mean(sound[start:end] ** 2)) <= ROUNDING:
        kind = Kind.SILENT
        start, end = _silence_around(laid, sound, start, end)
    elif _at_rail(laid[start:end], sound[start:end]):
        kind = Kind.CLIPPED
    else:
        for lag in LAGS:
            if start >= lag and _same(sound[start:end], sound[start - lag : end - lag]):
                kind = Kind.REPEATED
                same = np.zeros(len(sound), bool)
                around = slice(max(lag, start - WIDEN), end + WIDEN)
                same[around] = sound[around] == sound[around.start - lag : around.start - lag + len(sound[around])]
                start, end = _widened(same, start, end)
                break
        else:
            if any(piece.start <= start and end <= piece.end for piece in pieces):
                kind = Kind.ADDED if _present(laid[start:end], sound[start:end]) else kind
    offset = next((piece.offset for piece in pieces if start < piece.end), pieces[-1].offset)
    return Gap(start / RATE, (start - offset) / RATE, (end - start) / RATE, kind)


def _at_rail(laid: Floats, sound: Floats) -> bool:
    return bool(((np.abs(sound) >= PEAK) & (sound * laid > 0)).mean() > AT_RAIL)


def _present(laid: Floats, sound: Floats) -> bool:
    """Whether the file is heard below something else; where it is silent nothing else of it could be."""
    energy = float((laid**2).sum())
    if energy <= len(laid) * ROUNDING**2:
        return True
    return abs(float((laid * sound).sum()) / energy - 1) < PRESENT


def _silence_around(laid: Floats, sound: Floats, start: int, end: int) -> tuple[int, int]:
    """Return how far around a silent stretch the recording is silent where the file, however quietly, is not."""
    first, last = max(0, start - REACH), min(len(sound), end + REACH)
    before, after = np.abs(sound[first:start][::-1]) > STILL, np.abs(sound[end:last]) > STILL
    first = start - (int(before.argmax()) if before.any() else len(before))
    last = end + (int(after.argmax()) if after.any() else len(after))
    places = np.flatnonzero(np.abs(laid[first:last]) > STILL)
    return min(start, first + int(places[0])), max(end, first + int(places[-1]) + 1)


def _widened(like: Numbers, start: int, end: int) -> tuple[int, int]:
    """Let a stretch reach to where its neighbours are no longer like it."""
    before = like[max(0, start - WIDEN) : start][::-1]
    after = like[end : end + WIDEN]
    return (
        start - (int(before.argmin()) if not before.all() else len(before)),
        end + (int(after.argmin()) if not after.all() else len(after)),
    )
