"""Our own machine: when it let nobody run, and when it let a user agent wait for a processor."""

from __future__ import annotations

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

    def held(self, node: str | None, start_s: float, end_s: float) -> Held:
        """Return for how long between two instants the machine kept a node, or at least everybody, from running.

        Of a thread all waits in that time count: without them it would have been that much earlier. A role gives its
        user agent sound ahead of time, so that its own waits do no harm before that is used up.
        """
        if self.blind:
            return Held(end_s - start_s, f"nobody knows whether the host stalled: {self.blind}")
        stall_s = longest_within(self.stalls, start_s, end_s)
        waits = self.waits.get(node or "", ())
        agent_s = _longest([wait for wait in waits if not wait.of_role], start_s, end_s)
        role_s = _longest([wait for wait in waits if wait.of_role], start_s - BUFFERED_S, end_s)
        if max(agent_s, role_s - LEAD_S) > stall_s:
            if agent_s >= role_s - LEAD_S:
                return Held(agent_s, f"{node}'s user agent waited {1000 * agent_s:.0f} ms for a processor")
            return Held(role_s - LEAD_S, f"{node} waited {1000 * role_s:.0f} ms for a processor")
        return Held(stall_s, f"host stalled {1000 * stall_s:.0f} ms")


def _longest(waits: Sequence[Wait], start_s: float, end_s: float) -> float:
    """Return for how long the thread that waited longest did so between two instants."""
    by_thread: dict[int, float] = defaultdict(float)
    for wait in waits:
        by_thread[wait.thread] += wait.within(start_s, end_s)
    return min(max(by_thread.values(), default=0.0), end_s - start_s)
