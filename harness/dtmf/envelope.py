"""How loud both tones of a candidate were, every 5 ms, and from where to where that is a burst.

All candidates of about a length are measured at once: the first dimension of every array counts them.
"""

from __future__ import annotations

import functools
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from harness.dtmf.digit import COLUMNS, RATE, ROWS, Floats, Numbers
from harness.dtmf.search import HOP, WINDOW, Candidates, Floats32, Ints

BLOCK = RATE // 200
SHARES = (1, 3, 3, 1)  # of four blocks in the 20 ms that an envelope is made from
REACH = len(SHARES) - 1
AROUND = RATE * 50 // 1000  # samples beside a candidate that are looked at
MS = RATE // 1000

PARTS_MS = 26.0  # a gap so long parts two digits: Q.24 20 ms must not, 30 ms must
FADED_MS = 60.0  # one tone that is gone for so long ends the digit, though the other stays
MUCH_LOUDER = 1.5  # than this burst: a neighbour whose own amplitude counts for its edge
UNLIKE = 2.5  # times as loud: not the same digit
LOUD = 0.8  # of a candidate's places are fainter than its burst is taken to be

NOMINAL = np.array([(row, column) for row in ROWS for column in COLUMNS], np.float64)  # by index of the key
Bools = npt.NDArray[np.bool_]

# Both halves of a Hann window of 10 ms times the carriers of both tones, real and imaginary parts; and the mean.
_window = np.hanning(2 * BLOCK + 1)[1:] / BLOCK * 2
_carriers = np.exp(-2j * np.pi / RATE * NOMINAL[..., None] * np.arange(2 * BLOCK)) * _window
_parts_of_it = np.concatenate((_carriers.real, _carriers.imag), axis=1)
_KERNELS = np.concatenate(
    (_parts_of_it[..., :BLOCK], _parts_of_it[..., BLOCK:], np.full((len(NOMINAL), 1, BLOCK), 1 / BLOCK)), axis=1
).astype(np.float32)


class Excerpts(NamedTuple):
    """The sound around each candidate.

    `phasors` are of both tones over 10 ms, every 5, turned to the first sample, as peaks: [candidate, tone, block];
    `smooth` the same over 20 ms. `power` is the mean square in the same 20 ms, without DC.
    """

    key: Ints
    other: Floats32  # as the search found it
    origin: Ints  # sample
    seed_end: Ints  # block after the last of the candidate itself
    phasors: npt.NDArray[np.complex64]
    smooth: npt.NDArray[np.complex64]
    power: Floats32


class Bursts(NamedTuple):
    """From where to where both tones have half of their own amplitude, in samples from the excerpt's first."""

    start: Floats
    end: Floats
    parts: Ints  # more than one where a short gap is inside
    part_start: Floats  # of the longest
    part_end: Floats


