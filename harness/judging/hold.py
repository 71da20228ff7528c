"""Calls on hold: silence is what was asked for then, and whether the other side went along is a check of its own."""

from __future__ import annotations

import functools
import math
from collections.abc import Iterator

import numpy as np

from b2b.hold import parse_hold
from harness.call import IN_CALL, PCAP, Call
from harness.judging.outcome import outcome_of
from harness.judging.wire import Circumstances
from harness.listener import Listener
from harness.verdict import Check, Outcome
from harness.wire.holds import Hold
from harness.wire.legs import Leg

UNDER_WAY_S = 0.3  # for which what was sent before a hold may still come, or a device takes to stop
FEW = 2  # packets of sound that a device may still let go


def heard_holds(call: Call, listener: Listener) -> list[tuple[float, float]]:
    """Return from when to when of a recording the holds along its chain may be heard, in seconds."""
    name = listener.node.name
    recorded_s = next((e["wall_s"] for e in call.events if (e["event"], e["node"]) == (IN_CALL, name)), None)
    if recorded_s is None:
        return []
    on_the_way = {None, name, *(node.name for node in listener.chain)}
    legs = [leg for leg in call.legs if {leg.src, leg.dst} <= on_the_way]
    holds = {(hold.start_s - recorded_s, hold.end_s - recorded_s) for leg in legs for hold in leg.holds}
    return sorted(holds)


def check_planned(call: Call) -> Iterator[Check]:
    """Yield a failure for each hold of the plan that no re-INVITE asked for."""
    for node in call.plan.nodes:
        hold = parse_hold(node.settings.get("hold", ""))
        seen = [one for leg in call.legs if leg.src == node.name for one in leg.holds if one.by_sender]
        if hold is None or seen or not call.was_made:
            continue
        refusal = call.capture["refusal"]
        yield Check(
            name="hold",
            where=node.name,
            outcome=Outcome.UNKNOWN if refusal else Outcome.FAIL,
            wanted=f"a hold from {hold.from_ms} to {hold.to_ms} ms after the answer",
            got=f"no capture: {refusal}" if refusal else "no re-INVITE that asks for it",
            file=PCAP,
        )


def check_holds(leg: Leg, known: Circumstances) -> Iterator[Check]:
    """Yield a check of each hold that a leg's sender was asked for: whether it took it, and was silent then."""
    for hold in (one for one in leg.holds if not one.by_sender):
        make = functools.partial(Check, name="hold", at_s=known.since_answer(hold.start_s), file=known.file)
        if objection := _objection(hold):
            wanted = f"to be put on hold by {leg.dst}, and taken up again"
            yield make(where=leg.src or leg.name, outcome=Outcome.FAIL, wanted=wanted, got=objection)
        elif hold.silent and hold.agreed_s is not None and known.whole:
            count, length_s = _sounding(leg, hold)
            got = f"{count} packets in {length_s:.2f} s" if count else f"none for {length_s:.2f} s"
            yield make(where=leg.name, outcome=outcome_of(count <= FEW), wanted="no sound while on hold", got=got)


def _objection(hold: Hold) -> str:
    if hold.agreed_s is None:
        return f"it answered {hold.refusal or 'nothing'} to the hold"
    return "" if hold.resume_refusal is None else f"it answered {hold.resume_refusal or 'nothing'} to the resume"


def _sounding(leg: Leg, hold: Hold) -> tuple[int, float]:
    """Return how many packets of sound came while there should have been none, and how long that was."""
    last_s = max((stream.end_s for stream in leg.streams), default=math.inf)
    start_s = (hold.agreed_s or hold.start_s) + UNDER_WAY_S
    end_s = min(hold.resumed_s, leg.ended_at_s or last_s)
    count = 0
    for stream in leg.streams:
        times_s, kinds = stream.columns.times_s, stream.columns.payload_types
        count += int(np.sum((times_s >= start_s) & (times_s < end_s) & np.isin(kinds, stream.audio_types)))
    return count, max(0.0, end_s - start_s)
