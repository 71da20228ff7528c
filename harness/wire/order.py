"""In which order packets were sent and came: sequence numbers without their wrap-around."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

Numbers = npt.NDArray[Any]

# RFC 3550 appendix A.1: beyond these a number is taken for a restart of the sender if the next one follows it.
MAX_DROPOUT, MAX_MISORDER = 3000, 100


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """Numbers of packets in arrival order, made to grow for ever, and what follows from them."""

    extended: Numbers  # per packet; a restart of the sender goes on where the numbers had got to
    restart: Numbers  # per packet: how many restarts came before
    sent: Numbers  # indices of the first copies as they were sent
    overtaken: Numbers  # indices of the first copies that came after a later one

    @property
    def copies(self) -> Numbers:
        """Indices of the packets that had come before."""
        return np.setdiff1d(np.arange(len(self.extended)), self.sent, assume_unique=True)

    @property
    def missing(self) -> int:
        """Numbers that never came, between the lowest and the highest."""
        numbers = self.extended[self.sent]
        return int(numbers[-1] - numbers[0]) + 1 - len(numbers)

    @property
    def arrived(self) -> Numbers:
        """Indices of the first copies as they came."""
        return np.sort(self.sent)


def order_of(seqs: Numbers) -> Order:
    """Put the 16-bit numbers of a stream, at least one, into order."""
    steps = signed(np.diff(seqs.astype(np.int64)), 16)
    extended = int(seqs[0]) + np.concatenate(([0], np.cumsum(steps)))
    far = (steps > MAX_DROPOUT) | (steps < -MAX_MISORDER)
    restarts = 1 + np.flatnonzero(far[:-1] & (steps[1:] == 1))
    for at in restarts:
        extended[at:] += int(extended[:at].max()) + 1 - int(extended[at])
    restart = np.zeros(len(seqs), np.int64)
    restart[restarts] = 1
    sent = np.unique(extended, return_index=True)[1]
    arrived = np.sort(sent)
    came = extended[arrived]
    return Order(
        extended=extended,
        restart=np.cumsum(restart),
        sent=sent,
        overtaken=arrived[came < np.maximum.accumulate(came)],
    )


def unwrap_timestamps(timestamps: Numbers) -> Numbers:
    """Return 32-bit timestamps in arrival order as numbers that do not wrap."""
    steps = signed(np.diff(timestamps.astype(np.int64)), 32)
    return np.asarray(int(timestamps[0]) + np.concatenate(([0], np.cumsum(steps))))


def signed(differences: Numbers, bits: int) -> Numbers:
    """Return differences of counters of so many bits as the shorter way round."""
    half = 1 << (bits - 1)
    return np.asarray(((differences + half) & ((1 << bits) - 1)) - half)
