"""What a run knows of each leg and of each listener's chain, put before those who look for the fault."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from harness.call import Call
from harness.fault.wire import Sight, tap_of
from harness.listener import Listener
from harness.wire.collect import Wire
from harness.wire.legs import Leg
from harness.wire.sip import Address
from harness.wire.streams import Stream

if TYPE_CHECKING:
    from harness.fault.heard import Chain, Hop


def sight_in(wire: Wire, stream: Stream, leg: Leg | None) -> Sight:
    """Return what was seen of a stream of a capture, and of the leg that it belongs to."""
    flow = stream.flow
    return Sight(
        src=(leg and leg.src) or str(Address(flow.src, flow.sport)),
        dst=(leg and leg.dst) or str(Address(flow.dst, flow.dport)),
        stream=stream,
        tap=tap_of(stream, wire.streams),
        reports=wire.reports,
        holds=leg.holds if leg else (),
    )


def sight_of(call: Call, leg: Leg, stream: Stream) -> Sight:
    """Return what was seen of a leg of a run: a sender that the run started was captured on its own machine.

    Where the plan impairs the run there is a network between the two, and a tap before it; what goes to a role on
    another machine was captured there.
    """
    sight = replace(sight_in(call.wire, stream, leg), metrics=_metrics(call, leg.src), impaired=call.impaired)
    sent = (one for one in call.sent.streams if (one.flow, one.ssrc) == (stream.flow, stream.ssrc))
    if tap := next(sent, None):
        return replace(sight, tap=tap)
    return replace(sight, at_sender=_captured_at_sender(call, leg))


def _captured_at_sender(call: Call, leg: Leg) -> bool:
    hosts = {node.name: node.host for node in call.plan.nodes if node.starts_itself}
    return leg.src in hosts and hosts.get(leg.dst or "", hosts[leg.src]) == hosts[leg.src]


def chain_of(call: Call, listener: Listener) -> Chain:
    """Return all hops from the source to a listener."""
    from harness.fault.heard import Chain

    hops = [_hop(call, listener, at) for at in range(len(listener.chain))]
    name = listener.node.name
    return Chain(hops=hops, listener=name, host=call.host, metrics=_metrics(call, name))


def _hop(call: Call, listener: Listener, at: int) -> Hop | str:
    """Return the hop from the node at that place of the chain to the next; its name where the file is not in it."""
    from harness.dtmf import detect
    from harness.fault.heard import Hop
    from harness.sound import RATE, compare, decode

    src, dst = [node.name for node in (*listener.chain, listener.node)][at : at + 2]
    leg = next((one for one in call.legs if (one.src, one.dst) == (src, dst)), None)
    audio = call.audio(leg) if leg else None
    if leg and leg.stream and audio and listener.played:
        ignore = [(digit.start_s, digit.end_s) for digit in detect(audio.samples, RATE)]
        hearing = compare(decode(listener.played), audio.samples, gain=listener.gain_at(at + 1), ignore=ignore)
        if hearing.matched:
            return Hop(sight=sight_of(call, leg, leg.stream), audio=audio, hearing=hearing)
    return f"{src} -> {dst}"


def _metrics(call: Call, node: str | None) -> dict[str, Any]:
    """Return a node's last metrics; nothing where it left none."""
    return dict(call.summary["nodes"].get(node, {}).get("metrics") or {})
