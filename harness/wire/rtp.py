"""RTP packets (RFC 3550 section 5) and the arithmetic of their numbers, which wrap."""

from __future__ import annotations

import struct
from typing import NamedTuple

HEADER = struct.Struct("!BBHII")
RTCP_TYPES = range(64, 96)  # what RTCP packet types 192 to 223 look like as payload types, RFC 5761 section 4
PADDING, EXTENSION, CSRC_COUNT, MARKER = 0x20, 0x10, 0x0F, 0x80


class RtpPacket(NamedTuple):
    """One packet; its payload is without CSRCs, header extension and padding."""

    time_s: float
    seq: int
    timestamp: int
    payload_type: int
    marker: bool
    ssrc: int
    payload: bytes


def parse_rtp(time_s: float, payload: bytes) -> RtpPacket | None:
    """Return the RTP packet in a datagram, or None for what cannot be one: RTCP, STUN, DTLS, most of UDPTL, SIP.

    What can be one need not be: one datagram in four of random octets has version 2. Streams need more evidence.
    """
    if len(payload) < 12:
        return None
    first, second, seq, timestamp, ssrc = HEADER.unpack_from(payload)
    if first >> 6 != 2 or second & 0x7F in RTCP_TYPES:
        return None
    start, end = 12, len(payload)
    if first & 0x3F:
        start += 4 * (first & CSRC_COUNT)
        if first & EXTENSION:  # section 5.3.1
            if end < start + 4:
                return None
            start += 4 + 4 * int.from_bytes(payload[start + 2 : start + 4], "big")
        if first & PADDING:
            if not payload[-1]:
                return None
            end -= payload[-1]
        if start > end:
            return None
    return RtpPacket(time_s, seq, timestamp, second & 0x7F, second >= MARKER, ssrc, payload[start:end])


def seq_distance(before: int, after: int) -> int:
    """Return how far `after` is ahead, the shorter way round: -32768 to 32767."""
    return ((after - before + 0x8000) & 0xFFFF) - 0x8000


def seq_after(seq: int, other: int) -> bool:
    """Whether `seq` comes after `other`."""
    return seq_distance(other, seq) > 0


def seq_plus(seq: int, steps: int) -> int:
    """Return the number so many steps on."""
    return (seq + steps) & 0xFFFF


def timestamp_distance(before: int, after: int) -> int:
    """Return how far `after` is ahead, the shorter way round."""
    return ((after - before + 0x8000_0000) & 0xFFFF_FFFF) - 0x8000_0000
