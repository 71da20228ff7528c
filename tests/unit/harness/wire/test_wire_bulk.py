"""Many packets at a time are the same packets: against the way that takes one after the other."""

from __future__ import annotations

import random
import re
import struct
from pathlib import Path

import numpy as np
import pytest
from wire_makers import (
    SOUND,
    block,
    enhanced,
    ether,
    interface,
    ip4,
    rtp,
    section,
    udp4,
    udp6,
    write_pcap,
    write_pcapng,
)  # fmt: skip

from harness.wire import bulk, records
from harness.wire.collect import collect
from harness.wire.read import CaptureError, read_datagrams

SDP = b"v=0\r\nc=IN IP4 10.0.0.2\r\nm=audio 5000 RTP/AVP 0 101\r\na=rtpmap:101 telephone-event/8000\r\n"
INVITE = (
    b"INVITE sip:b@10.0.0.2 SIP/2.0\r\nVia: SIP/2.0/UDP 10.0.0.1\r\nCall-ID: x\r\nCSeq: 1 INVITE\r\n"
    b"From: <sip:a@x>;tag=1\r\nTo: <sip:b@x>\r\nContent-Type: application/sdp\r\n"
    b"Content-Length: " + str(len(SDP)).encode() + b"\r\n\r\n" + SDP
)
LINKS = {1: ether, 101: bytes, 113: lambda packet: bytes(14) + b"\x08\0" + packet,
         276: lambda packet: b"\x08\0" + bytes(18) + packet}  # fmt: skip


def same(path: Path) -> None:
    """Compare both ways, or their refusals."""
    for keep_payloads in (False, True):
        same_with(path, keep_payloads=keep_payloads)


def same_with(path: Path, *, keep_payloads: bool) -> None:
    """Compare them with or without payloads."""
    refused = ""
    try:
        reading = read_datagrams(path)
        one_by_one = collect(reading, keep_payloads=keep_payloads)
    except CaptureError as error:
        refused = str(error)
    if refused:
        with pytest.raises(CaptureError, match=re.escape(refused)):
            bulk.collect_file(path, keep_payloads=keep_payloads)
        return
    at_once, warnings = bulk.collect_file(path, keep_payloads=keep_payloads)
    assert warnings == reading.warnings
    assert at_once.sip == one_by_one.sip
    assert len(at_once.streams) == len(one_by_one.streams)
    for stream, other in zip(at_once.streams, one_by_one.streams, strict=True):
        assert (stream.flow, stream.ssrc, stream.codecs) == (other.flow, other.ssrc, other.codecs)
        for name in stream.columns.__slots__:
            assert np.array_equal(getattr(stream.columns, name), getattr(other.columns, name)), name
        assert list(stream.payloads) == list(other.payloads)


def odd(chance: random.Random, seq: int) -> bytes:
    """Return an IP packet that is plain, or in some way not."""
    stamp, ssrc, sport = 160 * seq, chance.choice((7, 8)), chance.choice((4000, 4002))
    sound = rtp(seq, stamp, ssrc=ssrc, marker=chance.random() < 0.1)
    return chance.choice((
        lambda: udp4(sound, sport=sport), lambda: udp4(sound, sport=sport), lambda: udp4(sound, sport=sport),
        lambda: udp6(sound, sport=sport),
        lambda: udp4(sound, options=bytes(4)),
        lambda: udp4(rtp(seq, stamp, ssrc=ssrc, csrcs=(1, 2))),
        lambda: udp4(rtp(seq, stamp, ssrc=ssrc, extension=bytes(8))),
        lambda: udp4(rtp(seq, stamp, ssrc=ssrc, padding=4)),
        lambda: udp4(rtp(seq, stamp, ssrc=ssrc, kind=101, payload=bytes([5, 0x8A, 0, 160]))),
        lambda: udp4(rtp(seq, stamp, ssrc=ssrc, kind=97, payload=SOUND[:chance.choice((15, 16, 17))])),
        lambda: udp4(rtp(seq, stamp, kind=72)), lambda: udp4(bytes(3)), lambda: udp4(bytes(40)),
        lambda: udp4(INVITE, sport=5060, dport=5060),
        lambda: ip4(bytes(40), proto=6), lambda: ip4(bytes(20), proto=17, more=True),
        lambda: sound[: chance.randrange(1, 30)],
    ))()  # fmt: skip


