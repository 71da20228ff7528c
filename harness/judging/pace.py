"""Whether this machine kept up with a call that went faster than its sound.

A stall of a few milliseconds is then one of many frames, in our own roles as in the user agents. Where there was one, a
failure that it may have made is doubted; one that no stall makes, as a packet that a network lost, stays.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace

from harness.call import Call
from harness.fault.cause import Cause, Who
from harness.fault.host import Held
from harness.verdict import Check, Outcome, Verdict

KEPT_UP_S = 0.06  # of the call: what every jitter buffer holds, by the requirements
TIMED = ("gap", "begin", "end")  # the checks of a leg that a stall makes fail; of what a sink hears all are


def doubted(call: Call, checks: Iterable[Check]) -> Iterator[Check]:
    """Yield the checks of a run; those that may have failed only because of its speed could not tell."""
    late = _worst(call) if call.speed != 1 else None
    if late is None or late.length_s < KEPT_UP_S:
        yield from checks
        return
    says = f"this machine did not keep up with speed {call.speed:g}: {late.evidence}"
    cause = Cause(who=Who.HOST, where=", ".join(sorted(set(call.groups.values()))), evidence=says)
    sinks = {listener.node.name for listener in call.listeners}
    for check in checks:
        by_pace = check.name in TIMED or check.where in sinks
        if check.outcome is Outcome.FAIL and by_pace and not (check.cause or "").startswith(Who.NETWORK.value):
            yield replace(check, outcome=Outcome.UNKNOWN, cause=str(cause))
        else:
            yield check


def at_speed(call: Call, verdict: Verdict) -> Verdict:
    """Let the verdict on a call that went faster than its sound say so."""
    if call.speed == 1:
        return verdict
    hint = " (a lower one may tell)" if verdict.outcome is Outcome.UNKNOWN and call.stalls else ""
    return replace(verdict, reason=f"{verdict.reason}, at speed {call.speed:g}{hint}")


def _worst(call: Call) -> Held:
    """Return the longest time for which something of the run could not run, from its answer to its end."""
    start_s = call.answered_at_s or 0.0
    end_s = max((event["wall_s"] for event in call.events if event["event"] == "stopping"), default=float("inf"))
    stalls = [stall for stall in call.host.stalls if stall.start_s < end_s and stall.end_s > start_s]
    held = [Held(stall.length_s, f"host stalled {1000 * stall.length_s:.0f} ms") for stall in stalls]
    for node, waits in call.host.waits.items():
        longest_s = max((wait.within(start_s, end_s) for wait in waits), default=0.0)
        held.append(Held(longest_s, f"{node}'s user agent waited {1000 * longest_s:.0f} ms for a processor"))
    return max(held, key=lambda one: one.length_s, default=Held(0.0, "nothing stalled"))
