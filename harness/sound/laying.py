"""The file laid under the recording as it was heard: at its gain, with its echo, beside a constant."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from harness.sound import echo
from harness.sound.align import WINDOW
from harness.sound.echo import Echo
from harness.sound.g711 import PEAK, RATE, STILL, Floats, Numbers
from harness.sound.pieces import ACTIVE_RMS, Piece, joined, laid_under, ratio
from harness.sound.runs import runs

ROUNDS = 2
MUCH = 100.0  # times what the middle window has left


@dataclass(frozen=True, slots=True)
class Laid:
    """A recording and what explains it; all arrays are as long as the recording."""

    pieces: Sequence[Piece]
    sound: Floats  # the recording without the constant
    file: Floats  # at a gain of 1, nothing where there is no piece
    expected: Floats  # the file with its echo
    gain: float
    dc: float
    echo: Echo
    before: Floats  # of the file, what comes before the first piece
    inside: Numbers  # in a piece
    judged: Numbers  # what may be compared: not ignored, and not between two pieces

    def left(self, gain: float) -> Floats:
        """Return what is left of the recording beside the file at that gain."""
        return np.asarray(self.sound - np.clip(self.expected * gain, -PEAK, PEAK))


def lay(played: Floats, sound: Floats, weight: Floats, pieces: Sequence[Piece]) -> Laid:
    """Lay the file under the recording, piece by piece; `weight` is 0 for what must not be compared."""
    gain = ratio(played, sound, weight, pieces)
    first = laid_under(played * gain, pieces, len(sound))
    dc = _constant(sound - first, (weight > 0) & (first != 0))
    even = np.where(_no_call(sound), sound, sound - dc) if abs(dc) > STILL else sound - dc
    pieces = joined(played * gain, even, weight, pieces)
    file = laid_under(played, pieces, len(sound))
    inside = np.zeros(len(sound), bool)
    for piece in pieces:
        inside[piece.start : piece.end] = True
    between = ~inside
    between[: pieces[0].start] = between[pieces[-1].end :] = False
    judged = (weight > 0) & ~between
    compared = judged & inside
    heard = _echo(file * gain, even, compared)
    expected = heard.under(file)
    before = played[: max(0, pieces[0].start - pieces[0].offset)]
    return Laid(pieces, even, file, expected, gain, dc, heard, before, inside, judged)


def _echo(file: Floats, sound: Floats, where: Numbers) -> Echo:
    """Measure the echo, then anew without the windows in which more is left than it explains: they have a gap."""
    lags = echo.Lags(file, sound)
    heard = echo.measure(lags, where)
    before = where
    for _ in range(ROUNDS):
        usual = where & _usual(heard.under(file), sound, where)
        if np.array_equal(usual, before):
            break
        heard, before = echo.measure(lags, usual), usual
    return heard


def _no_call(sound: Floats) -> Numbers:
    """Return where nothing at all is: before and after a call there is no constant either."""
    lasts = np.zeros(len(sound), bool)
    for first, after in runs(np.abs(sound) <= STILL):
        lasts[first:after] = after - first >= RATE // 100
    return lasts


def _usual(laid: Floats, sound: Floats, where: Numbers) -> Numbers:
    """Return what is in windows in which no more is left beside the file than in most: a gap is no echo."""
    count = len(laid) // WINDOW
    whole = count * WINDOW
    left, wanted = (
        (where[:whole] * values[:whole] ** 2).reshape(count, WINDOW).sum(axis=1) for values in (sound - laid, laid)
    )
    usual = np.zeros(len(laid), bool)
    if (active := wanted > WINDOW / 2 * ACTIVE_RMS**2).any():
        share = left / np.maximum(wanted, 1)
        good = np.where(
            active, share <= MUCH * np.median(share[active]), left <= np.quantile(left[active], 0.9)
        )
        usual[:whole] = np.repeat(good, WINDOW)
        usual[whole:] = True  # less than a window
    return usual


def _constant(left: Floats, where: Numbers) -> float:
    """Return the mean of most windows: a gap in one of them changes nothing."""
    count = len(left) // WINDOW
    parts = (left * where)[: count * WINDOW].reshape(count, WINDOW), where[: count * WINDOW].reshape(count, WINDOW)
    sizes = parts[1].sum(axis=1)
    enough = sizes > WINDOW / 2
    return float(np.median(parts[0].sum(axis=1)[enough] / sizes[enough])) if enough.any() else 0.0