def excerpts(padded: Numbers, candidates: Candidates) -> Excerpts:
    """Cut the candidates' surroundings out of a sound that has `AROUND` more samples at its beginning and its end."""
    windows = int((candidates.after - candidates.first).max())
    count = ((windows - 1) * HOP + WINDOW + 2 * AROUND) // BLOCK
    blocks = padded[: len(padded) // BLOCK * BLOCK].reshape(-1, BLOCK)
    first = candidates.first * HOP
    wanted = (first // BLOCK)[:, None] + np.arange(count)
    sound = np.take(blocks, wanted, axis=0, mode="clip").astype(np.float32)  # the last block, and beyond it, is silent
    projected = np.matmul(_KERNELS[candidates.key], sound.transpose(0, 2, 1))
    phasors = np.empty((len(sound), 2, count - 1), np.complex64)
    np.add(projected[:, 0:2, :-1], projected[:, 4:6, 1:], out=phasors.real)
    np.add(projected[:, 2:4, :-1], projected[:, 6:8, 1:], out=phasors.imag)
    phasors *= _turns(count - 1)[candidates.key]
    power = _shared(np.einsum("nbk,nbk->nb", sound, sound))
    power -= projected[:, 8].mean(axis=1, keepdims=True) ** 2
    seed_end = AROUND // BLOCK + ((candidates.after - candidates.first - 1) * HOP + WINDOW) // BLOCK
    return Excerpts(candidates.key, candidates.other, first - AROUND, seed_end, phasors, _smoothed(phasors), power)


@functools.lru_cache(maxsize=64)
def _turns(count: int) -> npt.NDArray[np.complex64]:
    turns = np.exp(-2j * np.pi * BLOCK / RATE * NOMINAL[..., None] * np.arange(count))
    return np.asarray(turns, np.complex64)


def _smoothed(phasors: npt.NDArray[np.complex64]) -> npt.NDArray[np.complex64]:
    """Return them over 20 ms, weighed most in the middle; the first is at `place(0)`."""
    pairs = phasors[..., :-1] + phasors[..., 1:]
    added = pairs[..., :-1] + pairs[..., 1:]
    return np.asarray(added * np.float32(1 / 4), np.complex64)


def _shared(energies: Floats32) -> Floats32:
    """Return the mean square of the same 20 ms from the blocks' sums of squares."""
    middle = energies[:, 1:-2] + energies[:, 2:-1]
    middle *= np.float32(SHARES[1])
    middle += energies[:, :-3]
    middle += energies[:, 3:]
    middle *= np.float32(1 / (BLOCK * sum(SHARES)))
    return middle


def place(index: Any) -> Any:
    """Return the sample in the middle of what was smoothed to that index."""
    return index * BLOCK + (REACH + 1) * BLOCK / 2


def _late() -> Floats:
    """Return, for every twentieth of a block, what is left of a burst so long after its end."""
    ten = np.hanning(2 * 20 + 1)[1:]
    window = np.pad(ten, (0, 40)) + 2 * np.pad(ten, 20) + np.pad(ten, (40, 0))
    return np.asarray(1 - np.cumsum(window)[len(window) // 2 - 1 :] / window.sum())


_LATE = _late()


def bursts(cut: Excerpts) -> Bursts:
    """Return the burst around the loudest place of each candidate; one without has no length."""
    envelopes = np.abs(cut.smooth)
    first, last = AROUND // BLOCK, int(cut.seed_end.max()) - REACH
    counted = cut.seed_end - REACH - first
    inside = np.arange(last - first) < counted[:, None]
    seed = envelopes[:, :, first:last] * inside[:, None]
    ordered = np.sort(seed, axis=2)
    rank = last - first - 1 - (counted * (1 - LOUD)).astype(np.intp)
    reference = np.take_along_axis(ordered, rank[:, None, None], axis=2)
    envelopes /= np.maximum(reference, np.float32(1e-3))
    both, either = envelopes.min(axis=1), envelopes.max(axis=1)
    peak = first + (both[:, first:last] * inside).argmax(axis=1)
    return _around(both, either, peak)


class _Runs(NamedTuple):
    """Runs in rows that were laid end to end: first index, the one after the last, and both as precise samples."""

    first: Ints
    after: Ints
    start: Floats
    end: Floats


def _runs(good: Bools, envelope: Floats32) -> _Runs:
    """Find the runs, each row's for itself, and where the envelope crosses one half."""
    good[:, 0] = good[:, -1] = False
    flat, values = good.reshape(-1), envelope.reshape(-1)
    edges = np.flatnonzero(flat[1:] != flat[:-1]) + 1
    before, here = values[edges - 1], values[edges]
    rise = here - before
    rise[rise == 0] = 1
    crossing = np.clip((0.5 - before) / rise, 0, 1) + (edges - 1) % good.shape[1]
    places = place(crossing)
    return _Runs(edges[::2], edges[1::2], places[::2], places[1::2])


def _around(both: Floats32, either: Floats32, peak: Ints) -> Bursts:
    """Return the runs around each row's peak, up to gaps that part digits."""
    width = both.shape[1]
    runs = _runs(both > 0.5, both)
    rows = runs.first // width
    nothing = np.zeros(len(peak))
    if not len(rows):
        return Bursts(nothing, nothing, nothing.astype(np.intp), nothing, nothing)
    parted = np.ones(len(rows), np.bool_)
    parted[1:] = rows[1:] != rows[:-1]
    joined = np.flatnonzero(~parted)
    if len(joined):
        parted[joined] = _parts(runs, both, either)[joined - 1]
    group = np.cumsum(parted) - 1
    begins = np.flatnonzero(parted)
    ends = np.append(begins[1:], len(rows)) - 1
    longest = begins.copy()
    lengths = runs.end - runs.start
    for index in np.flatnonzero(ends > begins).tolist():
        longest[index] += int(lengths[begins[index] : ends[index] + 1].argmax())
    flat_peak = np.arange(len(peak)) * width + peak
    own = np.maximum(np.searchsorted(runs.first, flat_peak, "right") - 1, 0)
    there = (runs.first[own] <= flat_peak) & (flat_peak < runs.after[own])
    own = group[own]
    first, last, best = begins[own], ends[own], longest[own]
    start, end = runs.start[first] * there, runs.end[last] * there
    return Bursts(start, end, last - first + 1, runs.start[best] * there, runs.end[best] * there)


def _parts(runs: _Runs, both: Floats32, either: Floats32) -> Bools:
    """Whether between each run and the next there is a gap that ends a digit."""
    gone = _runs(either < 0.5, either)
    between = np.searchsorted(runs.after, gone.first, "right") - 1
    count = len(runs.first) - 1
    known = (between >= 0) & (between < count)
    first, after, start, end = (values[known] for values in gone)
    between = between[known]
    loudness = np.maximum.reduceat(both.reshape(-1), np.stack((runs.first, runs.after), axis=1).reshape(-1))[::2]
    # A digit that is much louder ends where half of its own amplitude is, not of this one's.
    late = len(_LATE) - np.searchsorted(_LATE[::-1], 0.5 / np.maximum(loudness, 1)) - 1
    late = np.where(loudness > MUCH_LOUDER, late * (BLOCK / 20), 0)
    length = end - start
    length += np.where(first - runs.after[between] <= 1, late[between], 0)
    length += np.where(runs.first[between + 1] - after <= 1, late[between + 1], 0)
    longest = np.zeros(count)
    np.maximum.at(longest, between, length)
    unlike = np.maximum(loudness[1:], loudness[:-1]) > UNLIKE * np.minimum(loudness[1:], loudness[:-1])
    return np.asarray(unlike | (longest >= PARTS_MS * MS) | (runs.start[1:] - runs.end[:-1] > FADED_MS * MS))
