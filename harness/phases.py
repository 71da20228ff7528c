"""The phases of a run, from its events: network, start, ready, call, stop, judge."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from harness.call import Call

NETWORK, START, READY, CALL, STOP, JUDGE = "network", "start", "ready", "call", "stop", "judge"


@dataclass(frozen=True, slots=True, kw_only=True)
class Phase:
    """A stretch of a run, in seconds since the epoch; one that is not `done` was cut off."""

    name: str
    start_s: float
    end_s: float
    done: bool


def phases(call: Call) -> list[Phase]:
    """Return the phases that a run went through, in order."""
    if not call.events:
        return []
    found: list[Phase] = []
    ends, at = _ends(call), 0
    start_s = float(call.events[0].get("began_s", call.events[0]["wall_s"]))
    while at < len(ends):
        name = ends[at][0]
        reached = next((later for later in range(at, len(ends)) if ends[later][1] is not None), len(ends))
        end_s = ends[reached][1] if reached < len(ends) else None
        done = reached == at and (name != CALL or call.was_made)
        found.append(Phase(name=name, start_s=start_s, end_s=end_s or call.events[-1]["wall_s"], done=done))
        start_s, at = found[-1].end_s, reached + 1
    return found


def _ends(call: Call) -> list[tuple[str, float | None]]:
    """Return when each phase ended; None where it did not."""
    nodes = len(call.plan.nodes)
    started = sum(node.starts_itself for node in call.plan.nodes)
    return [
        (NETWORK, _time(call, "begun")),
        (START, _time(call, "started", count=started)),
        (READY, _time(call, "ready", count=nodes)),
        (CALL, _time(call, "stopping", "terminate", "exited")),
        (STOP, _time(call, "played")),
        (JUDGE, _time(call, "judged")),
    ]


def _time(call: Call, *names: str, count: int = 1) -> float | None:
    """Return when that many events of these names had come."""
    times: Sequence[float] = [event["wall_s"] for event in call.events if event["event"] in names]
    return times[count - 1] if 0 < count <= len(times) else None
