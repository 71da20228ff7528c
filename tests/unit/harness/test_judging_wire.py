"""What the check of a stream's codec says of what is none."""

from __future__ import annotations

import struct

import pytest
from dpkt.rtp import RTP

from harness.expect import Expectations
from harness.judging.wire import Circumstances, check_stream
from harness.verdict import Outcome
from harness.wire.collect import streams
from harness.wire.frames import Datagram

EVENT = struct.pack(">BBH", 5, 10, 160)


@pytest.mark.parametrize(("kind", "payload", "got"), [
    (0, bytes(160), "PCMU"),
    (8, bytes(160), "PCMA"),
    (124, bytes(160), "payload type 124, which nothing gives a meaning"),
    (101, EVENT, "no sound, only telephone-event"),
])  # fmt: skip
def test_what_there_is_instead_of_a_codec(kind, payload, got):
    """In words, and only the codec that was wanted passes."""
    packets = [
        Datagram(
            0.02 * n, "10.0.0.1", 4000, "10.0.0.2", 5000, "udp",
            bytes(RTP(pt=kind, seq=n, ts=160 * n, ssrc=7, data=payload)),
        )
        for n in range(50)
    ]  # fmt: skip
    (stream,) = streams(packets)
    check = next(check_stream("leg", stream, Expectations(), Circumstances(file="x.pcap")))
    assert (check.name, check.got, check.outcome) == ("codec", got, Outcome.PASS if kind == 0 else Outcome.FAIL)
