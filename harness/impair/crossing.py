"""What became of a stream's packets between where they were sent and where they arrived: measured, not believed."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from harness.call import PCAP, SENT, Call
from harness.wire.collect import collect
from harness.wire.legs import legs_of
from harness.wire.order import Numbers
from harness.wire.read import read_datagrams
from harness.wire.streams import Stream


@dataclass(frozen=True, eq=False, kw_only=True)
class Crossing:
    """One direction of a call: sequence numbers of packets, and the seconds that each first copy took."""

    direction: str
    sent: int
    lost: tuple[int, ...]
    doubled: tuple[int, ...]
    corrupted: tuple[int, ...]
    overtaken: int
    delays_s: Numbers


def crossings(call: Call) -> Iterator[Crossing]:
    """Yield what became of each leg's largest stream; of a run that was not impaired nothing is known."""
    if not (call.folder / SENT).exists():
        return
    sent, arrived = (collect(read_datagrams(call.folder / name)) for name in (SENT, PCAP))
    came = {(stream.flow, stream.ssrc): stream for stream in arrived.streams}
    for leg in legs_of(sent, call.addresses):
        if leg.stream:
            yield crossing(leg.name, leg.stream, came.get((leg.stream.flow, leg.stream.ssrc)))


def crossing(direction: str, sent: Stream, arrived: Stream | None) -> Crossing:
    """Compare a stream as it was sent with what arrived of it; both need their payloads."""
    first: dict[tuple[int, int], tuple[float, bytes]] = {}
    doubled: list[int] = []
    for packet in arrived or ():
        key = packet.seq, packet.timestamp
        if key in first:
            doubled.append(packet.seq)
        else:
            first[key] = packet.time_s, packet.payload
    lost, corrupted, delays_s = list[int](), list[int](), list[float]()
    for packet in sent:
        if (found := first.get((packet.seq, packet.timestamp))) is None:
            lost.append(packet.seq)
            continue
        delays_s.append(found[0] - packet.time_s)
        if found[1] != packet.payload:
            corrupted.append(packet.seq)
    return Crossing(
        direction=direction,
        sent=sent.packets,
        lost=tuple(lost),
        doubled=tuple(doubled),
        corrupted=tuple(corrupted),
        overtaken=arrived.reordered if arrived else 0,
        delays_s=np.array(delays_s),
    )
