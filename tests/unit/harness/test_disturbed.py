"""Recordings of calls that the machine itself disturbed."""

from __future__ import annotations

import pytest

from harness.fault.cause import Cause, Who
from harness.judging.disturbed import excused
from harness.verdict import Check, Outcome

BY_HOST = Cause(who=Who.HOST, where="source -> sink", evidence="host stalled 300 ms")


def check(name, outcome, *, where="sink", at_s=None, cause=None):
    """Return a check."""
    return Check(name=name, where=where, outcome=outcome, wanted="", got="", at_s=at_s, cause=cause and str(cause))


@pytest.mark.parametrize(
    ("failed", "outcome"),
    [
        (check("dtmf", Outcome.FAIL), Outcome.UNKNOWN),
        (check("heard", Outcome.FAIL, at_s=12.9), Outcome.UNKNOWN),
        (check("clipped", Outcome.FAIL, at_s=13.1), Outcome.FAIL),  # another time
        (check("lost", Outcome.FAIL, where="source -> sink"), Outcome.FAIL),  # the host loses nothing
        (check("heard gap", Outcome.FAIL, cause=Cause(who=Who.SENDER, where="source", evidence="")), Outcome.FAIL),
        (check("level", Outcome.FAIL), Outcome.FAIL),  # no stall makes all of a call louder
        (check("level", Outcome.PASS), Outcome.PASS),
    ],
)
def test_what_failed_in_a_call_that_the_host_disturbed(failed, outcome):
    """Nobody can tell then whose fault it is, unless it is of another time, place or known cause."""
    gap = check("gap", Outcome.UNKNOWN, where="source -> sink", at_s=10.0, cause=BY_HOST)
    found = list(excused([gap, failed], ["sink"]))
    assert [one.outcome for one in found] == [Outcome.UNKNOWN, outcome]
    assert (found[1].cause == str(BY_HOST)) is (outcome is Outcome.UNKNOWN)


@pytest.mark.parametrize("who", [Who.SENDER, Who.UNKNOWN])
def test_what_somebody_else_did_excuses_nothing(who):
    """Neither does what nobody knows."""
    gap = check("gap", Outcome.UNKNOWN, at_s=10.0, cause=Cause(who=who, where="x", evidence=""))
    assert list(excused([gap, check("dtmf", Outcome.FAIL)], ["sink"]))[1].outcome is Outcome.FAIL
