"""Streams are told from everything else on the wire, and their faults from their health."""

import random
import socket
import struct

import dpkt
import pytest

from oracle import wire

A, B = ("127.0.0.1", 10000), ("127.0.0.1", 20000)
INVITE = b"INVITE sip:sink@127.0.0.1:5062 SIP/2.0\r\nVia: SIP/2.0/UDP 127.0.0.1\r\n\r\n"


def rtp(number, *, ssrc=7, first_seq=65500, kind=0, size=160, marker=0, step=160):
    """One RTP packet; both counters wrap on the way."""
    timestamp = (2**32 - 3000 + number * step) % 2**32
    return struct.pack("!BBHII", 0x80, marker << 7 | kind, (first_seq + number) % 65536, timestamp, ssrc) + bytes(size)


def write(path, datagrams):
    """Write a capture of (time, source, destination, payload) as the loopback has them."""
    with path.open("wb") as file:
        writer = dpkt.pcap.Writer(file)
        for time_s, src, dst, data in datagrams:
            udp = dpkt.udp.UDP(sport=src[1], dport=dst[1], data=data, ulen=8 + len(data))
            if ":" in src[0]:
                source, target = (socket.inet_pton(socket.AF_INET6, host) for host in (src[0], dst[0]))
                network = dpkt.ip6.IP6(src=source, dst=target, nxt=17, plen=len(udp), data=udp)
                network.extension_hdrs, kind = [], dpkt.ethernet.ETH_TYPE_IP6
            else:
                source, target = (socket.inet_pton(socket.AF_INET, host) for host in (src[0], dst[0]))
                network = dpkt.ip.IP(src=source, dst=target, p=17, data=udp, len=20 + len(udp))
                kind = dpkt.ethernet.ETH_TYPE_IP
            writer.writepkt(bytes(dpkt.ethernet.Ethernet(type=kind, data=network)), ts=time_s)
    return path


def talk(count, src=A, dst=B, **settings):
    """A healthy stream of 20 ms frames."""
    return [(1000 + 0.02 * i, src, dst, rtp(i, **settings)) for i in range(count)]


def only_stream(tmp_path, datagrams):
    """Read back the one stream that there should be."""
    [stream] = wire.read_streams(write(tmp_path / "a.pcap", datagrams))
    return stream


def test_a_healthy_stream_is_clean_across_both_wraps(tmp_path):
    """Sequence number and timestamp pass their end."""
    stream = only_stream(tmp_path, talk(200))
    assert wire.wire_is_clean(stream) == []
    assert (stream.src, stream.dst, stream.ssrc) == (A, B, 7)
    assert stream.payload_types == {0: 200}
    assert stream.payload_sizes == {160: 200}
    assert stream.duration_s == pytest.approx(199 * 0.02, abs=1e-3)
    assert stream.max_gap_s == pytest.approx(0.02, abs=1e-4)
    assert stream.gaps() == ()
    assert str(stream) == "127.0.0.1:10000 -> 127.0.0.1:20000 ssrc 0x00000007"


def test_both_directions_and_ipv6_are_streams_of_their_own(tmp_path):
    """In the order in which they began."""
    six = (("::1", 4000), ("::1", 4002))
    path = write(tmp_path / "a.pcap", talk(9) + talk(9, B, A, ssrc=8) + talk(9, *six, ssrc=9))
    assert [(stream.src, stream.ssrc) for stream in wire.read_streams(path)] == [(A, 7), (B, 8), (six[0], 9)]


def test_what_is_not_rtp_is_left_out(tmp_path):
    """SIP, RTCP on its own port and on the same one, noise, and too few packets."""
    noise = random.Random(1)
    rtcp = struct.pack("!BBHI", 0x80, 200, 6, 7) + bytes(20)
    other = [(2000 + i, A, B, rtcp) for i in range(20)]
    other += [(2100 + i, (A[0], 5062), (B[0], 5063), INVITE) for i in range(20)]
    other += [(2200 + i, A, B, b"\x80" + noise.randbytes(40)) for i in range(200)]
    other += [(2500 + i, A, B, noise.randbytes(noise.randrange(30))) for i in range(200)]
    other += [(2800, A, B, b"\x90\x00" + bytes(10)), (2801, A, B, b"\xa0\x00" + bytes(9) + b"\xff")]
    assert len(only_stream(tmp_path, talk(50) + other + talk(3, ssrc=99)).packets) == 50


def test_extension_contributors_and_padding_are_no_payload():
    """RFC 3550, section 5.1: what stays is the sound."""
    header = struct.pack("!BBHII", 0x80 | 0x20 | 0x10 | 2, 0x80, 1, 2, 3)
    packet = wire.parse_rtp(0.0, header + bytes(8) + b"\xbe\xde\x00\x01abcd" + b"sound" + b"\0\0\x03")
    assert packet.payload == b"sound"
    assert (packet.seq, packet.timestamp, packet.ssrc, packet.payload_type, packet.marker) == (1, 2, 3, 0, True)


@pytest.mark.parametrize(
    ("change", "sequence", "timestamp"),
    [
        (lambda talk: talk[:30] + talk[31:], [1], [160]),
        (lambda talk: [*talk[:30], talk[29], *talk[30:]], [-1], [-160]),
        (lambda talk: [*talk[:30], talk[31], talk[30], *talk[32:]], [1, -2, 1], [160, -320, 160]),
        (lambda talk: [*talk[:30], (1000.6, A, B, rtp(30, step=170))], [], [300]),
    ],
    ids=["lost", "twice", "overtaken", "skipped"],
)
def test_jumps_are_told(tmp_path, change, sequence, timestamp):
    """Each with its size, beyond what was due."""
    stream = only_stream(tmp_path, change(talk(60)))
    assert [jump.by for jump in stream.sequence_jumps] == sequence
    assert [jump.by for jump in stream.timestamp_jumps] == timestamp
    assert {jump.index for jump in stream.sequence_jumps + stream.timestamp_jumps} <= {30, 31, 32}
    assert wire.wire_is_clean(stream)


def test_late_packets_are_gaps_and_no_jumps(tmp_path):
    """A stall of 50 ms shows in the arrivals alone."""
    late = [(t + (0.05 if i >= 30 else 0), a, b, data) for i, (t, a, b, data) in enumerate(talk(60))]
    stream = only_stream(tmp_path, late)
    [gap] = stream.gaps()
    assert gap.index == 30
    assert gap.length_s == stream.max_gap_s == pytest.approx(0.07, abs=1e-3)
    assert wire.wire_is_clean(stream) == []


def test_other_frames_and_codecs_are_told(tmp_path):
    """30 ms frames are clean when 30 ms are wanted; PCMA never is."""
    assert wire.wire_is_clean(only_stream(tmp_path, talk(20, size=240, step=240)), ptime_ms=30) == []
    assert "octets" in wire.wire_is_clean(only_stream(tmp_path, talk(20, size=240, step=240)))[0]
    assert "payload type 8" in wire.wire_is_clean(only_stream(tmp_path, talk(20, kind=8)))[0]


def test_a_second_ssrc_is_told(tmp_path):
    """A sender that starts over is two streams on one flow."""
    streams = wire.read_streams(write(tmp_path / "a.pcap", talk(20) + talk(20, ssrc=8) + talk(20, B, A)))
    assert wire.one_ssrc_each(streams) == ["127.0.0.1:10000 -> 127.0.0.1:20000 carried 2 SSRCs"]
