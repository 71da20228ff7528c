"""Stage one: where in a recording two tones of a digit might be. Quick, and wrong more often than right.

Blocks of 5 ms times a small matrix give the phasor of every tone in every block; turned to a common phase, four in a
row add up to a window of 20 ms. Overlapping windows in a strided view would defeat the matrix product.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from harness.dtmf.digit import RATE, TONES, Numbers, amplitude

BLOCK = RATE // 200
BLOCKS = 4  # to a window
WINDOW = BLOCK * BLOCKS
PERIOD = RATE // BLOCK  # the tones are whole Hz: after a second of blocks every phase is back where it was

HUM = (0, 350, 440)  # DC and dial tones, which no digit has to compete with
PROBES = TONES + HUM
FAINTEST = (WINDOW / 2 * amplitude(-48)) ** 2  # a tone 1.8 % beside its frequency reads up to 6 dB too low here
LEAST_SHARE = 0.12  # of a window's energy that the pair must have
HIGH_OVER_LOW, LOW_OVER_HIGH = 10**1.2, 10**1.7  # as energies: 12 and 17 dB, with 6 dB of that loss
SHORTEST = 3  # windows

_phases = 2j * np.pi / RATE * np.outer(PROBES, np.arange(BLOCK))
_MATRIX = np.concatenate((np.exp(-_phases).real, np.exp(-_phases).imag)).astype(np.float32)
_TURNS = np.exp(-2j * np.pi / RATE * BLOCK * np.outer(PROBES, np.arange(PERIOD))).astype(np.complex64)


class Candidate(NamedTuple):
    """A stretch of samples that may hold that row and that column."""

    row: int
    column: int
    start: int
    end: int


def candidates(sound: npt.NDArray[np.float32]) -> Iterator[Candidate]:
    """Yield each stretch that is worth measuring."""
    count = len(sound) // BLOCK
    if count < BLOCKS:
        return
    blocks = sound[: count * BLOCK].reshape(count, BLOCK)
    phasors = _windowed(_phasors(blocks))
    energies = phasors.real**2 + phasors.imag**2
    total = _windowed(np.einsum("ij,ij->i", blocks, blocks)) * (WINDOW / 2)
    total -= energies[9] + energies[10] + energies[8] / 2
    low, high = energies[:4].max(axis=0), energies[4:8].max(axis=0)
    good = (low + high > LEAST_SHARE * total) & (np.minimum(low, high) > FAINTEST)
    good &= (high < HIGH_OVER_LOW * low) & (low < LOW_OVER_HIGH * high)
    label = np.full(len(good), -1, np.int8)
    places = np.flatnonzero(good)
    if not len(places):
        return
    label[places] = 4 * energies[:4, places].argmax(axis=0) + energies[4:8, places].argmax(axis=0)
    share = (low + high) / np.maximum(total, 1)
    for key, first, after in _joined(label, total):
        if after - first >= SHORTEST and _steady(phasors, share, key, first, after):
            yield Candidate(key // 4, key % 4, first * BLOCK, (after - 1) * BLOCK + WINDOW)


def _phasors(blocks: npt.NDArray[np.float32]) -> npt.NDArray[np.complex64]:
    """Return every tone's phasor in each block, turned to the phase of the first sample of all.

    A second at a time: larger products would be shared among BLAS threads, which stall on a busy machine.
    """
    probes = len(PROBES)
    phasors = np.empty((probes, len(blocks)), np.complex64)
    for start in range(0, len(blocks), PERIOD):
        projected = _MATRIX @ blocks[start : start + PERIOD].T
        part = phasors[:, start : start + PERIOD]
        part.real, part.imag = projected[:probes], projected[probes:]
        part *= _TURNS[:, : part.shape[1]]
    return phasors


def _windowed(values: Numbers) -> Numbers:
    """Add every four neighbours."""
    pairs = values[..., :-1] + values[..., 1:]
    return np.asarray(pairs[..., :-2] + pairs[..., 2:])


def _joined(label: npt.NDArray[np.int8], total: Numbers) -> Iterator[tuple[int, int, int]]:
    """Yield key, first window and the one after the last, of each run; what only flickered is one run."""
    edges = np.flatnonzero(label[1:] != label[:-1]) + 1
    starts = np.concatenate(([0], edges))
    keys = label[starts]
    afters = np.concatenate((edges, [len(label)]))
    open_runs: dict[int, tuple[int, int]] = {}
    for key, first, after in zip(keys.tolist(), starts.tolist(), afters.tolist(), strict=True):
        if key < 0:
            continue
        if key in open_runs:
            begin, end = open_runs[key]
            hole = first - end
            if hole <= 1 or (hole <= 5 and total[end:first].min() > 0.1 * total[begin:end].mean()):
                open_runs[key] = begin, after
                continue
            yield key, begin, end
        open_runs[key] = first, after
    for key, (begin, end) in open_runs.items():
        yield key, begin, end


def _steady(phasors: npt.NDArray[np.complex64], share: Numbers, key: int, first: int, after: int) -> bool:
    """Whether both tones turn evenly enough, for long enough, for how dirty they are."""
    clean = float(share[first:after].mean())
    length = after - first
    if length < 4 + 7 * (0.8 - clean):
        return False
    for tone in (key // 4, 4 + key % 4):
        run = phasors[tone, first:after]
        turn = complex(np.vdot(run[:-1], run[1:]))
        energy = float(np.vdot(run, run).real)
        if abs(turn) < 0.6 * energy * (length - 1) / length:
            return False
        if abs(np.angle(turn)) > 2 * np.pi * BLOCK / RATE * 0.032 * TONES[tone]:
            return False
    return True