@pytest.mark.parametrize("seed", range(12))
@pytest.mark.parametrize("link", LINKS)
def test_whatever_is_in_it(tmp_path, seed, link):
    """Plain packets among all kinds of others, of one stream too, and in pieces of any size."""
    chance = random.Random(seed)
    frames = [(0.02 * n, LINKS[link](odd(chance, 65000 + n))) for n in range(600)]
    same(write_pcap(tmp_path / "x.pcap", frames, link=link, nano=seed % 2 == 0))


@pytest.mark.parametrize("octets", [300, 1000, 4096])
def test_pieces_end_anywhere(tmp_path, monkeypatch, octets):
    """In a record's head, in its packet, or between two."""
    monkeypatch.setattr(records, "CHUNK", octets)
    frames = [(0.02 * n, ether(udp4(rtp(n, 160 * n)))) for n in range(100)]
    same(write_pcap(tmp_path / "x.pcap", frames))


def test_wherever_it_was_cut_off(tmp_path):
    """At every octet of a small capture, also within its head."""
    whole = write_pcap(tmp_path / "x.pcap", [(0.02 * n, ether(udp4(rtp(n, 160 * n)))) for n in range(5)]).read_bytes()
    path = tmp_path / "cut.pcap"
    for end in range(len(whole)):
        path.write_bytes(whole[:end])
        same(path)


def test_whatever_bit_is_wrong(tmp_path):
    """No exception, no hang, and the same as one by one."""
    whole = write_pcap(tmp_path / "x.pcap", [(0.02 * n, ether(udp4(rtp(n, 160 * n)))) for n in range(6)]).read_bytes()
    path, chance = tmp_path / "flipped.pcap", random.Random(1)
    for _ in range(400):
        flipped = bytearray(whole)
        flipped[chance.randrange(len(flipped))] ^= 1 << chance.randrange(8)
        path.write_bytes(flipped)
        same(path)


def test_other_containers(tmp_path):
    """Big-endian pcap, pcapng, VLAN tags."""
    frames = [(0.02 * n, ether(udp4(rtp(n, 160 * n)), tags=(0x8100,))) for n in range(50)]
    same(write_pcap(tmp_path / "tagged.pcap", frames))
    same(write_pcapng(tmp_path / "x.pcapng", frames))
    heads = (struct.pack(">IIII", 1, n, len(frame), len(frame)) for n, (_, frame) in enumerate(frames))
    records = b"".join(head + frame for head, (_, frame) in zip(heads, frames, strict=True))
    big = tmp_path / "big.pcap"
    big.write_bytes(struct.pack(">IHHiIII", 0xA1B2C3D4, 2, 4, 0, 0, 65535, 1) + records)
    same(big)


def test_flows_that_have_one_hash_are_kept_apart(monkeypatch):
    """A hash is only for speed."""
    monkeypatch.setattr(bulk, "MIX", np.uint64(0))
    flows, ports = np.array([1, 2, 1, 2], np.uint64), np.array([5, 5, 5, 5], np.uint64)
    assert sorted(which.tolist() for which in bulk._groups(flows, ports)) == [[0, 2], [1, 3]]


def pcapng(frames, *, order="<", links=(1,), options=b"", more=lambda chance: b"", chance=None):
    """Return a pcapng file of (ticks, interface, frame); `more` gives what stands between packets."""
    blocks = [section(order), *(interface(link, options, order) for link in links)]
    for ticks, number, frame in frames:
        blocks += [more(chance), enhanced(number, ticks, frame, order)]
    return b"".join(blocks)


