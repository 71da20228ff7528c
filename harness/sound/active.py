"""The active speech level of ITU-T P.56, method B: how loud somebody speaks, pauses left out."""

from __future__ import annotations

import numpy as np

from harness.sound.g711 import RATE, Floats
from harness.sound.spectrum import irfft, rfft

FULL_SCALE = 32768.0
SILENT_DBOV = -96.0  # what a meter shows where there is nothing: one bit of 16
MARGIN_DB = 15.9  # how far the active level lies over the threshold of activity
HANGOVER_S, SMOOTHING_S = 0.2, 0.03
BLOCK = 8192  # the envelope is computed in blocks of this size
THRESHOLDS = 2.0 ** np.arange(-15, 0)


def dbov(power: float) -> float:
    """Return the level of a mean square, in dB over the power of a full-scale square wave."""
    return max(SILENT_DBOV, float(10 * np.log10(power / FULL_SCALE**2))) if power > 0 else SILENT_DBOV


def active_level(sound: Floats) -> tuple[float, float]:
    """Return the active level in dBov, and the share of active time."""
    energy = float((sound**2).sum())
    if not energy:
        return SILENT_DBOV, 0.0
    held = _held(_envelope(sound), round(RATE * HANGOVER_S) + 1)
    counts = np.array([np.count_nonzero(held >= threshold) for threshold in THRESHOLDS])
    levels = 10 * np.log10(energy / FULL_SCALE**2 / np.maximum(counts, 1))
    over = levels - 20 * np.log10(THRESHOLDS)
    everywhere = dbov(energy / len(sound))
    below = np.flatnonzero((over < MARGIN_DB) | (counts == 0))  # the first: far up, where next to nothing is, it grows
    if not len(below) or not below[0] or not counts[below[0] - 1]:
        active = everywhere
    else:
        above = int(below[0]) - 1
        active = float(levels[above])
        if counts[above + 1]:
            part = (over[above] - MARGIN_DB) / (over[above] - over[above + 1])
            active += float(part * (levels[above + 1] - levels[above]))
    return active, min(1.0, 10 ** ((everywhere - active) / 10))


def _held(values: Floats, length: int) -> Floats:
    """Return the largest of each value and those before it, so many in all.

    Of any so many in a row some end one block of that length and the rest begin the next (van Herk 1992, Gil and Werman
    1993): scipy.ndimage, which has the filter itself, takes longer to import than all of it to compute.
    """
    blocks = np.zeros((-(-len(values) // length) + 1, length), values.dtype)
    blocks.reshape(-1)[length : length + len(values)] = values
    begun = np.maximum.accumulate(blocks, axis=1).reshape(-1)[length : length + len(values)]
    to_come = np.maximum.accumulate(blocks[:, ::-1], axis=1)[:, ::-1].reshape(-1)[1 : 1 + len(values)]
    return np.maximum(begun, to_come)


def _envelope(sound: Floats) -> Floats:
    """Return the magnitude after two first-order filters.

    Their response, n times a falling exponential, is convolved block by block: scipy.signal, which has the filter
    itself, takes a second to import.
    """
    keep = np.exp(-1 / (RATE * SMOOTHING_S))
    size = 2 * BLOCK
    times = np.arange(BLOCK)
    response = rfft((1 - keep) ** 2 * (times + 1) * keep**times, size)
    count = -(-len(sound) // BLOCK)
    magnitude = np.zeros((count + 1) * BLOCK, np.float32)
    magnitude[BLOCK : BLOCK + len(sound)] = np.abs(sound) / FULL_SCALE
    blocks = np.lib.stride_tricks.sliding_window_view(magnitude, size)[::BLOCK]
    smoothed = irfft(rfft(blocks, axis=1) * response.astype(np.complex64), axis=1)[:, BLOCK:]
    return np.asarray(smoothed.reshape(-1)[: len(sound)])
