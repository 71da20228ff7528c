"""Digits that are sent as telephone-events rather than as tones (RFC 4733)."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from harness.wire.rtp import RtpPacket

KEYS = "0123456789*#ABCD"  # events 0 to 15, RFC 4733 section 3.2
END_OF_EVENT = 0x80  # the E bit, section 2.3


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """One key: when its first packet came, in seconds since the epoch, how long it was held, how loud it claims to be.

    `ended` says whether a packet with the E bit came; without one the length is what was heard of it.
    """

    key: str
    at_s: float
    length_s: float
    level_dbm0: int
    ended: bool


def events(packets: Iterable[RtpPacket], payload_type: int, clock_hz: int) -> list[Event]:
    """Return the keys among packets, in the order in which they began.

    All packets of a key bear the timestamp of its beginning, so copies of its end count once, and whatever got lost of
    it, one packet is enough. A key held beyond 65535 ticks goes on under a new timestamp and is told as another.
    """
    found: dict[int, Event] = {}
    for packet in packets:
        if packet.payload_type != payload_type or len(packet.payload) < 4 or packet.payload[0] >= len(KEYS):
            continue
        key, flags = packet.payload[:2]
        length_s = int.from_bytes(packet.payload[2:4], "big") / clock_hz
        before = found.get(packet.timestamp)
        found[packet.timestamp] = Event(
            key=KEYS[key],
            at_s=min(packet.time_s, before.at_s) if before else packet.time_s,
            length_s=max(length_s, before.length_s) if before else length_s,
            level_dbm0=-(flags & 0x3F),
            ended=bool(flags & END_OF_EVENT) or bool(before and before.ended),
        )
    return sorted(found.values(), key=lambda event: event.at_s)
