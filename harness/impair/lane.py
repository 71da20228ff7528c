"""When the packets of one direction go on: a queue before the rate limit, a delay behind it, and who overtakes whom.

Times are what the caller's clock says, in seconds; nothing here looks at one.
"""

from __future__ import annotations

import heapq
import itertools
from collections.abc import Iterator
from dataclasses import dataclass, field

from harness.impair.decide import CUT, RATE, Decision, Dice
from harness.impair.packets import bit_at
from harness.impair.table import Impairment

RTP, MESSAGE = "rtp", "sip"
HELD_S = 0.1  # that a packet waits at most for the one that is to overtake it


@dataclass(slots=True, kw_only=True, eq=False)
class Parcel:
    """A packet on its way: when it came, when it is to go on, and how often; 0 times is lost."""

    packet: bytes
    came_s: float
    due_s: float
    copies: int = 1
    decision: Decision | None = None  # None for what is not numbered: RTCP and the like
    lost: str = ""
    overtaken: bool = False
    flipped_bit: int | None = None
    lane: Lane | None = None  # None for what passes untouched
    label: str = ""
    gone: bool = False

    @property
    def touched(self) -> bool:
        """Whether anything was done to it on purpose."""
        changed = self.overtaken or self.flipped_bit is not None
        return changed or self.copies != 1 or self.due_s != self.came_s


@dataclass(slots=True)
class Lane:
    """One direction's media or SIP. Its name and kind go into the ledger."""

    name: str
    kind: str
    impairment: Impairment
    dice: Dice
    packets: int = 0
    others: int = 0
    _began_s: float | None = None
    _free_s: float = float("-inf")
    _last_due_s: float = float("-inf")
    _held: Parcel | None = None

    def take(self, packet: bytes, came_s: float, label: str = "") -> list[Parcel]:
        """Take the next packet, and return what is now known to go on or to be lost.

        A parcel that was returned before comes again where something has changed about it.
        """
        self.packets += 1
        if self._began_s is None:
            self._began_s = came_s
        decision = self.dice.decide(label)
        parcel = Parcel(packet=packet, came_s=came_s, due_s=came_s, decision=decision, lane=self, label=label)
        parcel.lost = CUT if self._is_cut(came_s) else decision.lost
        if not parcel.lost:
            self._queue(parcel)
        if parcel.lost:
            parcel.copies, parcel.due_s = 0, came_s
            return [parcel]
        parcel.copies = 2 if decision.doubled else 1
        if decision.flipped is not None:
            parcel.flipped_bit = bit_at(packet, decision.flipped, is_rtp=self.kind == RTP)
        # A packet never overtakes another by its jitter, as in a network of queues: `reorder` does that.
        parcel.due_s += self.impairment.delay_ms / 1000 + decision.jitter_s
        self._last_due_s = parcel.due_s = max(parcel.due_s, self._last_due_s)
        held, self._held = self._held, None
        if held and not held.gone:
            held.overtaken, held.due_s = True, parcel.due_s
            return [parcel, held]
        if decision.swapped:
            self._held = parcel
            parcel.due_s += HELD_S
        return [parcel]

    def take_other(self, packet: bytes, came_s: float) -> Parcel:
        """Take what belongs to the direction and has no number there: it shares the delay and the cut alone."""
        self.others += 1
        lost = CUT if self._is_cut(came_s) else ""
        due_s = came_s + (0 if lost else self.impairment.delay_ms / 1000)
        return Parcel(packet=packet, came_s=came_s, due_s=due_s, copies=0 if lost else 1, lost=lost, lane=self)

    def _is_cut(self, at_s: float) -> bool:
        after_s = self.impairment.cut_after_s
        return after_s is not None and self._began_s is not None and at_s - self._began_s >= after_s

    def _queue(self, parcel: Parcel) -> None:
        """Let it wait for its turn; what would wait too long is lost."""
        if self.impairment.rate_kbps is None:
            return
        start_s = max(parcel.came_s, self._free_s)
        if start_s - parcel.came_s > self.impairment.queue_ms / 1000:
            parcel.lost = RATE
            return
        self._free_s = parcel.due_s = start_s + len(parcel.packet) * 8 / (1000 * self.impairment.rate_kbps)


@dataclass(slots=True)
class Schedule:
    """Parcels in the order in which they are to go on."""

    _heap: list[tuple[float, int, Parcel]] = field(default_factory=list)
    _count: itertools.count[int] = field(default_factory=itertools.count)

    def add(self, parcel: Parcel) -> None:
        """Take a parcel, or take it anew with its new time."""
        heapq.heappush(self._heap, (parcel.due_s, next(self._count), parcel))

    @property
    def next_s(self) -> float | None:
        """When there is something to do."""
        return self._heap[0][0] if self._heap else None

    def due(self, now_s: float) -> Iterator[Parcel]:
        """Yield what is to go on by now, each once."""
        while self._heap and self._heap[0][0] <= now_s:
            due_s, _, parcel = heapq.heappop(self._heap)
            if due_s == parcel.due_s and not parcel.gone:  # else it was put elsewhere
                parcel.gone = True
                yield parcel