def between(chance):
    """Return another block now and then: statistics, a packet of the old kind or without a time, an interface."""
    frame = ether(udp4(rtp(7, 160 * 7, ssrc=99)))
    head = struct.pack("<HHIIII", 0, 0, 393216, chance.randrange(1 << 32), len(frame), len(frame))
    blocks = (
        block(5, bytes(12)), block(2, head + frame), block(3, struct.pack("<I", len(frame)) + frame), interface(101),
        section() + interface(1) + interface(113), block(0x0BAD, bytes(chance.randrange(40))),
    )  # fmt: skip
    return chance.choice(blocks) if chance.random() < 0.05 else b""


@pytest.mark.parametrize("seed", range(12))
def test_whatever_is_in_a_pcapng(tmp_path, seed):
    """Two interfaces of different link types in turns, other blocks between, in pieces of any size."""
    chance = random.Random(seed)
    links = chance.choice(((1, 113), (113, 1), (1, 276)))
    frames = []
    for n in range(600):
        number = chance.randrange(2) if seed % 2 else 0
        frames.append((1_700_000_000_000_000 + 20_000 * n, number, LINKS[links[number]](odd(chance, 65000 + n))))
    path = tmp_path / "x.pcapng"
    path.write_bytes(pcapng(frames, links=links, more=between, chance=chance))
    same(path)


def test_a_call_over_two_interfaces(tmp_path):
    """What was said is in the order in which it was said, whichever interface saw it."""
    said = [udp4(INVITE.replace(b"Call-ID: x", b"Call-ID: %d" % n), sport=5060, dport=5060) for n in range(6)]
    path = tmp_path / "x.pcapng"
    path.write_bytes(pcapng([(n, n % 2, ether(packet)) for n, packet in enumerate(said)], links=(1, 1)))
    same(path)
    assert [seen.message.call_id for seen in bulk.collect_file(path)[0].sip] == list("012345")


@pytest.mark.parametrize(
    "options",
    [
        struct.pack(">HHB3x", 9, 1, 9), struct.pack(">HHB3x", 9, 1, 0x8A), struct.pack(">HHB3x", 9, 1, 40),
        struct.pack(">HHq", 14, 8, -3600), struct.pack(">HHB3x", 9, 1, 0),
    ],
)  # fmt: skip
def test_what_a_pcapngs_times_count(tmp_path, options):
    """Nanoseconds, powers of two, what no float can hold, an offset; big-endian."""
    frames = [((1 << 60) + 20_000_001 * n, 0, ether(udp4(rtp(n, 160 * n)))) for n in range(50)]
    path = tmp_path / "x.pcapng"
    path.write_bytes(pcapng(frames, order=">", options=options))
    same(path)


@pytest.mark.parametrize("octets", [300, 1000, 4096])
def test_pieces_of_a_pcapng_end_anywhere(tmp_path, monkeypatch, octets):
    """In a block's head, in its packet, between two; one that is larger than a piece too."""
    monkeypatch.setattr(records, "CHUNK", octets)
    path, chance = tmp_path / "x.pcapng", random.Random(octets)
    frames = [(20_000 * n, 0, ether(udp4(rtp(n, 160 * n)))) for n in range(100)]
    path.write_bytes(pcapng(frames, more=between, chance=chance, links=(1, 113)))
    same(path)
    path.write_bytes(pcapng(frames[:50]) + block(0x0BAD, bytes(5000)) + pcapng(frames[50:]))
    same(path)


def test_wherever_a_pcapng_was_cut_off_or_is_wrong(tmp_path):
    """At every octet, and with any bit wrong: no exception, no hang, and the same as one by one."""
    whole = pcapng([(20_000 * n, 0, ether(udp4(rtp(n, 160 * n)))) for n in range(5)])
    path, chance = tmp_path / "x.pcapng", random.Random(2)
    for end in range(len(whole)):
        path.write_bytes(whole[:end])
        same(path)
    for _ in range(600):
        flipped = bytearray(whole)
        flipped[chance.randrange(len(flipped))] ^= 1 << chance.randrange(8)
        path.write_bytes(flipped)
        same(path)
