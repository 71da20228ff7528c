"""Checks of what a device did: whether it took and made its calls, and gave back what it held."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import fields, replace

from harness.call import PCAP, Call
from harness.expect import DeviceExpectation
from harness.judging.outcome import outcome_of
from harness.verdict import Check, Outcome
from harness.wire.legs import Leg

Pair = tuple[str, str]

CHALLENGES = (401, 407)  # which a caller with credentials answers


def both_ways(call: Call) -> list[tuple[Pair, Pair]]:
    """Return the legs that the plan makes, there and back; what a proxy leaves alone is one leg across it."""
    pairs: dict[Pair, None] = {}
    crossed: set[str] = set()
    for node in call.plan.nodes:
        for callee in node.callees:
            across = [far for far in call.plan.node(callee).callees if _has(call, node.name, far)]
            if call.plan.node(callee).is_device and across:
                crossed.add(callee)
                pairs |= dict.fromkeys((node.name, far) for far in across)
            else:
                pairs[node.name, callee] = None
    return [((src, dst), (dst, src)) for src, dst in pairs if src not in crossed]


def leg_between(call: Call, src: str, dst: str, devices: Collection[str]) -> Leg | None:
    """Return the leg from one node to another; a device may call from another address than it is called at."""
    legs = [leg for leg in call.legs if (leg.src, leg.dst) == (src, dst)]
    if not legs and src in devices:
        legs = [leg for leg in call.legs if (leg.src, leg.dst) == (None, dst)]
    if not legs and dst in devices:
        legs = [leg for leg in call.legs if (leg.src, leg.dst) == (src, None)]
    leg = max(legs, key=lambda leg: leg.packets, default=None)
    return replace(leg, name=f"{src} -> {dst}", src=src, dst=dst) if leg else None


def check_answer(call: Call, pair: Pair, devices: Collection[str]) -> Check | None:
    """Return a failure where a device did not take a call, or did not make one; None where it did."""
    src, dst = pair
    leg = leg_between(call, src, dst, devices)
    if leg is None and src in devices:
        got = "no INVITE"
        return Check(name="call", where=src, outcome=Outcome.FAIL, wanted=f"a call to {dst}", got=got, file=PCAP)
    if dst not in devices or leg is None or leg.answered_at_s is not None:
        return None
    refusal = _refusal(call, leg)
    got = f"it answered {refusal}" if refusal else "it answered nothing to INVITE"
    return Check(name="answer", where=dst, outcome=Outcome.FAIL, wanted=f"to take {src}'s call", got=got, file=PCAP)


def as_agreed(leg: Leg) -> Check:
    """Return the check of a leg that carries nothing because the device's SDP wants it so."""
    wanted = "no RTP, as the SDP only sends the other way"
    return Check(name="media", where=leg.name, outcome=Outcome.PASS, wanted=wanted, got="none", file=PCAP)


def check_resources(call: Call, wanted: Mapping[str, DeviceExpectation]) -> Iterator[Check]:
    """Check what each device holds more of after the calls than before them."""
    for name, limits in wanted.items():
        resources = call.summary["nodes"].get(name, {}).get("resources")
        for limit in fields(limits):
            if (most := getattr(limits, limit.name)) is None:
                continue
            what = limit.name.removeprefix("max_more_")
            more = resources["more"][what] if resources else None
            count = len(more) if isinstance(more, list) else more
            yield Check(
                name=f"{what} left",
                where=name,
                outcome=Outcome.UNKNOWN if count is None else outcome_of(count <= most),
                wanted=f"at most {most} more",
                got="not measured" if count is None else ", ".join(more) if count is not more and more else str(count),
                file="summary.json",
            )


def _has(call: Call, src: str, dst: str) -> bool:
    return any((leg.src, leg.dst) == (src, dst) for leg in call.legs)


def _refusal(call: Call, leg: Leg) -> str:
    """Return the last final response to a call that was not answered, challenges aside."""
    finals = [
        f"{sighting.message.status} {sighting.message.reason}".rstrip()
        for sighting in call.wire.sip
        if sighting.message.call_id == leg.call_id
        and sighting.message.method == "INVITE"
        and (sighting.message.status or 0) >= 300
        and sighting.message.status not in CHALLENGES
    ]
    return finals[-1] if finals else ""
