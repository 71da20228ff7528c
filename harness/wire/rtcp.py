"""Reads what RTCP says of streams (RFC 3550 section 6.4): how much was sent, and how much of it came."""

from __future__ import annotations

import struct
from typing import NamedTuple

SENDER_REPORT, RECEIVER_REPORT = 200, 201
PACKET_TYPES = range(192, 224)  # of RTCP; what RTP on the same port never looks like, RFC 5761 section 4
HEAD, SENDER_INFO, BLOCK = struct.Struct("!BBHI"), struct.Struct("!QIII"), struct.Struct("!IIIIII")


class Block(NamedTuple):
    """What a receiver says of a stream: packets that it missed so far, and the highest number that came."""

    ssrc: int
    lost: int
    highest: int  # with the rounds of the 16 bits above


class Report(NamedTuple):
    """One report: of a sender how many packets it has sent so far, None where it sends none."""

    time_s: float
    ssrc: int
    sent: int | None
    timestamp: int | None  # RTP's, of the report itself
    blocks: tuple[Block, ...]


def parse_rtcp(time_s: float, payload: bytes) -> list[Report]:
    """Return the reports in a datagram, which may hold several packets; none for what is no RTCP or was cut off."""
    reports, at = list[Report](), 0
    while at + HEAD.size <= len(payload):
        first, kind, words, ssrc = HEAD.unpack_from(payload, at)
        end = at + 4 + 4 * words
        if first >> 6 != 2 or kind not in PACKET_TYPES or end > len(payload):
            break
        if kind in (SENDER_REPORT, RECEIVER_REPORT):
            reports += _report(time_s, payload[at + HEAD.size : end], kind, ssrc, first & 0x1F)
        at = end
    return reports


def _report(time_s: float, body: bytes, kind: int, ssrc: int, blocks: int) -> list[Report]:
    start = SENDER_INFO.size if kind == SENDER_REPORT else 0
    if len(body) < start + blocks * BLOCK.size:
        return []
    _, timestamp, sent, _ = SENDER_INFO.unpack_from(body) if start else (0, None, None, 0)
    said = (BLOCK.unpack_from(body, start + BLOCK.size * number) for number in range(blocks))
    return [Report(time_s, ssrc, sent, timestamp, tuple(map(_block, said)))]


def _block(fields: tuple[int, ...]) -> Block:
    ssrc, loss, highest, *_ = fields
    lost = loss & 0xFFFFFF  # with a sign: copies count against it
    return Block(ssrc, lost - (1 << 24) if lost >> 23 else lost, highest)
