"""How packets were lost: one by one, or in bursts (RFC 3611 section 4.7.2)."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from harness.wire.order import Numbers

GMIN = 16  # packets that came one after the other end a burst


@dataclass(frozen=True, slots=True, kw_only=True)
class Losses:
    """Densities are shares of the packets that were due, in bursts and outside of them; lengths are in packets."""

    bursts: int = 0
    burst_density: float = 0.0
    mean_burst: float = 0.0
    gap_density: float = 0.0
    mean_run: float = 0.0  # of packets lost one after the other
    longest_run: int = 0


def losses(numbers: Numbers) -> Losses:
    """Return the losses among the numbers that came, which do not wrap, in rising order and at least one.

    The losses themselves are divided, where RFC 3611's counters can only approximate: with them three lone losses among
    three thousand packets are a burst.
    """
    steps = np.diff(numbers)
    at = np.flatnonzero(steps > 1)
    if not len(at):
        return Losses()
    runs = steps[at] - 1
    first, last = numbers[at] + 1, numbers[at + 1] - 1
    apart = np.flatnonzero(first[1:] - last[:-1] > GMIN)
    starts, ends = np.concatenate(([0], apart + 1)), np.concatenate((apart, [len(at) - 1]))
    lost = np.add.reduceat(runs, starts)
    lengths = last[ends] - first[starts] + 1
    burst = lost > 1
    due = int(numbers[-1] - numbers[0]) + 1
    outside = due - int(lengths[burst].sum())
    return Losses(
        bursts=int(burst.sum()),
        burst_density=float(lost[burst].sum() / lengths[burst].sum()) if burst.any() else 0.0,
        mean_burst=float(lengths[burst].mean()) if burst.any() else 0.0,
        gap_density=float(lost[~burst].sum() / outside) if outside else 0.0,
        mean_run=float(runs.mean()),
        longest_run=int(runs.max()),
    )
