"""A gap that the plan itself made is the network's, by its own evidence."""

from __future__ import annotations

import pytest

from harness.expect import Expectations
from harness.fault.cause import Who
from harness.fault.host import Host
from harness.fault.wire import gap_cause
from harness.impair.ledger import Deed, Ledger
from harness.judging.wire import Circumstances, check_stream
from unit.harness.fault.fault_makers import LATE, LOST, T0, sight, stream_of


def asked(what, deeds, **more):
    """Return the cause of the only gap in a history of which the plan did so much."""
    seen = sight(what, impaired=Ledger([*deeds]), **more)
    (gap,) = seen.stream.gaps()
    return gap_cause(gap, seen, Host())


def deed(seq, *, ssrc=7, at_s=T0, **done):
    """Return what was done to a packet."""
    return Deed(at_s=at_s, direction="source -> mixer", kind="rtp", number=seq - 99, ssrc=ssrc, seq=seq, **done)


def test_what_the_plan_lost():
    """How many of the missing, and why each was."""
    lost = [deed(150, lost="random"), deed(151, lost="asked"), deed(152, lost="asked")]
    elsewhere = [deed(149, lost="cut"), deed(153, lost="cut"), deed(150, ssrc=8, lost="cut"), deed(151, delay_ms=9)]
    elsewhere += [deed(151, at_s=T0 + 1311, lost="cut")]  # when the numbers had come round
    cause = asked(LOST, [*lost, *elsewhere])
    assert (cause.who, cause.where) == (Who.NETWORK, "source -> mixer")
    assert cause.evidence.endswith("3 packets after seq 149; injected by the plan: 1 random, 2 asked")


def test_what_the_plan_delayed():
    """By how much, beside what a tap at the sender saw."""
    cause = asked(LATE, [deed(150, delay_ms=100.0)], tap=stream_of(range(300)))
    assert cause.who is Who.NETWORK
    assert cause.evidence.endswith("came 120 ms apart; injected by the plan: delayed by 100.0 ms")


@pytest.mark.parametrize(
    ("name", "done", "says"),
    [("duplicates", {"copies": 2}, "2 doubled"), ("reordered", {"overtaken": True}, "2 overtaken")],
)
def test_what_the_plan_doubled_and_held_back(name, done, says):
    """Where copies and overtaken packets are counted at all; those of other streams are not this one's."""
    deeds = [deed(150, **done), deed(151, **done), deed(152, ssrc=8, **done)]
    seen = sight(range(300), impaired=Ledger(deeds))
    wanted = Expectations(max_duplicates=0, max_reordered=0)
    checks = check_stream(seen.leg, seen.stream, wanted, Circumstances(file="x"), seen)
    causes = {check.name: check.cause for check in checks}
    assert causes.pop(name) == f"network, source -> mixer: injected by the plan: {says}"
    assert set(causes.values()) == {None}


@pytest.mark.parametrize("deeds", [[], [deed(99, lost="cut")], [deed(150, copies=2)]])
def test_what_the_plan_did_not_do(deeds):
    """Is found out as ever."""
    assert "injected" not in asked(LOST, deeds).evidence
