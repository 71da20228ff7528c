"""Recordings of calls that this machine itself disturbed: what is wrong with them then is no proof against anybody."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from dataclasses import replace

from harness.fault.cause import Who
from harness.verdict import Check, Outcome

STEADY = {"level", "digit level", "dc"}  # what is wrong with these is wrong all the time, whatever a moment did
NEAR_S = 3.0  # from what the machine did to what it led to: buffers, and for a missing digit the pause before it


def excused(checks: Sequence[Check], sinks: Collection[str]) -> Iterator[Check]:
    """Yield the checks, those unknown that failed in a sink's recording where the host has disturbed the call then.

    That it has is what another check came to, which looked into it. A check that has a cause of its own keeps it, and
    one that knows when it went wrong is excused by what happened about then alone.
    """
    disturbances = [
        check
        for check in checks
        if check.outcome is Outcome.UNKNOWN and (check.cause or "").startswith(f"{Who.HOST.value}, ")
    ]
    for check in checks:
        by = next((one for one in disturbances if _near(one, check)), None)
        excusable = check.outcome is Outcome.FAIL and check.where in sinks and check.cause is None
        if by and excusable and check.name not in STEADY:
            yield replace(check, outcome=Outcome.UNKNOWN, cause=by.cause)
        else:
            yield check


def _near(one: Check, other: Check) -> bool:
    return one.at_s is None or other.at_s is None or abs(one.at_s - other.at_s) <= NEAR_S
