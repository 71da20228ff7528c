"""Our own machine: when it let nobody run, and when it let a user agent wait for a processor."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from harness.canary import Stall, longest_within
from harness.runqueue import Wait


@dataclass(frozen=True, slots=True)
class Held:
    """For how long something could not run, and who says so."""

    length_s: float
    evidence: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Host:
    """What is known of the machine: the canary's stalls, and by node what the threads of its user agent waited."""

    stalls: Sequence[Stall] = ()
    waits: Mapping[str, Sequence[Wait]] = field(default_factory=dict)

    def held(self, node: str | None, start_s: float, end_s: float) -> Held:
        """Return for how long between two instants the machine kept a node, or at least everybody, from running.

        Of a thread all waits in that time count: without them it would have been that much earlier.
        """
        stall_s = longest_within(self.stalls, start_s, end_s)
        by_thread: dict[int, float] = defaultdict(float)
        for wait in self.waits.get(node or "", ()):
            by_thread[wait.thread] += wait.within(start_s, end_s)
        wait_s = min(max(by_thread.values(), default=0.0), end_s - start_s)
        if wait_s > stall_s:
            return Held(wait_s, f"{node}'s user agent waited {1000 * wait_s:.0f} ms for a processor")
        return Held(stall_s, f"host stalled {1000 * stall_s:.0f} ms")
