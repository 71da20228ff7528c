"""Carries packets through a lane as the process does, on a clock that only the packets move."""

from __future__ import annotations

import socket
import struct
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from harness.impair.decide import Dice
from harness.impair.lane import Lane, Parcel, Schedule
from harness.impair.packets import onward
from harness.impair.table import Impairment
from harness.wire.collect import streams
from harness.wire.containers import Frame
from harness.wire.frames import RAW, Decoder
from harness.wire.streams import Stream
from unit.harness.wire.wire_makers import T0, A, B, rtp, udp4

SPACING_S = 0.02
NAME = "source -> mixer/rtp"
Sent = tuple[float, bytes]


def lane(seed: int, *, kind: str = "rtp", **asked: object) -> Lane:
    """Return a lane that does what is asked for."""
    impairment = Impairment(**asked)  # type: ignore[arg-type]
    return Lane("source -> mixer", kind, impairment, Dice(impairment, seed, NAME))


def sound(count: int, *, seq: int = 65000, spacing_s: float = SPACING_S) -> list[Sent]:
    """Return IP packets of 20 ms PCMU and when each is sent; their numbers wrap on the way."""
    payloads = (bytes([n & 0xFF]) * 160 for n in range(count))
    return [
        (spacing_s * n, udp4(rtp(seq + n, 160 * n, payload=payload)))
        for n, payload in enumerate(payloads)
    ]


def packet(content: bytes, sport: int, dport: int) -> bytes:
    """Return UDP on the loopback."""
    loopback = socket.inet_aton("127.0.0.1")
    head = struct.pack("!BBHHHBBH", 0x45, 0, 28 + len(content), 1, 0, 66, 17, 0) + loopback + loopback
    return head + struct.pack("!HHHH", sport, dport, 8 + len(content), 0x1234) + content


@dataclass(frozen=True)
class Carried:
    """What went in, what became of each packet, and what came out and when."""

    sent: list[Sent]
    parcels: list[Parcel]
    arrived: list[Sent]

    @property
    def stream(self) -> Stream:
        """What came out, as the harness reads it."""
        return as_stream(self.arrived)

    def lost(self) -> list[int]:
        """The numbers of the packets that were lost, from 1."""
        return [number for number, parcel in enumerate(self.parcels, start=1) if parcel.lost]


def carry(road: Lane, sent: Iterable[Sent]) -> Carried:
    """Send packets down a lane."""
    sent, schedule, parcels, arrived = list(sent), Schedule(), list[Parcel](), list[Sent]()
    for at_s, packet in sent:
        arrived += departures(schedule, at_s)
        took = road.take(packet, at_s)
        parcels.append(took[0])
        for parcel in took:
            schedule.add(parcel)
    arrived += departures(schedule, float("inf"))
    return Carried(sent, parcels, arrived)


def departures(schedule: Schedule, now_s: float) -> Iterator[Sent]:
    """Yield what goes on by now, and when."""
    for parcel in schedule.due(now_s):
        yield from [(parcel.due_s, bytes(onward(parcel.packet, parcel.flipped_bit)))] * parcel.copies


def as_stream(packets: Iterable[Sent]) -> Stream:
    """Return the only stream among IP packets."""
    decoder = Decoder()
    frames = (Frame(T0 + at_s, RAW, packet) for at_s, packet in packets)
    (stream,) = streams(datagram for frame in frames if (datagram := decoder.decode(*frame)))
    assert (stream.flow.src, stream.flow.dst) == (A, B)
    return stream


