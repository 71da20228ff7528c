"""Sound that begins late or ends early: nothing came before it or after it, so that no two packets are far apart."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from types import MappingProxyType

import pytest

from harness.canary import Stall
from harness.fault.host import Host
from harness.fault.wire import Sight
from harness.impair.ledger import Deed, Ledger
from harness.judging.edges import check_edges
from harness.judging.wire import Circumstances
from harness.runqueue import Wait
from harness.verdict import Check
from harness.wire.legs import Leg
from unit.harness.wire.wire_makers import T0, healthy, one_stream

ANSWER_S, BYE_S, FIRST, SSRC = 0.5, 3.0, 100, 1


def leg(*, begins_s: float = 0.51, ends_s: float = BYE_S) -> Leg:
    """Return a leg whose sound lasts so long."""
    sound = healthy(round((ends_s - begins_s) / 0.02), seq=FIRST, ssrc=SSRC)
    stream = one_stream((1000 * begins_s + ms, packet) for ms, packet in sound)
    return Leg(
        name="mixer -> sink",
        src="mixer",
        dst="sink",
        call_id="call-1",
        invited_at_s=T0,
        answered_at_s=T0 + ANSWER_S,
        streams=(stream,),
    )


def checks(
    one: Leg, *, bye_s: float | None = BYE_S, stalls: Sequence[Stall] = (), drops: int = 0,
    waits: Mapping[str, Sequence[Wait]] = MappingProxyType({}), **seen: object,
) -> list[Check]:  # fmt: skip
    """Return what is found wrong with a leg; `seen` is what else is known of it."""
    known = Circumstances(file="capture.pcap", host=Host(stalls=stalls, waits=waits), drops=drops)
    sight = Sight(src="mixer", dst="sink", stream=one.rtp, **seen)  # type: ignore[arg-type]
    return list(check_edges(one, sight, 40, known, ended_at_s=None if bye_s is None else T0 + bye_s))


@pytest.mark.parametrize(("begins_s", "ends_s"), [(0.51, 3.0), (0.6, 2.9), (0.45, 3.05), (0.72, 2.82)])
def test_sound_from_the_answer_to_the_bye(begins_s, ends_s):
    """There is nothing to say, also where threads start or stop a little later."""
    assert checks(leg(begins_s=begins_s, ends_s=ends_s)) == []


def test_sound_that_ends_early():
    """As when one direction is cut: where it ended, and for how long nothing came."""
    (check,) = checks(leg(ends_s=1.51))
    assert (check.name, check.where, check.outcome, check.file) == ("end", "mixer -> sink", "fail", "capture.pcap")
    assert check.got == "nothing for 1.51 s until the BYE"
    assert check.at_s == pytest.approx(0.99)


def test_sound_that_begins_late():
    """As when a firewall opens only after a second."""
    (check,) = checks(leg(begins_s=1.5))
    assert (check.name, check.outcome, check.at_s) == ("begin", "fail", 0)
    assert check.got == "nothing for 1.00 s since the answer"


def test_both():
    """Are two checks."""
    assert [check.name for check in checks(leg(begins_s=1.5, ends_s=2))] == ["begin", "end"]


def test_an_end_that_nobody_knows():
    """A capture that was stopped before the BYE says nothing of it, and a BYE that came late was sent before."""
    assert checks(leg(ends_s=2), bye_s=None) == []
    assert checks(leg(ends_s=2), bye_s=2.01) == []


def test_a_machine_that_was_stalled():
    """Leaves it open, if the stall accounts for it."""
    early = leg(ends_s=2.01)
    (check,) = checks(early, stalls=[Stall(start_s=T0 + 2, length_s=0.9)])
    assert (check.outcome, check.cause) == ("unknown", "host, mixer -> sink: host stalled 900 ms")
    (check,) = checks(early, stalls=[Stall(start_s=T0 + 2, length_s=0.5)])
    assert check.outcome == "fail"


@pytest.mark.parametrize(("node", "outcome"), [("mixer", "unknown"), ("sink", "unknown"), ("source", "fail")])
def test_a_side_that_waited_for_a_processor(node, outcome):
    """Nobody sends before the other side's ACK, so either of them leaves a late beginning open."""
    wait = Wait(start_s=T0 + 0.5, end_s=T0 + 1.5, length_s=0.9, group=1, thread=1)
    (check,) = checks(leg(begins_s=1.5), waits={node: [wait]}, at_sender=True)
    assert check.outcome == outcome


@pytest.mark.parametrize(
    ("begins_s", "ends_s", "says"), [(0.51, 2.01, "2 cut"), (1.5, 3.0, "3 asked")]
)
def test_what_the_plan_did_is_said(begins_s, ends_s, says):
    """It fails nevertheless: the plan says elsewhere what is expected."""
    one = leg(begins_s=begins_s, ends_s=ends_s)
    last = FIRST + one.packets - 1
    lost = {last + 1: "cut", last + 2: "cut", 97: "asked", 98: "asked", 99: "asked"}
    deeds = [
        Deed(at_s=T0, direction="mixer -> sink", kind="rtp", number=1, ssrc=SSRC, seq=seq, lost=why)
        for seq, why in lost.items()
    ]
    (check,) = checks(one, impaired=Ledger(deeds))
    assert (check.outcome, check.cause) == ("fail", f"network, mixer -> sink: injected by the plan: {says}")


def test_whose_fault_it_is():
    """What passed a tap and came no further the network's; without one, a machine's own capture knows its sender."""
    early, whole = leg(ends_s=2), leg().rtp
    (check,) = checks(early, tap=whole)
    assert check.cause
    assert check.cause.startswith("network, mixer -> sink: ")
    assert "came no further" in check.cause
    for seen in ({"tap": early.rtp}, {"at_sender": True}):
        (check,) = checks(early, **seen)
        assert check.cause == "sender, mixer: mixer sent nothing; seen where it left"
    (check,) = checks(early)
    assert check.cause
    assert check.cause.startswith("could not tell whose")


def test_a_capture_that_lacks_packets():
    """Tells nothing of what came when."""
    assert checks(leg(ends_s=2), drops=1) == []
