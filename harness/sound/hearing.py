"""What a listener heard, against the file that the source played: how much of it, what is amiss, and where."""

from __future__ import annotations

import enum
import itertools
import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from harness.sound import align, g711
from harness.sound.align import Piece
from harness.sound.g711 import RATE, Floats, Numbers, Samples
from harness.sound.level import runs

BESIDE_S = 0.005  # beside a stretch that is ignored: room for the soft edges of a digit
WINDOW = RATE // 5
ACTIVE_RMS = 100.0  # -50 dBov
BLOCK, BLOCK_BAD = RATE // 100, 4  # so many wrong samples in 10 ms are heard as a gap
CODES = 2  # that a sample may be off after two legs, before it is wrong
ROUNDING = 24.0  # 16-bit steps that are no sound
FEW = 8  # samples, of which nothing can be said but that they are too many
STILL = 10.0  # 16-bit steps: the smallest code but zero is 8
REACH = RATE // 2
WIDEN = RATE // 200  # how far the edges of a gap are refined
LAGS = tuple(RATE * ms // 1000 for ms in (20, 10, 30, 40, 60, 80, 100))  # packets that may have been played again


class Kind(str, enum.Enum):
    """What happened to the sound."""

    MISSING = "missing"  # the file jumped ahead
    SILENT = "silent"  # silence in the place of sound
    REPEATED = "repeated"  # what had just been heard was heard again
    INSERTED = "inserted"  # something that is not the file


@dataclass(frozen=True, slots=True)
class Gap:
    """A place at which the recording is not the file; `file_s` is where in the file that is."""

    at_s: float
    file_s: float
    length_s: float
    kind: Kind


@dataclass(frozen=True, slots=True, kw_only=True)
class Hearing:
    """What was heard of a file; times are seconds of the recording. With nothing heard the figures are NaN.

    `delay_s` is where the file begins, negative when the recording begins inside it. `level_db` is against the gain
    expected. SNR and codes leave out gaps and what was ignored: gaps have their own list.
    """

    delay_s: float = math.nan
    heard_s: float = 0.0
    start_s: float = math.nan
    end_s: float = math.nan
    missing_start_s: float = math.nan  # of the audible part of the file
    missing_end_s: float = math.nan
    likeness: float = 0.0  # the middle window's correlation with the file: 1 the same, below 0.5 another sound
    gaps: tuple[Gap, ...] = ()
    level_db: float = math.nan
    snr_db: float = math.nan
    worst_snr_db: float = math.nan  # of any window of 200 ms in which the file is not silent
    worst_at_s: float = math.nan
    clipped: int = 0
    code_equal: float | None = None  # share within one mu-law code; only where the gain is 1
    dc: float = math.nan  # in 16-bit steps, beside the file's own

    @property
    def matched(self) -> bool:
        """Whether anything of the file was heard."""
        return self.heard_s > 0


def compare(
    reference: Samples, heard: Samples, *, gain: float = 1.0, ignore: Sequence[tuple[float, float]] = ()
) -> Hearing:
    """Compare a recording with the file that was played at that gain.

    `ignore` holds (start_s, end_s) of the recording's stretches that have something beside the file in them: digits.
    """
    played = g711.through(reference).astype(np.float64)
    sound = np.asarray(heard, np.float64)
    weight = _weight(ignore, len(sound))
    pieces, likeness = align.follow(played, sound, weight)
    if not pieces or not gain:
        return Hearing(likeness=likeness)
    ratio = _ratio(played, sound, weight, pieces)
    pieces, slips = _joined(played * ratio, sound, weight, pieces)
    laid = _laid(played, pieces, len(sound))
    inside = np.zeros(len(sound), bool)
    for piece in pieces:
        inside[piece.start : piece.end] = True
    start, end = pieces[0].start, pieces[-1].end
    inserted = np.zeros(len(sound), bool)
    inserted[start:end] = ~inside[start:end]
    judged = (weight > 0) & ~inserted
    fine = judged & inside
    broken = list(_broken(laid * ratio, sound, judged, pieces, inside))
    whole = inside.copy()
    for gap in broken:
        whole[round(gap.at_s * RATE) : round((gap.at_s + gap.length_s) * RATE)] = False
    fine &= whole
    gaps = sorted([*(_slip_gap(sound, *slip) for slip in slips), *broken], key=lambda gap: gap.at_s)
    fitted = _fitted(laid, sound, fine) or ratio
    snr = _snr(laid * fitted, sound, fine)
    audible = np.flatnonzero(np.abs(played) > ROUNDING)
    expected = laid * gain
    return Hearing(
        delay_s=pieces[0].offset / RATE,
        heard_s=float(whole.sum()) / RATE,
        start_s=start / RATE,
        end_s=end / RATE,
        missing_start_s=max(0, start - pieces[0].offset - int(audible[0])) / RATE,
        missing_end_s=max(0, int(audible[-1]) + 1 - (end - pieces[-1].offset)) / RATE,
        likeness=likeness,
        gaps=tuple(gaps),
        level_db=float(20 * np.log10(fitted / gain)) if fitted > 0 else math.nan,
        snr_db=snr[0],
        worst_snr_db=snr[1],
        worst_at_s=snr[2],
        clipped=int((judged & (np.abs(sound) >= g711.PEAK) & (np.abs(expected) < 0.93 * g711.PEAK)).sum()),
        code_equal=_code_equal(laid, sound, fine) if gain == 1 else None,
        dc=float(sound[fine].mean() - fitted * laid[fine].mean()) if fine.any() else math.nan,
    )


def _weight(ignore: Sequence[tuple[float, float]], length: int) -> Floats:
    weight = np.ones(length)
    for start_s, end_s in ignore:
        weight[max(0, round((start_s - BESIDE_S) * RATE)) : max(0, round((end_s + BESIDE_S) * RATE))] = 0.0
    return weight


def _fitted(laid: Floats, sound: Floats, where: Numbers) -> float:
    """Return the gain, least squares, that makes the one into the other."""
    energy = float((laid[where] ** 2).sum())
    return max(0.0, float((laid[where] * sound[where]).sum()) / energy) if energy else 0.0


def _ratio(played: Floats, sound: Floats, weight: Floats, pieces: Sequence[Piece]) -> float:
    """Return the gain that most windows were heard with."""
    ratios = []
    for piece in pieces:
        laid = align.under(played, piece.offset, piece.start, piece.end)
        part, mask = sound[piece.start : piece.end], weight[piece.start : piece.end]
        count = len(laid) // WINDOW
        shape = count, WINDOW
        energy = (mask * laid**2)[: count * WINDOW].reshape(shape).sum(axis=1)
        common = (mask * laid * part)[: count * WINDOW].reshape(shape).sum(axis=1)
        loud = energy > WINDOW / 2 * ACTIVE_RMS**2
        ratios.append(common[loud] / energy[loud])
    every = np.concatenate(ratios)
    if len(every):
        return float(np.median(every))
    first = pieces[0]
    laid = align.under(played, first.offset, first.start, first.end)
    return _fitted(laid, sound[first.start : first.end], weight[first.start : first.end] > 0) or 1.0


def _joined(
    played: Floats, sound: Floats, weight: Floats, pieces: Sequence[Piece]
) -> tuple[list[Piece], list[tuple[Piece, Piece]]]:
    """Let each piece reach as far as it explains the recording; return them, and those between which the file slips.

    The ends are where silence explains the recording better than the file does.
    """
    pieces = list(pieces)
    for i, (left, right) in enumerate(itertools.pairwise(pieces)):
        begin = max(left.start, left.end - 2 * WINDOW)
        after = min(right.end, right.start + 2 * WINDOW)
        inserted = max(0, right.offset - left.offset)
        if inserted > right.start - left.end + 2 * WINDOW:
            inserted = 0  # there is no room for it: the file jumped back
        place = _slip(played, sound, weight, left.offset, right.offset, begin, after, inserted)
        pieces[i] = Piece(pieces[i].start, place, left.offset)
        pieces[i + 1] = Piece(min(place + inserted, right.end), right.end, right.offset)
    first, last = pieces[0], pieces[-1]
    reach = first.start + WINDOW
    laid = align.under(played, first.offset, 0, reach)
    gained = np.cumsum((weight[:reach] * laid * (2 * sound[:reach] - laid))[::-1])
    earliest = reach - 1 - int(gained.argmax())
    start = min(max(earliest, first.offset, 0), first.end)
    back = max(last.start, last.end - WINDOW)
    laid = align.under(played, last.offset, back, len(sound))
    gained = np.cumsum(weight[back:] * laid * (2 * sound[back:] - laid))
    end = back + 1 + int(gained.argmax()) if len(gained) else last.end
    pieces[0] = Piece(start, pieces[0].end, first.offset)
    pieces[-1] = Piece(pieces[-1].start, max(end, pieces[-1].start), last.offset)
    return pieces, list(itertools.pairwise(pieces))


def _slip(
    played: Floats, sound: Floats, weight: Floats, old: int, new: int, begin: int, after: int, inserted: int
) -> int:
    """Return the first sample that the old offset no longer explains."""
    part, mask = sound[begin:after], weight[begin:after]
    error_old = mask * (part - align.under(played, old, begin, after)) ** 2
    error_new = mask * (part - align.under(played, new, begin, after)) ** 2
    left = np.concatenate(([0.0], np.cumsum(error_old)))
    right = np.concatenate((np.cumsum(error_new[::-1])[::-1], [0.0]))
    right = np.concatenate((right[min(inserted, len(right) - 1) :], np.zeros(min(inserted, len(right) - 1))))
    cost = left + right
    # What was played twice can be cut anywhere in its first copy; the second is what was heard again.
    tied = cost <= cost.min() + inserted * float(np.median(np.minimum(error_old, error_new))) + 1
    return begin + (int(np.flatnonzero(tied)[-1]) if inserted else int(cost.argmin()))


def _laid(played: Floats, pieces: Sequence[Piece], length: int) -> Floats:
    laid = np.zeros(length)
    for piece in pieces:
        laid[piece.start : piece.end] = align.under(played, piece.offset, piece.start, piece.end)
    return laid


def _slip_gap(sound: Floats, left: Piece, right: Piece) -> Gap:
    """Return what happened where the offset changed."""
    slip = right.offset - left.offset
    at_s, file_s = left.end / RATE, (left.end - left.offset) / RATE
    if slip < 0:
        return Gap(at_s, file_s, -slip / RATE, Kind.MISSING)
    if slip > right.start - left.end:  # the file jumped back
        return Gap(at_s, file_s, slip / RATE, Kind.REPEATED)
    extra = sound[left.end : left.end + slip]
    if slip > FEW and np.abs(extra).max(initial=0) <= ROUNDING:
        return Gap(at_s, file_s, slip / RATE, Kind.SILENT)
    before, after = sound[max(0, left.end - slip) : left.end], sound[left.end + slip : left.end + 2 * slip]
    again = any(len(other) == slip and _same(extra, other) for other in (before, after))
    return Gap(at_s, file_s, slip / RATE, Kind.REPEATED if again and slip > FEW else Kind.INSERTED)


def _same(one: Floats, other: Floats) -> bool:
    return bool((np.abs(g711.codes(one) - g711.codes(other)) <= 1).mean() > 0.97)


def _broken(laid: Floats, sound: Floats, judged: Numbers, pieces: Sequence[Piece], inside: Numbers) -> Iterator[Gap]:
    """Yield each stretch in which the recording is not the file, though the file runs on below it."""
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
    else:
        for lag in LAGS:
            if start >= lag and _same(sound[start:end], sound[start - lag : end - lag]):
                kind = Kind.REPEATED
                same = np.zeros(len(sound), bool)
                around = slice(max(lag, start - WIDEN), end + WIDEN)
                same[around] = sound[around] == sound[around.start - lag : around.start - lag + len(sound[around])]
                start, end = _widened(same, start, end)
                break
    offset = next((piece.offset for piece in pieces if start < piece.end), pieces[-1].offset)
    return Gap(start / RATE, (start - offset) / RATE, (end - start) / RATE, kind)


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


def _snr(laid: Floats, sound: Floats, fine: Numbers) -> tuple[float, float, float]:
    """Return the SNR over all active windows, of the worst of them, and when that was."""
    count = len(sound) // WINDOW
    shape = count, WINDOW

    def sums(values: Numbers) -> Floats:
        return np.asarray(values[: count * WINDOW].reshape(shape).sum(axis=1), np.float64)

    off = sound - np.clip(laid, -g711.PEAK, g711.PEAK)
    size, wanted, error = sums(fine), sums(fine * laid**2), sums(fine * off**2)
    active = np.flatnonzero((size >= WINDOW / 4) & (wanted > size * ACTIVE_RMS**2))
    if not len(active):
        return math.nan, math.nan, math.nan
    each = 10 * np.log10(wanted[active] / (error[active] + 1e-9))
    worst = int(each.argmin())
    together = 10 * np.log10(wanted[active].sum() / (error[active].sum() + 1e-9))
    return float(together), float(each[worst]), int(active[worst]) * WINDOW / RATE


def _code_equal(laid: Floats, sound: Floats, fine: Numbers) -> float:
    return float((np.abs(g711.codes(laid[fine]) - g711.codes(sound[fine])) <= 1).mean()) if fine.any() else 0.0
