"""Frequency, steadiness and level of both tones over a burst, for many bursts at once."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from harness.dtmf.digit import RATE, Floats
from harness.dtmf.envelope import BLOCK, MS, REACH, Bursts, Excerpts
from harness.dtmf.search import Floats32, taken

MARGIN_MS = 8  # from an edge to what counts, as smoothing blurs it
STEADY_MS = 24.0  # of a burst whose phase jumps: then a packet was skipped
STEADY = 0.9  # so coherent a burst has no jump
CUT_MS = 3  # beside a jump, that belong to neither part
TRIES = 4
LEAST_SHARE = 0.4  # of the pair, or no part is tried: what can be told under loud speech is whole

_Complex = npt.NDArray[np.complex64]


class Tones(NamedTuple):
    """Both tones of each burst: [burst, tone]. Offsets are Hz beside Q.23's frequencies, amplitudes are peaks.

    Coherence is 1 for a tone that keeps its frequency, however long. What was measured lies between `start` and `end`.
    `share` is the pair's of all power in there but DC's.
    """

    offset: Floats
    coherence: Floats
    amplitude: Floats
    share: Floats
    start: Floats
    end: Floats


def tones(cut: Excerpts, found: Bursts) -> Tones:
    """Measure both tones; where packets that were lost turned the phase, those of the longest steady part."""
    best = _measured(cut, found.start, found.end, apart=False)
    unsteady = (best.coherence.min(axis=1) < STEADY) & (best.share > LEAST_SHARE)
    left = np.flatnonzero(unsteady & (found.end - found.start >= STEADY_MS * MS))
    start, end = found.part_start[left], found.part_end[left]
    jumpy = found.parts[left] == 1
    for _ in range(1, TRIES):
        if jumpy.any():
            start[jumpy], end[jumpy] = _longer_side(cut.phasors[left[jumpy]], start[jumpy], end[jumpy])
        there = end - start >= STEADY_MS * MS
        left, start, end = left[there], start[there], end[there]
        if not len(left):
            break
        now = _measured(taken(cut, left), start, end, apart=True)
        steadiness = now.coherence.min(axis=1)
        better = steadiness > best.coherence[left].min(axis=1)
        for whole, part in zip(best, now, strict=True):
            whole[left[better]] = part[better]
        again = steadiness < STEADY
        left, start, end = left[again], start[again], end[again]
        jumpy = np.ones(len(left), np.bool_)
    return best


def _measured(cut: Excerpts, start: Floats, end: Floats, *, apart: bool) -> Tones:
    """Measure from start to end; `apart` are parts whose neighbours the smoothing over 20 ms would let in."""
    smooth = cut.phasors if apart else cut.smooth
    centre = BLOCK if apart else (REACH + 1) * BLOCK // 2
    low, high = max(0, int((start.min() - centre) / BLOCK)), int((end.max() - centre) / BLOCK) + 2
    core = smooth[:, :, low:high]
    times = (np.arange(low, low + core.shape[2]) * BLOCK + centre).astype(np.float32)
    beside = times - ((start + end) / 2).astype(np.float32)[:, None]
    half = np.maximum((end - start) / 2 - MARGIN_MS * MS, BLOCK / 2).astype(np.float32)[:, None]
    inside = (np.abs(beside) <= half + BLOCK / 4).astype(np.float32)
    counted = np.maximum(inside.sum(axis=1), 1)[:, None]
    weights = inside * (1 - (beside / (half + BLOCK)) ** 2)
    weights /= np.maximum(weights.sum(axis=1, keepdims=True), 1e-6)
    slopes = weights * beside
    slopes /= np.maximum((slopes * beside).sum(axis=1, keepdims=True), 1e-6)
    steps = core[..., 1:] * core[..., :-1].conj() * (inside[:, 1:] * inside[:, :-1])[:, None]
    radians = np.angle(steps.sum(axis=2)) / BLOCK  # a sample
    turned = _turned(core, radians, beside)
    whole = np.matmul(turned, weights[..., None])[..., 0]
    change = (np.matmul(turned, slopes[..., None])[..., 0] * whole.conj()).imag
    radians = radians + change / np.maximum(whole.real**2 + whole.imag**2, 1e-6)
    turned = _turned(core, radians, beside) * inside[:, None]
    energy = (turned.real**2 + turned.imag**2).sum(axis=2)
    total = turned.sum(axis=2)
    coherence = (total.real**2 + total.imag**2) / (counted * energy + 1e-6)
    offset = radians * (RATE / (2 * np.pi))
    amplitude = np.sqrt(energy / counted) / _gain(offset, apart=apart)
    power = _power_beside(cut.power, low, core.shape[2]) if apart else cut.power[:, low : low + core.shape[2]]
    mean = (power * inside).sum(axis=1) / counted[:, 0]
    share = (amplitude**2).sum(axis=1) / 2 / np.maximum(mean, 1e-3)
    return Tones(offset, coherence, amplitude, share, start.copy(), end.copy())


def _power_beside(power: Floats32, low: int, count: int) -> Floats32:
    """Return the power around the phasors of 10 ms from that index on, which lie one block before those of 20."""
    return np.asarray(power[:, np.clip(np.arange(low - 1, low - 1 + count), 0, power.shape[1] - 1)])


def _turned(phasors: _Complex, radians: Floats, samples: Floats32) -> _Complex:
    """Turn the phasors back by so many radians a sample."""
    angles = radians.astype(np.float32)[..., None] * samples[:, None]
    carrier = np.empty(angles.shape, np.complex64)
    carrier.real, carrier.imag = np.cos(angles), np.sin(-angles)
    carrier *= phasors
    return carrier


def _gain(offset: Floats, *, apart: bool) -> Floats:
    """Return what a tone so many Hz beside the middle of its filter keeps of its amplitude."""
    beside = np.clip(offset * (2 * BLOCK / RATE), -0.9, 0.9)
    gain = np.sinc(beside) / (1 - beside**2)  # a Hann window of 10 ms
    if not apart:
        gain *= (1 + np.cos(np.pi * beside)) / 2  # three of them
    return np.asarray(np.maximum(gain, 0.2))


def _longer_side(phasors: _Complex, start: Floats, end: Floats) -> tuple[Floats, Floats]:
    """Return the longer side of where the phases change most within the 10 ms that a phasor takes."""
    steps = phasors[:, :, 2:] * phasors[:, :, :-2].conj()
    steps /= np.maximum(np.abs(steps), np.float32(1e-6))
    middle = (np.arange(steps.shape[2]) + 2) * BLOCK
    inside = (middle - BLOCK >= start[:, None]) & (middle + BLOCK <= end[:, None])
    usual = (steps * inside[:, None]).sum(axis=2)
    usual /= np.maximum(np.abs(usual), np.float32(1e-6))
    same = (steps * usual.conj()[..., None]).real.sum(axis=1)
    jump = middle[np.where(inside, same, 9).argmin(axis=1)]
    jump = np.where(inside.any(axis=1), jump, start)
    left = jump - start > end - jump
    return np.where(left, start, jump + CUT_MS * MS), np.where(left, jump - CUT_MS * MS, end)
