"""The IPv4 packets of a run as the kernel shows them: whose they are, and how they go on."""

from __future__ import annotations

import socket
import struct
from typing import NamedTuple

from harness.wire.sip import Address

ARRIVING_TTL = 64  # what Linux sends with where nobody has said otherwise
UDP_HEADER, RTP_HEADER = 8, 12  # octets
TTL_AT, CHECKSUM_AT = 8, 6  # in the IP header; in UDP's
PORTS = struct.Struct("!HH")


class Ends(NamedTuple):
    """Where a packet comes from and goes to, and where in it the datagram's content begins."""

    src: Address
    dst: Address
    content_at: int


def ends(packet: bytes) -> Ends | None:
    """Return the ends of a UDP packet; None for one too short to have any."""
    header = (packet[0] & 15) * 4 if packet else 0
    if header < 20 or len(packet) < header + UDP_HEADER:
        return None
    sport, dport = PORTS.unpack_from(packet, header)
    src, dst = socket.inet_ntoa(packet[12:16]), socket.inet_ntoa(packet[16:20])
    return Ends(Address(src, sport), Address(dst, dport), header + UDP_HEADER)


def onward(packet: bytes, flipped_bit: int | None = None) -> bytearray:
    """Return a packet as it arrives: without UDP's checksum, which on the loopback nobody has computed.

    The IP header's is the kernel's to make (raw(7)). `flipped_bit` is the one of the whole packet to change.
    """
    result = bytearray(packet)
    checksum = (packet[0] & 15) * 4 + CHECKSUM_AT
    result[TTL_AT] = ARRIVING_TTL
    result[checksum : checksum + 2] = b"\0\0"
    if flipped_bit is not None:
        result[flipped_bit // 8] ^= 0x80 >> flipped_bit % 8
    return result


def bit_at(packet: bytes, where: float, *, is_rtp: bool) -> int | None:
    """Return which bit of a packet lies at a place of its content, 0 to 1; None where there is none to change.

    Of RTP the content is what follows the fixed header: a packet whose header is wrong is one lost and one invented.
    """
    first = 8 * ((packet[0] & 15) * 4 + UDP_HEADER + (RTP_HEADER if is_rtp else 0))
    bits = 8 * len(packet) - first
    return first + min(int(where * bits), bits - 1) if bits > 0 else None
