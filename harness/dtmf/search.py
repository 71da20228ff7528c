"""Stage one: where in a recording two tones of a digit might be. Quick, and wrong more often than right.

Blocks of 10 ms times a small matrix give every tone's phasor in each; two neighbours, the second turned to the phase of
the first, are a window of 20 ms. The product is made of many small ones, in one call: views that overlap sample by
sample would defeat it, and larger products would be shared among BLAS's threads, which stall on a busy machine.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from harness.dtmf.digit import RATE, TONES, Numbers, amplitude

HOP = RATE // 100
WINDOW = 2 * HOP
AT_ONCE = 200  # windows of one product
IN_CACHE = 40  # products that are made before their results are looked at

FAINTEST = (WINDOW / 2 * amplitude(-48)) ** 2  # a tone 1.8 % beside its frequency reads up to 6 dB too low here
LEAST_SHARE = 0.12  # of a window's energy that the pair must have, after DC, hum and dial tones were weakened:
SLOPE_OF_LOW, SLOPE_OF_HIGH = 0.4, 1.1  # what neighbouring samples' difference leaves of the two groups' energies
HIGH_OVER_LOW, LOW_OVER_HIGH = 10**1.2, 10**1.7  # as energies: 12 and 17 dB, with 6 dB of that loss
DIRTY_WINDOWS = 3.5  # so many more are asked of a pair that is nothing of the energy than of one that is half of it
MOST = 0.5
LEAST_TURN = 0.6  # of the phase's steps, added up, against what equal steps would give
TURN = 2 * np.pi * HOP / RATE * 0.032 * np.array(TONES)  # radians from window to window that a tone may be off
DIP = 0.15  # of the pair's energy nearby: what is fainter is a pause, with an echo in it perhaps
LONGEST_HOLE = 2  # windows that are another's, in a sound that goes on

Ints = npt.NDArray[np.intp]
Floats32 = npt.NDArray[np.float32]
_Complex = npt.NDArray[np.complex64]

_phases = 2 * np.pi / RATE * np.outer(TONES, np.arange(HOP))
_MATRIX = np.concatenate((np.cos(_phases), -np.sin(_phases))).astype(np.float32)
_STEPS = np.exp(-2j * np.pi * HOP / RATE * np.array(TONES)).astype(np.complex64)


class Candidates(NamedTuple):
    """Stretches that may hold a digit: index of its key, first window, and the one after the last.

    `other` is the energy of the loudest other row or column against the pair's own, in the window where it is least.
    """

    key: Ints
    first: Ints
    after: Ints
    other: Floats32


def room(count: int) -> int:
    """Return how many samples the search needs to look at so many: whole products, and a block more."""
    return (-(-count // (AT_ONCE * HOP)) * AT_ONCE + 1) * HOP


class _Windows(NamedTuple):
    """Windows that may be of a digit.

    Their numbers, both tones' indices and phasors, how much of the energy the pair is, the loudest other tone against
    the pair's own; and the pair's energy of all windows, of a digit or not.
    """

    places: Ints
    tones: Ints
    phasors: _Complex
    share: Floats32
    other: Floats32
    pair: Floats32


def candidates(sound: Numbers, count: int) -> Candidates:
    """Return each stretch that is worth measuring in so many samples; those after them, up to `room(count)`, are 0."""
    step = IN_CACHE * AT_ONCE * HOP
    found = [
        _looked_at(sound[first : first + step + HOP], min(step // HOP, -(-(count - first) // HOP) - 1), first // HOP)
        for first in range(0, count, step)
    ]
    if not found:
        nothing = np.zeros(0, np.intp)
        return Candidates(nothing, nothing, nothing, np.zeros(0, np.float32))
    return _runs(
        _Windows(
            np.concatenate([part.places for part in found]),
            np.concatenate([part.tones for part in found], axis=1),
            np.concatenate([part.phasors for part in found], axis=1),
            *(np.concatenate([part[column] for part in found]) for column in (3, 4, 5)),
        )
    )


def _looked_at(sound: Numbers, windows: int, first: int) -> _Windows:
    """Look at as many windows; the first of them has that number."""
    sound = sound[: (len(sound) // HOP - 1) // AT_ONCE * AT_ONCE * HOP + HOP].astype(np.float32)
    phasors = _phasors(sound)
    energies = np.square(phasors).reshape(-1, 2, len(TONES), AT_ONCE).sum(axis=1)
    blocks = sound.reshape(-1, HOP)
    slopes = np.einsum("ij,ij->i", blocks, blocks) - np.einsum("ij,ij->i", blocks[:, 1:], blocks[:, :-1])
    total = ((slopes[:-1] + slopes[1:]) * np.float32(2 * WINDOW / 2))[:windows]
    low, high = (energies[:, part].max(axis=1).reshape(-1)[:windows] for part in (slice(0, 4), slice(4, 8)))
    steep = np.float32(SLOPE_OF_LOW) * low + np.float32(SLOPE_OF_HIGH) * high
    good = (steep > LEAST_SHARE * total) & (np.minimum(low, high) > FAINTEST)
    good &= (high < HIGH_OVER_LOW * low) & (low < LOW_OVER_HIGH * high)
    places = np.flatnonzero(good)
    group, window = places // AT_ONCE, places % AT_ONCE
    tones, other = _loudest(np.ascontiguousarray(energies[group, :, window].T).reshape(2, 4, -1))
    tones[1] += 4
    real, imaginary = (phasors[group, tones + shift, window] for shift in (0, len(TONES)))
    share = steep[places] / np.maximum(total[places], 1)
    return _Windows(places + first, tones, real + 1j * imaginary, share, other, low + high)


def _loudest(energies: Floats32) -> tuple[Ints, Floats32]:
    """Return the index of the loudest row and column, and how loud the next is against it: [row or column, of four]."""
    a, b, c, d = energies.transpose(1, 0, 2)
    first, second = np.maximum(a, b), np.maximum(c, d)
    in_first = first >= second
    index = np.where(in_first, b > a, 2 + (d > c))
    beside = np.where(in_first, np.minimum(a, b), np.minimum(c, d))
    next_one = np.maximum(np.minimum(first, second), beside)
    return index.astype(np.intp), (next_one / np.maximum(first, second)).max(axis=0)


def _phasors(sound: Floats32) -> Floats32:
    """Return real and imaginary parts of each tone's phasor: [group of windows, part and tone, window in it]."""
    step = sound.itemsize
    shape = (len(sound) // HOP - 1) // AT_ONCE, HOP, AT_ONCE + 1
    blocks = np.lib.stride_tricks.as_strided(sound, shape, (AT_ONCE * HOP * step, step, HOP * step))
    parts = np.matmul(_MATRIX, blocks)
    real, imaginary = parts[:, : len(TONES)], parts[:, len(TONES) :]
    cosine, sine = _STEPS.real[:, None], _STEPS.imag[:, None]
    phasors: Floats32 = parts[:, :, :-1].copy()
    phasors[:, : len(TONES)] += real[..., 1:] * cosine
    phasors[:, : len(TONES)] -= imaginary[..., 1:] * sine
    phasors[:, len(TONES) :] += real[..., 1:] * sine
    phasors[:, len(TONES) :] += imaginary[..., 1:] * cosine
    return phasors


def _loudest_near(pair: Floats32) -> Floats32:
    """Return the largest within two windows on either side."""
    three: Floats32 = pair.copy()
    np.maximum(three[1:], pair[:-1], out=three[1:])
    np.maximum(three[:-1], pair[1:], out=three[:-1])
    five: Floats32 = three.copy()
    np.maximum(five[1:], three[:-1], out=five[1:])
    np.maximum(five[:-1], three[1:], out=five[:-1])
    return five


def _runs(windows: _Windows) -> Candidates:
    """Return the runs of one key that are long and steady enough."""
    pair = windows.pair
    loud = windows.pair[windows.places] > DIP * _loudest_near(pair)[windows.places]
    places, share, other = windows.places[loud], windows.share[loud], windows.other[loud]
    tones, phasors = windows.tones[:, loud], windows.phasors[:, loud]
    if not len(places):
        return Candidates(places, places, places, other)
    key = 4 * tones[0] + tones[1] - 4
    order = np.argsort(key.astype(np.int8), kind="stable")
    key, places, tones, phasors = key[order], places[order], tones[:, order], phasors[:, order]
    same = key[1:] == key[:-1]
    hole = np.where(same, places[1:] - places[:-1] - 1, LONGEST_HOLE + 1)
    together = hole == 0
    steps = np.zeros_like(phasors)
    steps[:, :-1] = phasors[:, 1:] * phasors[:, :-1].conj() * _STEPS[tones[:, 1:]] * together
    for length in range(1, LONGEST_HOLE + 1):  # what only flickered is one run
        (at,) = np.nonzero(hole == length)
        lowest = np.min([pair[places[at] + i] for i in range(1, length + 1)], axis=0)
        together[at] = lowest > DIP * np.maximum(pair[places[at]], pair[places[at + 1]])
    starts = np.append(0, np.flatnonzero(~together) + 1)
    counts = np.diff(starts, append=len(places))
    turn = np.add.reduceat(steps, starts, axis=1)
    lengths = np.add.reduceat(np.abs(steps), starts, axis=1)
    clean = np.add.reduceat(share[order], starts) / counts
    good = (counts >= 2) & (counts >= 2 + DIRTY_WINDOWS * (MOST - clean))
    good &= (np.abs(turn) >= LEAST_TURN * lengths).all(axis=0)
    good &= (np.abs(np.angle(turn)) <= TURN[tones[:, starts]]).all(axis=0)
    least = np.minimum.reduceat(other[order], starts)
    begin, last = starts[good], (starts + counts - 1)[good]
    return Candidates(key[begin], places[begin], places[last] + 1, least[good])


def taken(values: Any, which: Any) -> Any:
    """Return the same tuple of arrays with these rows only."""
    return type(values)(*(value[which] for value in values))
