"""What sounds beside a pair of tones: did it come and go with the pair, or was it there before and after?

Dial tones, music and running speech stay, while a vowel that happens to hold a pair brings its other harmonics along.
Four windows of 30 ms are compared: just before a burst, at its beginning, at its end, and just after.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from harness.dtmf.digit import RATE, TONES, Floats
from harness.dtmf.envelope import AROUND, MS, NOMINAL
from harness.dtmf.search import Floats32, Ints

WINDOW = 30 * MS
INSIDE_MS, OUTSIDE_MS = 1, 2  # from the edges
FROM_HZ, BAND, BANDS = 567, 4, 21  # bins of 33 Hz, up to 3.4 kHz
NEAR_HZ = 75.0  # beside a tone its own window's width hides what else there is
_BINS = RATE / WINDOW * (round(FROM_HZ * WINDOW / RATE) + np.arange(BAND * BANDS))

_hann = np.hanning(WINDOW + 2)[1:-1]
_phases = -2 * np.pi / RATE * np.outer(np.arange(WINDOW), np.concatenate((_BINS, TONES)))
_MATRIX = np.concatenate((np.cos(_phases) * _hann[:, None], np.sin(_phases) * _hann[:, None]), axis=1).astype(np.float32)
_POWER = 2 / (WINDOW * float((_hann**2).sum()))  # of a bin, so that they add up to the mean square
_PEAK = 2 / float(_hann.sum())
_AWAY = np.abs(_BINS - NOMINAL[:, :, None]).min(axis=1) > NEAR_HZ  # by key


class Surroundings(NamedTuple):
    """Each burst's: shares of the pair in all power from 570 to 3400 Hz, and in what came and went with it.

    `other` is the loudest other row and column against the pair's own; `strange` the loudest tone of any other
    frequency that came and went, against the weaker of the two.
    """

    share: Floats
    new_share: Floats
    other: Floats
    strange: Floats


def surroundings(padded: Floats32, key: Ints, start: Floats, end: Floats, amplitude: Floats, parts: Ints) -> Surroundings:
    """Look around bursts; places are samples of the sound before it was padded with `AROUND` more at its beginning."""
    begin, stop = np.rint(start).astype(np.intp) + INSIDE_MS * MS, np.rint(end).astype(np.intp) - INSIDE_MS * MS
    gap = (INSIDE_MS + OUTSIDE_MS) * MS
    places = np.stack((begin - gap - WINDOW, begin, stop - WINDOW, stop + gap), axis=1) + AROUND
    windows = np.lib.stride_tricks.sliding_window_view(padded, WINDOW)[np.clip(places, 0, len(padded) - WINDOW)]
    found = np.matmul(windows, _MATRIX)
    half = found.shape[2] // 2
    power = found[..., :half] ** 2 + found[..., half:] ** 2
    probes = power[:, 1:3, len(_BINS) :] * _PEAK**2
    bins = power[..., : len(_BINS)] * _AWAY[key][:, None]
    bands = bins.reshape(len(key), 4, BANDS, BAND).sum(axis=3) * _POWER
    before, first, last, after = bands.transpose(1, 0, 2)
    pair = (amplitude**2).sum(axis=1) / 2
    come, gone = np.maximum(first - before, 0).sum(axis=1), np.maximum(last - after, 0).sum(axis=1)
    rest = np.minimum(first.sum(axis=1), last.sum(axis=1))
    during, beside = np.sqrt(bins[:, 1:3].min(axis=1)) * _PEAK, np.sqrt(np.maximum(bins[:, 0], bins[:, 3])) * _PEAK
    strange = (during - 2 * beside).max(axis=1) / np.maximum(amplitude.min(axis=1), 1e-6)
    return Surroundings(
        pair / np.maximum(pair + rest, 1e-6),
        pair / np.maximum(pair + (come + gone) / 2, 1e-6),
        _other(probes, key, parts),
        strange,
    )


def _other(probes: Floats, key: Ints, parts: Ints) -> Floats:
    """Return the loudest other tone of the eight against its group's own."""
    rows = np.arange(len(key))
    worst = np.zeros((len(key), 2))
    for own, group in ((key // 4, probes[..., :4]), (key % 4, probes[..., 4:])):
        main = group[rows, :, own].copy()
        group[rows, :, own] = 0
        worst = np.maximum(worst, group.max(axis=2) / np.maximum(main, 1e-6))
    # A frame that was lost splits one of the windows, whose tones are then broad.
    return np.sqrt(np.where(parts > 1, worst.min(axis=1), worst.mean(axis=1)))
