"""The stretches of a recording in which the file runs on without a slip, to the sample."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from harness.sound import align
from harness.sound.align import WINDOW, Track
from harness.sound.g711 import RATE, Floats, Numbers

ACTIVE_RMS = 100.0  # -50 dBov
FEW = 8  # samples over which an echo is spread
SHORT = 5 * WINDOW
PACKET = RATE // 50
EXPLAINED = 0.8  # of the file's energy in a stretch, that the file is there and not something like it
RUN = 3  # so many windows have to agree on an offset: one syllable can resemble another by chance


@dataclass(frozen=True, slots=True)
class Piece:
    """A stretch of the recording in which the file runs at one offset."""

    start: int
    end: int
    offset: int


def pieces_of(track: Track) -> list[Piece]:
    """Return the pieces that enough windows agree on, in order; none where nothing of the file was heard."""
    starts, offsets = track.starts[track.matched].tolist(), track.offsets[track.matched].tolist()
    at_least = min(RUN, int(track.loud.sum()))
    pieces: list[Piece] = []
    for offset, group in itertools.groupby(zip(starts, offsets, strict=True), lambda pair: pair[1]):
        windows = [start for start, _ in group]
        if pieces and pieces[-1].offset == offset:
            pieces[-1] = Piece(pieces[-1].start, windows[-1] + WINDOW, offset)
        elif len(windows) >= at_least:
            pieces.append(Piece(windows[0], windows[-1] + WINDOW, offset))
    return pieces


def without_echoes(pieces: Sequence[Piece], delay: int) -> list[Piece]:
    """Return the pieces without those that are the echo of their neighbours, heard while the file made a pause."""
    left: list[Piece] = []
    for place, piece in enumerate(pieces):
        after = pieces[place + 1 : place + 2]
        beside = [left[-1].offset] if left else [one.offset for one in after]
        if len(pieces) > 1 and all(abs(piece.offset - offset - delay) <= FEW for offset in beside):
            continue
        if left and left[-1].offset == piece.offset:
            left[-1] = Piece(left[-1].start, piece.end, piece.offset)
        else:
            left.append(piece)
    return left


def ratio(played: Floats, sound: Floats, weight: Floats, pieces: Sequence[Piece]) -> float:
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
    return fitted(laid, sound[first.start : first.end], weight[first.start : first.end] > 0) or 1.0


def fitted(laid: Floats, sound: Floats, where: Numbers) -> float:
    """Return the gain, least squares, that makes the one into the other."""
    energy = float((laid[where] ** 2).sum())
    return max(0.0, float((laid[where] * sound[where]).sum()) / energy) if energy else 0.0


def joined(played: Floats, sound: Floats, weight: Floats, pieces: Sequence[Piece]) -> list[Piece]:
    """Let each piece reach as far as it explains the recording; between neighbours the file slips.

    A short piece without which its neighbours explain the recording better was none: a vowel, say, that resembles
    another place. The ends are where silence explains the recording better than the file does.
    """
    found = _met(played, sound, weight, pieces)
    for place in reversed(range(1, len(pieces) - 1)):
        if pieces[place].end - pieces[place].start <= SHORT:
            around = slice(max(0, found[place].start - 2 * WINDOW), found[place].end + 2 * WINDOW)
            others = [*pieces[:place], *pieces[place + 1 :]]
            without = _met(played, sound, weight, others)
            if _error(played, sound, weight, without, around) < _error(played, sound, weight, found, around):
                pieces, found = others, without
    return _reaching(played, sound, weight, found)


def _met(played: Floats, sound: Floats, weight: Floats, pieces: Sequence[Piece]) -> list[Piece]:
    """Return the pieces, each to where the next one begins."""
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
    return pieces


def _error(played: Floats, sound: Floats, weight: Floats, pieces: Sequence[Piece], where: slice) -> float:
    """Return the energy in a stretch that the pieces there do not explain."""
    error = 0.0
    for piece in pieces:
        start, end = max(piece.start, where.start), min(piece.end, where.stop)
        if start < end:
            laid = align.under(played, piece.offset, start, end)
            error += float((weight[start:end] * (sound[start:end] - laid) ** 2).sum())
    return error


def _reaching(played: Floats, sound: Floats, weight: Floats, pieces: list[Piece]) -> list[Piece]:
    """Return the pieces, the first and the last as far as there is more of them than silence."""
    first, last = pieces[0], pieces[-1]
    reach = first.start + WINDOW
    laid = align.under(played, first.offset, 0, reach)
    gained = np.cumsum((weight[:reach] * laid * (2 * sound[:reach] - laid))[::-1])
    earliest = reach - 1 - int(gained.argmax())
    start = _already(played, sound, weight, min(max(earliest, first.offset, 0), first.end), first.offset)
    back = max(last.start, last.end - WINDOW)
    laid = align.under(played, last.offset, back, len(sound))
    gained = np.cumsum(weight[back:] * laid * (2 * sound[back:] - laid))
    end = back + 1 + int(gained.argmax()) if len(gained) else last.end
    pieces[0] = Piece(start, pieces[0].end, first.offset)
    pieces[-1] = Piece(pieces[-1].start, max(end, pieces[-1].start), last.offset)
    return pieces


def _already(played: Floats, sound: Floats, weight: Floats, start: int, offset: int) -> int:
    """Return where the file was there already, before something louder of it was lost; `start` if it was not."""
    laid = align.under(played, offset, 0, start)
    gained = np.concatenate(([0.0], np.cumsum(weight[:start] * laid * (2 * sound[:start] - laid))))
    after = int((gained - np.minimum.accumulate(gained)).argmax())
    begin = after - int(gained[: after + 1][::-1].argmin())
    energy = float((weight[begin:after] * laid[begin:after] ** 2).sum())
    there = after - begin >= PACKET and energy > (after - begin) * ACTIVE_RMS**2
    return begin if there and gained[after] - gained[begin] >= EXPLAINED * energy else start


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


def laid_under(played: Floats, pieces: Sequence[Piece], length: int) -> Floats:
    """Return the file as the pieces lie under a recording of that length; silence between them."""
    laid = np.zeros(length)
    for piece in pieces:
        laid[piece.start : piece.end] = align.under(played, piece.offset, piece.start, piece.end)
    return laid


