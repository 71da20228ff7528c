"""RTP packets, and what only looks like them."""

from __future__ import annotations

import random
import struct

import pytest
from wire_makers import rtp

from harness.wire.rtp import RtpPacket, parse_rtp, seq_after, seq_distance, seq_plus, timestamp_distance


def test_a_plain_packet() -> None:
    """Its fields as they are on the wire."""
    data = rtp(7, 1600, kind=8, marker=True, ssrc=0xDEADBEEF, payload=b"abc")
    assert parse_rtp(1.5, data) == RtpPacket(1.5, 7, 1600, 8, True, 0xDEADBEEF, b"abc")


@pytest.mark.parametrize(
    "more",
    [
        {"csrcs": [1, 2, 3]},
        {"extension": b""},
        {"extension": b"12345678"},
        {"padding": 1},
        {"padding": 9},
        {"csrcs": [9], "extension": b"1234", "padding": 4},
    ],
    ids=str,
)
def test_only_the_payload_is_left(more: dict[str, object]) -> None:
    """CSRCs, header extension and padding are taken off."""
    packet = parse_rtp(0, rtp(1, 2, payload=b"sound", **more))  # type: ignore[arg-type]
    assert packet is not None
    assert packet.payload == b"sound"


@pytest.mark.parametrize(
    "data",
    [
        b"",
        rtp(1, 2)[:11],
        struct.pack("!BBHI", 0x80, 200, 6, 1) + bytes(20),
        struct.pack("!BBHI", 0x81, 201, 7, 1) + bytes(24),
        struct.pack("!HHI12s", 0x0001, 8, 0x2112A442, bytes(12)) + bytes(8),
        bytes([22, 254, 253]) + bytes(40),
        struct.pack("!HBB", 5, 3, 6) + bytes(40),
        b"INVITE sip:a@b SIP/2.0\r\n\r\n",
        rtp(1, 2, csrcs=[1] * 15, payload=b"")[:40],
        rtp(1, 2, extension=b"12345678", payload=b"")[:14],
        rtp(1, 2, extension=b"12345678", payload=b"")[:20],
        b"\xa0" + rtp(1, 2)[1:20] + b"\xc8",
        b"\xa0" + rtp(1, 2)[1:20] + b"\x00",
    ],
    ids=[
        "nothing", "cut header", "sender report", "receiver report", "stun", "dtls", "udptl", "sip", "cut csrcs",
        "cut extension header", "cut extension", "more padding than packet", "padding of none",
    ],
)  # fmt: skip
def test_what_is_not_rtp(data: bytes) -> None:
    """Other protocols on the same port, and packets that contradict themselves."""
    assert parse_rtp(0, data) is None


@pytest.mark.parametrize("kind", range(128))
def test_payload_types_of_rtcp_are_not_rtp(kind: int) -> None:
    """RFC 5761 keeps 64 to 95 for it."""
    assert (parse_rtp(0, rtp(1, 2, kind=kind)) is None) == (64 <= kind <= 95)


def test_garbage_never_raises() -> None:
    """Ten thousand datagrams of noise, most of them made to look like RTP."""
    noise = random.Random(1)
    for _ in range(10_000):
        data = noise.randbytes(noise.randrange(60))
        parse_rtp(0, data)
        parse_rtp(0, bytes([0x80 | noise.randrange(64)]) + data)


@pytest.mark.parametrize(
    ("before", "after", "distance"),
    [(1, 2, 1), (2, 1, -1), (65535, 0, 1), (0, 65535, -1), (65000, 100, 636), (5, 5, 0), (0, 32767, 32767)],
)
def test_sequence_numbers_wrap(before: int, after: int, distance: int) -> None:
    """The shorter way round counts."""
    assert seq_distance(before, after) == distance
    assert seq_after(after, before) == (distance > 0)
    assert seq_plus(before, distance) == after


def test_timestamps_wrap() -> None:
    """After 149 hours of 8 kHz, or at once: they begin anywhere."""
    assert timestamp_distance(0xFFFFFF60, 0) == 160
    assert timestamp_distance(0, 0xFFFFFF60) == -160
