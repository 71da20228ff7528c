"""What holds of every capture and every conversation, whatever is in it and wherever it was cut."""

from __future__ import annotations

import io
import itertools
import struct
from pathlib import Path
from tempfile import TemporaryDirectory

from hypothesis import given, settings
from hypothesis import strategies as st
from wire_makers import A, B, enhanced, ether, interface, ip4, rtp, section, sip, udp4

from harness.wire.bulk import collect_file
from harness.wire.collect import collect
from harness.wire.containers import DamagedError, read_frames
from harness.wire.frames import Datagram, Decoder
from harness.wire.read import read_datagrams
from harness.wire.rtcp import parse_rtcp
from harness.wire.rtp import parse_rtp
from harness.wire.sip import SipListener, parse_sip

REPEATED = settings(max_examples=60, deadline=None, derandomize=True)
BEGINNINGS = (b"", b"\x80\x00", b"\xbf\x80", b"\x81\xc8\x00\x06", b"INVITE sip:b SIP/2.0\r\n", b"SIP/2.0 200 OK\r\n")
FRAMES = st.lists(st.binary(max_size=80), max_size=12)


def pcap(frames: list[bytes], order: str) -> bytes:
    """Return a capture in a byte order."""
    head = struct.pack(f"{order}IHHiIII", 0xA1B2C3D4, 2, 4, 0, 0, 65535, 1)
    return head + b"".join(struct.pack(f"{order}IIII", n, n, len(frame), len(frame)) + frame
                           for n, frame in enumerate(frames))  # fmt: skip


def pcapng(frames: list[bytes], order: str) -> bytes:
    """Return the same as pcapng."""
    return section(order) + interface(order=order) + b"".join(
        enhanced(0, n, frame, order) for n, frame in enumerate(frames)
    )


@REPEATED
@given(st.sampled_from([pcap, pcapng]), FRAMES, st.sampled_from("<>"), st.data())
def test_what_is_whole_before_a_cut_is_read(make, frames: list[bytes], order: str, data: st.DataObject) -> None:
    """And nothing else: every frame that ends before it, as it was."""
    whole = make(frames, order)
    least = len(make([], order))
    cut = data.draw(st.integers(least, len(whole)))
    ends = [len(make(frames[:n], order)) for n in range(1, len(frames) + 1)]
    found = []
    try:
        for frame in read_frames(io.BytesIO(whole[:cut]), "cut"):
            found.append(frame.data)
        assert cut in (least, *ends)
    except DamagedError:
        assert cut not in ends
    assert found == [frame for frame, end in zip(frames, ends, strict=True) if end <= cut]


@REPEATED
@given(
    st.sampled_from([pcap, pcapng]),
    st.lists(st.integers(0, 30).map(lambda n: ether(udp4(rtp(n, 160 * n)))) | st.binary(max_size=60), max_size=30),
    st.sampled_from("<>"),
    st.integers(0, 40),
)
def test_both_ways_of_reading_find_the_same(make, frames: list[bytes], order: str, cut: int) -> None:
    """Many packets at a time, or one by one."""
    with TemporaryDirectory() as folder:
        path = Path(folder) / "capture"
        whole = make(frames, order)
        path.write_bytes(whole[: max(len(make([], order)), len(whole) - cut)])
        wire, warnings = collect_file(path)
        with read_datagrams(path) as datagrams:
            other = collect(datagrams)
        found, wanted = ([(s.flow, s.ssrc, s.packets) for s in one.streams] for one in (wire, other))
        assert found == wanted
        assert warnings == datagrams.warnings


@REPEATED
@given(st.binary(min_size=20, max_size=400), st.randoms(use_true_random=False), st.integers(1, 12))
def test_fragments_in_any_order_are_their_packet(payload: bytes, chance, eights: int) -> None:
    """Also with copies among them."""
    segment = struct.pack("!HHHH", 4000, 5000, 8 + len(payload), 0) + payload
    size = 8 * eights
    pieces = [(at, segment[at : at + size]) for at in range(0, len(segment), size)]
    frames = [ip4(piece, offset=at, more=at + size < len(segment)) for at, piece in pieces]
    frames += [frames[0]] if len(frames) > 2 else []
    chance.shuffle(frames)
    decoder = Decoder()
    found = [datagram for frame in frames if (datagram := decoder.decode(0.0, 101, frame))]
    assert found[0].payload == payload


@REPEATED
@given(st.lists(st.text(max_size=60), min_size=1, max_size=5), st.lists(st.integers(1, 90), min_size=1), st.booleans())
def test_the_segments_in_which_sip_comes_do_not_matter(bodies: list[str], sizes: list[int], numbered: bool) -> None:
    """Every message comes out once and whole, whatever a body is and wherever TCP cuts."""
    messages = [
        sip("MESSAGE sip:b SIP/2.0", cseq=f"{n} MESSAGE").replace(b"Content-Length: 0", b"l: %d" % len(raw)) + raw
        for n, raw in enumerate(body.encode() for body in bodies)
    ]
    stream, at, found, listener = b"".join(messages), 0, [], SipListener()
    for size in itertools.cycle(sizes):
        if at >= len(stream):
            break
        piece = stream[at : at + size]
        segment = Datagram(0.0, A, 5060, B, 5060, "tcp", piece, (at + 0xFFFFFF00) & 0xFFFFFFFF if numbered else None)
        found += [sighting.message.cseq for sighting in listener.hear(segment)]
        at += size
    assert found == list(range(len(messages)))


@REPEATED
@given(st.binary(max_size=200), st.binary(max_size=40))
def test_whatever_a_datagram_is_it_is_read_or_left(octets: bytes, tail: bytes) -> None:
    """As RTP, RTCP or SIP, with any beginning that looks like one."""
    for begin in BEGINNINGS:
        payload = begin + octets + tail
        parse_rtcp(0.0, payload)
        if packet := parse_rtp(0.0, payload):
            assert packet.payload in payload
        if message := parse_sip(payload):
            assert (message.cseq >= 0, message.sent_by is None or message.sent_by.port < 1 << 16) == (True, True)
            assert message.media is None or message.media.address.port
