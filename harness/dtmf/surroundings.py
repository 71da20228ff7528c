"""What sounds beside a pair of tones: did it come and go with the pair, or was it there before and after?

Dial tones, music and running speech stay, while a vowel that happens to hold a pair brings its other harmonics along.
Four windows of 30 ms are compared: just before a burst, at its beginning, at its end, and just after.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from harness.dtmf.digit import RATE, TONES, Floats, Numbers
from harness.dtmf.envelope import AROUND, MS, NOMINAL
from harness.dtmf.search import Floats32, Ints

WINDOW = 30 * MS
INSIDE_MS, OUTSIDE_MS = 1, 2  # from the edges
FROM_HZ, TO_HZ, STEP_HZ = 600, 3400, 200 / 3  # bins as far apart as what one of them hears is wide; two to a band
NEAR_HZ = 75.0  # beside a tone its own window's width hides what else there is
_BINS = np.arange(FROM_HZ, TO_HZ, STEP_HZ)

_hann = np.hanning(WINDOW + 2)[1:-1]
_phases = -2 * np.pi / RATE * np.outer(np.arange(WINDOW), np.concatenate((_BINS, TONES)))
_MATRIX = (np.concatenate((np.cos(_phases), np.sin(_phases)), axis=1) * _hann[:, None]).astype(np.float32)
_POWER = 2 * STEP_HZ / RATE / float((_hann**2).sum())  # of a bin, so that they add up to the mean square
_PEAK = 2 / float(_hann.sum())
_AWAY = np.abs(_BINS - NOMINAL[:, :, None]).min(axis=1) > NEAR_HZ  # by key


class Surroundings(NamedTuple):
    """Each burst's: shares of the pair in all power from 570 to 3400 Hz, and in what came and went with it.

    `other` is the loudest other row or column that came or went with the pair, against the pair's own; `strange` the
    loudest tone of any other frequency that came and went, against the weaker of the two.
    """

    share: Floats
    new_share: Floats
    other: Floats
    strange: Floats


def surroundings(
    padded: Numbers, key: Ints, start: Floats, end: Floats, amplitude: Floats, parts: Ints
) -> Surroundings:
    """Look around bursts; places are samples of the sound before it was padded with `AROUND` more at its beginning."""
    begin, stop = np.rint(start).astype(np.intp) + INSIDE_MS * MS, np.rint(end).astype(np.intp) - INSIDE_MS * MS
    gap = (INSIDE_MS + OUTSIDE_MS) * MS
    places = np.stack((begin - gap - WINDOW, begin, stop - WINDOW, stop + gap), axis=1) + AROUND
    windows = np.lib.stride_tricks.sliding_window_view(padded, WINDOW)[np.clip(places, 0, len(padded) - WINDOW)]
    windows = windows.astype(np.float32)
    found = np.square(np.matmul(windows, _MATRIX))
    half = found.shape[2] // 2
    power = found[..., :half] + found[..., half:]
    probes = power[:, 1:3, len(_BINS) :]
    new_probes = np.maximum(probes - power[:, ::3, len(_BINS) :], 0)
    bins = power[..., : len(_BINS)] * _AWAY[key][:, None]
    bands = (bins[..., ::2] + bins[..., 1::2]) * np.float32(_POWER)
    before, first, last, after = bands.transpose(1, 0, 2)
    pair = (amplitude**2).sum(axis=1) / 2
    come, gone = np.maximum(first - before, 0).sum(axis=1), np.maximum(last - after, 0).sum(axis=1)
    rest = np.minimum(first.sum(axis=1), last.sum(axis=1))
    during, beside = np.sqrt(np.minimum(bins[:, 1], bins[:, 2])), np.sqrt(np.maximum(bins[:, 0], bins[:, 3]))
    strange = (during - 2 * beside).max(axis=1) * _PEAK / np.maximum(amplitude.min(axis=1), 1e-6)
    return Surroundings(
        pair / np.maximum(pair + rest, 1e-6),
        pair / np.maximum(pair + (come + gone) / 2, 1e-6),
        _other(probes, new_probes, key, parts),
        strange,
    )


def _other(probes: Floats32, new: Floats32, key: Ints, parts: Ints) -> Floats:
    """Return the loudest other tone of the eight that came or went with the pair, against its group's own."""
    shape = len(key), 2, 2, 4  # burst, at which end, row or column, of four
    is_own = (np.stack((key // 4, key % 4), axis=1)[..., None] == np.arange(4))[:, None]
    own = (probes.reshape(shape) * is_own).max(axis=3)
    worst = ((new.reshape(shape) * ~is_own).max(axis=3) / np.maximum(own, 1e-6)).max(axis=2)
    # A frame that was lost splits one of the windows, whose tones are then broad.
    return np.asarray(np.sqrt(np.where(parts > 1, worst.min(axis=1), worst.mean(axis=1))))
