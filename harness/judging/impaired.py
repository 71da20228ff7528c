"""Calls whose network a process of ours was to make bad, and which ended before they did: then nothing arrives."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace

from harness.fault.cause import Cause, Who
from harness.impair.ledger import FILE, Gone
from harness.impair.table import TABLE
from harness.judging.disturbed import STEADY
from harness.verdict import Check, Outcome

NEAR_S = 0.5  # before its end was seen; what it still had to send on is lost too
WHATEVER_ARRIVES = STEADY | {"codec", "roles"}  # is seen in what came before that


def while_impaired(checks: Iterable[Check], gone: Gone | None, answered_at_s: float | None) -> Iterator[Check]:
    """Yield the checks; what failed since that end, if there was one, could not tell, and one more says so."""
    if gone is None:
        yield from checks
        return
    cause = str(Cause(who=Who.HOST, where=f"[{TABLE}]", evidence=gone.why))
    at_s = max(0.0, gone.at_s - answered_at_s) if answered_at_s is not None else None
    yield Check(
        name="impairer", where=f"[{TABLE}]", outcome=Outcome.UNKNOWN, wanted="every packet sent on", got=gone.why,
        at_s=at_s, file=FILE, cause=cause,
    )  # fmt: skip
    for check in checks:
        before = at_s is not None and check.at_s is not None and check.at_s < at_s - NEAR_S
        if check.outcome is Outcome.FAIL and not before and check.name not in WHATEVER_ARRIVES:
            yield replace(check, outcome=Outcome.UNKNOWN, cause=cause)
        else:
            yield check
