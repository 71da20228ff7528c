"""Our own machine: when it let nobody run, and when it let a user agent wait for a processor."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from harness.canary import Stall, longest_within
from harness.runqueue import Wait

LEAD_S = 0.2  # of sound that a role keeps in its user agent, at least
BUFFERED_S = 1.0  # at most between a role's waiting and what it leads to: that sound, and what is in buffers behind it


@dataclass(frozen=True, slots=True)
class Held:
    """For how long something could not run, and who says so."""

    length_s: float
    evidence: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Host:
    """What is known of the machine: the canary's stalls, and by node what the threads of its processes waited.

    `blind` says why nobody watched it for a part of the run; then whatever was late may have been its doing.
    """

    stalls: Sequence[Stall] = ()
    blind: str = ""
    waits: Mapping[str, Sequence[Wait]] = field(default_factory=dict)

    def held(self, node: str | None, start_s: float, end_s: float, *, begun_s: float = -math.inf) -> Held:
        """Return for how long between two instants the machine kept a node, or at least everybody, from running.

        Of a thread all waits in that time count: without them it would have been that much earlier. A role gives its
        user agent sound ahead of time, so that its own waits do no harm before that is used up. When its sound has just
        `begun` nobody knows how much of it is ahead.
        """
        if self.blind:
            return Held(end_s - start_s, f"nobody knows whether the host stalled: {self.blind}")
        stall_s = longest_within(self.stalls, start_s, end_s)
        waits = self.waits.get(node or "", ())
        agent_s = max(_by_thread(waits, start_s, end_s, of_role=False).values(), default=0.0)
        agent_s = min(agent_s, end_s - start_s)
        # Only one thread of a role runs at a time, so that it waits for whichever of them does.
        role_s = sum(_by_thread(waits, start_s - BUFFERED_S, end_s, of_role=True).values())
        role_s = min(role_s, end_s - start_s + BUFFERED_S)
        harm_s = role_s - (LEAD_S if start_s - BUFFERED_S > begun_s else 0.0)
        if max(agent_s, harm_s) > stall_s:
            if agent_s >= harm_s:
                return Held(agent_s, f"{node}'s user agent waited {1000 * agent_s:.0f} ms for a processor")
            return Held(harm_s, f"{node} waited {1000 * role_s:.0f} ms for a processor")
        return Held(stall_s, f"host stalled {1000 * stall_s:.0f} ms")


def _by_thread(waits: Sequence[Wait], start_s: float, end_s: float, *, of_role: bool) -> Mapping[int, float]:
    """Return how long each thread waited between two instants: those of the role itself, or of its user agent."""
    by_thread: dict[int, float] = defaultdict(float)
    for wait in waits:
        if wait.of_role is of_role:
            by_thread[wait.thread] += wait.within(start_s, end_s)
    return by_thread
