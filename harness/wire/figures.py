"""Losses, deltas and jitter of a stream as tshark 4.0 reports them, and 4.6 where nothing was overtaken."""

from __future__ import annotations

import itertools
from dataclasses import dataclass

import numpy as np

from harness.wire.order import Numbers, signed, unwrap_timestamps

COMFORT_NOISE = (13, 19)  # RFC 3389, and what it was before
LATE_BLOCK = 500  # packets in which delay is compared: 10 s, in which a clock that is 100 ppm off moves by 1 ms


_STEPS = np.arange(16)  # packets of a block
_DECAY = (15 / 16) ** (_STEPS + 1)  # of what was before, with each packet of a block
_WEIGHTS = np.triu((15 / 16) ** np.maximum(0, _STEPS[None, :] - _STEPS[:, None])) / 16


@dataclass(frozen=True, slots=True, kw_only=True)
class Delta:
    """Between one arrival and the next, in ms."""

    min_ms: float = 0.0
    mean_ms: float = 0.0
    max_ms: float = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Jitter:
    """RFC 3550 section 6.4.1, in ms; all 0 where no payload type of the stream has a known clock."""

    mean_ms: float = 0.0
    p95_ms: float = 0.0
    max_ms: float = 0.0


def expected(seqs: Numbers, timestamps: Numbers) -> int:
    """Count the numbers from the first packet to the last that came, as tshark does.

    RFC 3550 counts to the highest; that differs only where the last packet to come is not the last that was sent.
    """
    start = int(seqs[0])
    if start in (0, 0xFFFF):  # no number is below or none above it, so tshark's count of rounds fails
        return int(signed(np.diff(seqs.astype(np.int64)), 16).sum()) + 1
    times = unwrap_timestamps(timestamps)
    side = np.sign(seqs.astype(np.int64) - start)[times >= np.maximum.accumulate(times)]
    side = side[side != 0]
    cycles = int(np.sum((side < 0) & (np.concatenate(([1], side[:-1])) > 0)))  # comes below its start: another round
    return int(seqs[-1]) - start + 0x10000 * cycles + 1


def delta_and_jitter(
    times_s: Numbers, timestamps: Numbers, payload_types: Numbers, markers: Numbers, clock_hz: Numbers
) -> tuple[Delta, Jitter]:
    """Return what tshark prints as delta and jitter; `clock_hz` is each packet's, 0 where it has none.

    Every packet moves the jitter, overtaken ones too (RFC 3550 appendix A.8; tshark 4.6 leaves those out). Only regular
    ones are counted: no marker, no comfort noise nor what follows it, nothing from before the first packet's timestamp.
    """
    if len(times_s) < 2:
        return Delta(), Jitter()
    stamps = unwrap_timestamps(timestamps)
    in_time = stamps >= stamps[0]
    before = np.maximum.accumulate(np.where(in_time, np.arange(len(stamps)), 0))[:-1]
    # Seconds since 1970 are good for a quarter of a microsecond: round to what most captures' clocks tick in.
    delta_ms = np.round(1000 * (times_s[1:] - times_s[before]), 3)
    quiet = np.isin(payload_types, COMFORT_NOISE)
    regular = in_time[1:] & ~markers[1:] & ~quiet[1:] & ~quiet[:-1]
    count = np.arange(1, len(times_s))  # of deltas so far, irregular ones too
    delta = Delta()
    if regular.any():
        some = delta_ms[regular]
        delta = Delta(min_ms=float(some.min()), mean_ms=_mean(some, count[regular]), max_ms=float(some.max()))
    clock = clock_hz[1:]
    timed = clock > 0
    due_ms = 1000 * (stamps[1:] - stamps[before])[timed] / clock[timed]
    jitter_ms = smoothed(np.abs(delta_ms[timed] - due_ms))[regular[timed]]
    if not len(jitter_ms):
        return delta, Jitter()
    return delta, Jitter(
        mean_ms=_mean(jitter_ms, count[timed & regular]),
        p95_ms=float(np.percentile(jitter_ms, 95)),
        max_ms=float(jitter_ms.max()),
    )


def late(times_s: Numbers, timestamps: Numbers, clock_hz: int, after_s: float) -> int:
    """Count the packets that came later than that after they were due: after the usual delay of those around them."""
    delay_s = times_s - unwrap_timestamps(timestamps) / clock_hz
    blocks = np.array_split(delay_s, max(1, len(delay_s) // LATE_BLOCK))
    return sum(int(np.sum(block - np.median(block) > after_s)) for block in blocks)


def smoothed(differences_ms: Numbers) -> Numbers:
    """Return J += (abs(D) - J) / 16 after every packet: within blocks one product, from block to block one by one."""
    count = len(differences_ms)
    blocks = np.pad(differences_ms, (0, -count % len(_DECAY))).reshape(-1, len(_DECAY))
    within = np.einsum("ij,jk->ik", blocks, _WEIGHTS)  # BLAS would wake a thread for each processor
    ends = itertools.accumulate(within[:, -1].tolist(), lambda j, end: j * float(_DECAY[-1]) + end, initial=0.0)
    before = np.fromiter(ends, float, len(blocks) + 1)[:-1]
    return np.asarray((within + before[:, None] * _DECAY).ravel()[:count])


def _mean(values: Numbers, count: Numbers) -> float:
    """Return tshark's running mean, the mean unless packets were left out: those still count in the weight."""
    if count[-1] == len(count):
        return float(values.mean())
    mean = 0.0
    for value, number in zip(values.tolist(), count.tolist(), strict=True):
        mean += (value - mean) / number
    return mean
