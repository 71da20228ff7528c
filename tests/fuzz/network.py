"""Targets on the wire: captures, RTP, RTCP, SIP and SDP."""

from __future__ import annotations

import io
import json
from functools import cache
from itertools import pairwise
from pathlib import Path
from tempfile import TemporaryDirectory

import dpkt

from calls.places import CAPTURES
from calls.synthetic import make_run
from fuzz.places import MemoryFile, harmless, said
from harness.commands.rtp import rtp as rtp_command
from harness.watch.wire import GrowingCapture
from harness.wire.bulk import collect_file
from harness.wire.collect import collect
from harness.wire.containers import PCAP, PCAPNG, read_frames
from harness.wire.frames import Datagram
from harness.wire.legs import legs_of
from harness.wire.read import CaptureError, read_datagrams
from harness.wire.rtcp import parse_rtcp
from harness.wire.rtp import parse_rtp
from harness.wire.sip import SipListener, SipMessage, announced, parse_sip
from harness.wire.summary import summaries

MOST_OF_A_FILE = 6000  # octets of a real capture that a million changes are made of
CAPTURE_WORDS = (
    *PCAP, PCAPNG, b"\x4d\x3c\x2b\x1a", b"INVITE sip:b SIP/2.0\r\n", b"\x08\x00\x45\x00", b"\x86\xdd\x60\x00",
    b"\x81\x00\x00\x2a", b"\x80\x00\x00\x01", b"v=0\r\nm=audio 9 RTP/AVP 0\r\n", b"\x06\x00\x00\x00",
    b"\x09\x00\x01\x00",
)  # fmt: skip
_file = MemoryFile("capture")


def capture(data: bytes) -> None:
    """Read a capture in both ways that we have, which must find the same, and show its streams."""
    path = _file.put(data)
    try:
        wire, warnings = collect_file(path)
    except CaptureError:
        return
    harmless("".join(warnings))
    with read_datagrams(path) as datagrams:
        one_by_one = collect(datagrams, keep_payloads=False)
    assert _found(wire) == _found(one_by_one)
    json.dumps(summaries(wire.streams, legs_of(wire, {})), allow_nan=False)
    said(lambda: rtp_command.callback((path,), as_json=False))


def _found(wire) -> list[tuple]:
    return [(stream.flow, stream.ssrc, stream.packets, stream.taken_for_t38) for stream in wire.streams]


def growing_capture(data: bytes) -> None:
    """Read it as `b2b watch` does while it is written."""
    growing = GrowingCapture(_file.put(data), {"source": "127.0.0.1:5060"}, order=["source", "sink"], limit_s=0.04)
    while growing.read():
        pass
    growing.read(ended=True)


def rtp(data: bytes) -> None:
    """Read one datagram as RTP."""
    if packet := parse_rtp(0.0, data):
        assert len(packet.payload) <= len(data) - 12
        assert packet.payload_type < 128


def rtcp(data: bytes) -> None:
    """Read one datagram as RTCP."""
    for report in parse_rtcp(0.0, data):
        assert all(-(1 << 23) <= block.lost < 1 << 23 for block in report.blocks)


def sip(data: bytes) -> None:
    """Read one datagram as SIP, and a TCP connection of as many segments as there are NUL octets in it."""
    if message := parse_sip(data):
        _look_at(message)
    listener = SipListener()
    for number, segment in enumerate(data.split(b"\0")):
        for proto, place in (("udp", None), ("tcp", None), ("tcp", 100 * number)):
            for sighting in listener.hear(Datagram(0.0, "10.0.0.1", 5060, "10.0.0.2", 5060, proto, segment, place)):
                _look_at(sighting.message)


def _look_at(message: SipMessage) -> None:
    assert message.cseq >= 0
    assert message.sent_by is None or message.sent_by.port <= 0xFFFF
    assert (message.call_id, message.sender, message.receiver, message.media) is not None


def sdp(data: bytes) -> None:
    """Read a session description."""
    for _, _, media in announced(data.decode("utf-8", "replace")):
        if media:
            assert all(0 <= kind < 128 for kind in media.audio_types)
            harmless("".join(codec.name for codec in media.codecs.values()))
            json.dumps(media.ptime_ms, allow_nan=False)


@cache
def made() -> tuple[bytes, bytes]:
    """Return a capture of a whole short call, as pcap and as pcapng."""
    with TemporaryDirectory() as folder:
        pcap = (make_run(Path(folder), seconds=0.5, lost=(7,)).folder / "capture.pcap").read_bytes()
    file = io.BytesIO()
    writer = dpkt.pcapng.Writer(file, linktype=101)
    for frame in read_frames(io.BytesIO(pcap), "made"):
        writer.writepkt(frame.data, frame.time_s)
    return pcap, file.getvalue()


def captures() -> tuple[bytes, ...]:
    """Return the beginnings of captures: ours, and others' where there are any."""
    return (*made(), *(whole[:MOST_OF_A_FILE] for whole in real_captures()))


@cache
def real_captures() -> tuple[bytes, ...]:
    """Return the captures that others made, where this machine has some; else ours."""
    paths = sorted(CAPTURES.glob("*.pcap*")) if CAPTURES.is_dir() else []
    return tuple(path.read_bytes() for path in paths if path.suffix in (".pcap", ".pcapng")) or made()


@cache
def messages() -> tuple[bytes, ...]:
    """Return SIP: what our call said, and that in one TCP connection."""
    frames = read_frames(io.BytesIO(made()[0]), "made")
    said = [frame.data[28:] for frame in frames if b"SIP/2.0" in frame.data]
    return (*said, b"\0".join(said), b"\0".join(said[0][at:end] for at, end in pairwise((0, 40, 90, 5000))))


def descriptions() -> tuple[bytes, ...]:
    """Return SDP."""
    more = b"a=rtpmap:101 telephone-event/8000\r\na=ptime:20\r\na=sendonly\r\nm=image 9 udptl t38\r\n"
    return tuple(message.partition(b"\r\n\r\n")[2] + more for message in messages())


def packets() -> tuple[bytes, ...]:
    """Return RTP."""
    plain = b"\x80\x00\x00\x01\x00\x00\x00\xa0\x00\x00\x00\x07"
    return plain + bytes(20), b"\xb1" + plain[1:] + bytes(4) + b"\xbe\xde\x00\x01" + bytes(8) + b"\x00\x02"


def reports() -> tuple[bytes, ...]:
    """Return RTCP: a sender's report with a block and a receiver's."""
    block = bytes(range(24))
    return b"\x81\xc8\x00\x0c" + bytes(24) + block, b"\x82\xc9\x00\x0d" + bytes(4) + 2 * block + b"\x80\xcb\x00\x00"
