"""Streams: what is one, and the figures of those that are."""

from __future__ import annotations

import random
import struct
from itertools import pairwise

import pytest
from wire_makers import SOUND, T0, datagram, healthy, one_stream, rtp, sdp, sip

from harness.wire.collect import collect, streams
from harness.wire.figures import Delta, Jitter
from harness.wire.rtp import parse_rtp
from harness.wire.sip import Codec
from harness.wire.streams import Flow, SsrcChange, Stream, ssrc_changes


def of_seqs(*seqs: int) -> Stream:
    """Return a stream of packets with these numbers, 20 ms apart, timestamps to match."""
    return one_stream((20.0 * i, rtp(seq, 160 * seq)) for i, seq in enumerate(seqs))


def test_a_healthy_stream() -> None:
    """Nothing lost, nothing late, no jitter; 20 ms between any two."""
    stream = one_stream(healthy(50))
    assert stream.flow == Flow("10.0.0.1", 4000, "10.0.0.2", 5000)
    assert str(stream) == "10.0.0.1:4000 -> 10.0.0.2:5000 ssrc 0x0000abcd"
    assert (stream.packets, stream.expected, stream.lost, stream.missing) == (50, 50, 0, 0)
    assert (stream.duplicates, stream.reordered, stream.late, stream.restarts) == (0, 0, 0, 0)
    assert stream.delta == Delta(min_ms=20, mean_ms=20, max_ms=20)
    assert stream.jitter == Jitter(mean_ms=0, p95_ms=0, max_ms=0)
    assert (stream.max_gap_ms, stream.max_gap_arrival_ms, stream.max_gap_timestamp_ms) == (20, 20, 20)
    assert stream.gaps() == ()
    assert (stream.payload_types, stream.codec, stream.ptime_ms) == ({0: 50}, Codec("PCMU", 8000), 20)
    assert (stream.markers, stream.wraps) == (0, False)
    assert stream.duration_s == pytest.approx(0.98)


def test_its_packets_can_be_read_again() -> None:
    """In the order in which they came, with their payload where it was kept."""
    packets = [(0.0, rtp(9, 0, marker=True, payload=b"a")), *healthy(5, seq=10, stamp=160)]
    wanted = [parse_rtp(T0 + ms / 1000, data) for ms, data in packets]
    assert list(one_stream(packets)) == wanted
    (bare,) = streams([datagram(ms / 1000, data) for ms, data in packets], keep_payloads=False)
    assert list(bare) == [packet._replace(payload=b"") for packet in wanted if packet]
    assert bare.columns.sizes.tolist() == [1, 160, 160, 160, 160, 160]


def test_a_part_of_it_is_a_stream_too() -> None:
    """To judge only what came while the call was up."""
    stream = one_stream(healthy(50))
    part = stream.between(T0 + 0.2, T0 + 0.4)
    assert part is not None
    assert (part.packets, len(part.payloads), part.ssrc) == (11, 11, stream.ssrc)
    assert stream.between(T0 + 5, T0 + 6) is None


@pytest.mark.parametrize(
    ("seqs", "expected", "lost", "missing", "duplicates", "reordered"),
    [
        pytest.param((1, 2, 3, 4, 5), 5, 0, 0, 0, 0, id="all there"),
        pytest.param((1, 2, 3, 5, 6), 6, 1, 1, 0, 0, id="one lost"),
        pytest.param((1, 2, 6, 7, 8), 8, 3, 3, 0, 0, id="three lost"),
        pytest.param((1, 2, 2, 3, 4), 4, -1, 0, 1, 0, id="one twice"),
        pytest.param((1, 2, 2, 3, 4, 6), 6, 0, 1, 1, 0, id="a copy hides a loss from tshark"),
        pytest.param((1, 2, 4, 3, 5), 5, 0, 0, 0, 1, id="overtaken"),
        pytest.param((1, 2, 5, 3, 4, 6), 6, 0, 0, 0, 2, id="two overtaken"),
        pytest.param((1, 2, 3, 1, 4), 4, -1, 0, 1, 0, id="an old copy"),
        pytest.param((65534, 65535, 0, 1), 4, 0, 0, 0, 0, id="wrapped"),
        pytest.param((65534, 65535, 1, 2, 3), 6, 1, 1, 0, 0, id="lost at the wrap"),
        pytest.param((65534, 0, 65535, 1, 2), 5, 0, 0, 0, 1, id="overtaken at the wrap"),
        pytest.param((0, 1, 2, 3), 4, 0, 0, 0, 0, id="from zero"),
    ],
)
def test_what_was_lost_doubled_and_overtaken(
    seqs: tuple[int, ...], expected: int, lost: int, missing: int, duplicates: int, reordered: int
) -> None:
    """Each counted by itself; `lost` as tshark has it."""
    stamps = [160 * (seq + (65536 if seq < 1000 < seqs[0] else 0)) for seq in seqs]
    stream = one_stream((20.0 * i, rtp(seq, stamp)) for i, (seq, stamp) in enumerate(zip(seqs, stamps, strict=True)))
    assert (stream.expected, stream.lost, stream.missing) == (expected, lost, missing)
    assert (stream.duplicates, stream.reordered) == (duplicates, reordered)
    assert stream.wraps == (seqs[0] > 65000)


@pytest.mark.parametrize("start", [0, 1, 40000, 65535])
def test_more_than_one_round_of_numbers(start: int) -> None:
    """A call of an hour goes round nearly three times."""
    stream = one_stream(healthy(150_000, seq=start, payload=b"", stamp=0xFFFF0000))
    assert (stream.expected, stream.lost, stream.duplicates, stream.missing) == (150_000, 0, 0, 0)
    assert stream.max_gap_ms == 20
    assert stream.wraps


def test_a_restarted_sender_loses_nothing() -> None:
    """Its numbers jump, and go on from there."""
    packets = healthy(50, seq=40000) + [(1000 + ms, data) for ms, data in healthy(50, seq=100, stamp=9000)]
    stream = one_stream(packets)
    assert (stream.restarts, stream.missing, stream.duplicates, stream.reordered) == (1, 0, 0, 0)
    assert stream.max_gap_ms == 20


def test_jitter_is_rfc_3550s() -> None:
    """Against the formula written down as it stands there, a packet at a time."""
    noise = random.Random(3)
    times = [20 * i + noise.random() * 8 for i in range(300)]
    stream = one_stream((ms, rtp(i, 160 * i)) for i, ms in enumerate(times))
    jitter, seen = 0.0, []
    for before, after in pairwise(times):
        jitter += (abs(after - before - 20) - jitter) / 16
        seen.append(jitter)
    assert stream.jitter.mean_ms == pytest.approx(sum(seen) / len(seen), abs=1e-3)
    assert stream.jitter.max_ms == pytest.approx(max(seen), abs=1e-3)
    assert stream.jitter.p95_ms == pytest.approx(sorted(seen)[round(0.95 * (len(seen) - 1))], abs=0.01)
    assert stream.delta.max_ms == pytest.approx(max(b - a for a, b in pairwise(times)), abs=1e-3)


def test_jitter_counts_overtaken_packets_as_they_came() -> None:
    """As RFC 3550 appendix A.8 does: whatever comes is compared with what came last."""
    seqs = [0, 1, 2, 4, 3, 5, 6, 8, 7, 9]
    jitter, highest = 0.0, 0.0
    for before, after in pairwise(seqs):
        jitter += (abs(20 - 20 * (after - before)) - jitter) / 16
        highest = max(highest, jitter)
    assert of_seqs(*seqs).jitter.max_ms == pytest.approx(highest)
    assert of_seqs(*seqs).delta == Delta(min_ms=20, mean_ms=20, max_ms=20)


@pytest.mark.parametrize(
    ("kind", "name", "step", "ms"), [(0, "PCMU", 240, 30), (9, "G722", 160, 20), (8, "PCMA", 80, 10)]
)
def test_clock_codec_and_ptime_of_a_static_payload_type(kind: int, name: str, step: int, ms: int) -> None:
    """No SDP needed; G.722 is 16 kHz sound on an 8 kHz clock."""
    stream = one_stream((ms * i, rtp(i, step * i, kind=kind)) for i in range(20))
    assert stream.codec == Codec(name, 8000)
    assert stream.ptime_ms == ms
    assert stream.jitter.max_ms == 0


def test_without_a_clock_there_is_no_jitter() -> None:
    """Arrival is all there is to judge."""
    stream = one_stream(healthy(20, kind=97))
    assert (stream.codec, stream.clock_hz, stream.ptime_ms) == (None, None, None)
    assert stream.jitter == Jitter()
    assert (stream.max_gap_timestamp_ms, stream.max_gap_arrival_ms) == (0, 20)


def test_an_sdp_gives_a_clock() -> None:
    """The receiver's, whose numbers the sender uses."""
    body = sdp("10.0.0.2", 5000, kinds="97", more="a=rtpmap:97 opus/48000/2")
    answer = datagram(0, sip("SIP/2.0 200 OK", body=body), sport=5060, dport=5060)
    (stream,) = streams([answer, *(datagram(i / 50, rtp(i, 960 * i, kind=97)) for i in range(20))])
    assert (stream.codec, stream.ptime_ms, stream.jitter) == (Codec("opus", 48000), 20, Jitter())


def test_late_packets_are_counted() -> None:
    """Those over 40 ms after they were due, even if nothing is lost."""
    packets = healthy(1000, seq=0)
    for i, delay_ms in ((300, 100), (301, 80), (302, 60), (303, 40), (700, 41)):
        packets[i] = (packets[i][0] + delay_ms, packets[i][1])
    stream = one_stream(sorted(packets))
    assert stream.late == 4
    drifting = one_stream((20.002 * i, rtp(i, 160 * i)) for i in range(20000))
    assert drifting.late == 0  # 100 ppm off is 40 ms after 400 s


def test_a_stall_shows_in_arrival_alone() -> None:
    """Nothing lost, nothing silent."""
    packets = [(ms + (70 if ms >= 500 else 0), data) for ms, data in healthy(50)]
    stream = one_stream(packets)
    assert (stream.max_gap_timestamp_ms, stream.max_gap_arrival_ms, stream.max_gap_ms) == (20, 90, 90)


# What is a stream, and what is not


def test_each_ssrc_and_each_direction_is_a_stream_of_its_own() -> None:
    """A change of SSRC is told, and is no gap."""
    first = [datagram(ms / 1000, data) for ms, data in healthy(20, ssrc=1)]
    then = [datagram(5 + ms / 1000, data) for ms, data in healthy(20, ssrc=2)]
    back = [datagram(ms / 1000, data, src="10.0.0.2", dst="10.0.0.1") for ms, data in healthy(20, ssrc=1)]
    found = streams([*first, *back, *then])
    assert [(stream.ssrc, stream.flow.src, stream.max_gap_ms) for stream in found] == [
        (1, "10.0.0.1", 20), (1, "10.0.0.2", 20), (2, "10.0.0.1", 20),
    ]  # fmt: skip
    assert ssrc_changes(found) == (SsrcChange(T0 + 5, found[0].flow, 1, 2),)
    beside = [datagram(ms / 1000 + 0.5, data) for ms, data in healthy(100, ssrc=3)]
    assert ssrc_changes(streams([*beside, *(datagram(ms / 1000, data) for ms, data in healthy(100, ssrc=1))])) == ()


def test_rtcp_and_stun_between_the_packets_are_not_part_of_it() -> None:
    """Even on the same port."""
    report = struct.pack("!BBHI", 0x80, 200, 6, 0xABCD) + bytes(20)
    stun = struct.pack("!HHI12s", 1, 0, 0x2112A442, bytes(12))
    packets = healthy(20)
    for extra in (report, stun):
        packets.insert(10, (190.0, extra))
    stream = one_stream(packets)
    assert (stream.packets, stream.max_gap_ms, stream.lost) == (20, 20, 0)


def test_noise_that_looks_like_rtp_is_no_stream() -> None:
    """Random octets with version 2, also with the same SSRC every time; DNS whose numbers stand still."""
    noise = random.Random(4)
    data = [b"\x80" + noise.randbytes(60) for _ in range(300)]
    same = [b"\x80\x00" + noise.randbytes(6) + b"abcd" + noise.randbytes(40) for _ in range(300)]
    dns = [bytes([0x80, i]) + b"\x01\x00" + bytes([0, 1, 0, 0, 0, 0, 0, 0]) + b"\x03www" for i in range(60)]
    assert streams(datagram(i / 50, packet) for i, packet in enumerate(data)) == ()
    assert streams(datagram(i / 50, packet) for i, packet in enumerate(same)) == ()
    assert streams(datagram(i / 50, packet) for i, packet in enumerate(dns)) == ()


def test_three_packets_are_no_evidence_but_an_sdp_is() -> None:
    """A call that broke after its first packets had them all the same."""
    few = [datagram(1 + ms / 1000, data) for ms, data in healthy(3)]
    assert streams(few) == ()
    answer = datagram(0, sip("SIP/2.0 200 OK", body=sdp("10.0.0.2", 5000)), sport=5060, dport=5060)
    assert [stream.packets for stream in streams([answer, *few])] == [3]
    assert [stream.packets for stream in streams([answer, few[0]])] == [1]
    (single,) = streams([answer, few[0]])
    assert (single.max_gap_ms, single.jitter, single.delta, single.lost, single.late) == (0, Jitter(), Delta(), 0, 0)
    assert (single.worst_gap, single.ptime_ms, single.gaps()) == (None, None, ())


def test_what_an_sdp_says_is_t38_is_not_rtp() -> None:
    """From then on, as tshark has it; how much it was stands beside it."""
    audio = sdp("10.0.0.2", 5000)
    fax = audio.replace("audio 5000 RTP/AVP 0 101", "image 5000 udptl t38")
    packets = [datagram(ms / 1000, data) for ms, data in healthy(100)]
    offer = datagram(0, sip("INVITE sip:a@b SIP/2.0", body=audio), sport=5060, dport=5060)
    switch = datagram(1.01, sip("INVITE sip:a@b SIP/2.0", body=fax), sport=5060, dport=5060)
    (stream,) = streams(sorted([offer, *packets, switch], key=lambda found: found.time_s))
    assert (stream.packets, stream.taken_for_t38, len(stream.payloads)) == (51, 49, 51)


def test_sdp_in_other_signalling_is_heard_too() -> None:
    """MEGACO puts several descriptions into braces."""
    description = "v=0\nc=IN IP4 10.0.0.2\nm=audio 5000 RTP/AVP 98\na=rtpmap:98 x/8000\n"
    text = f"MEGACO/1 [1.2.3.4]:2944 T=1{{C=1{{M{{L{{\n{description}}}}}}}}}"
    few = [datagram(1 + ms / 1000, data) for ms, data in healthy(2, kind=98)]
    (stream,) = streams([datagram(0, text.encode(), sport=2944, dport=2944), *few])
    assert stream.codec == Codec("x", 8000)


def test_a_mirrored_capture_is_still_a_stream() -> None:
    """Every packet twice: tshark's loss is negative, and no gap is made or hidden."""
    stream = one_stream([packet for packet in healthy(30) for _ in range(2)])
    assert (stream.packets, stream.expected, stream.lost, stream.duplicates) == (60, 30, -30, 30)
    assert (stream.max_gap_ms, stream.reordered, stream.missing) == (20, 0, 0)


def test_wire_holds_the_sip_too() -> None:
    """In the order in which it came."""
    wire = collect([datagram(0, sip("OPTIONS sip:a@b SIP/2.0", cseq="2 OPTIONS")), datagram(1, b"hello")])
    assert [sighting.message.method for sighting in wire.sip] == ["OPTIONS"]
    assert wire.streams == ()


def test_payload_of_a_stream_is_what_was_sent() -> None:
    """Without anything around it, in the order in which it came."""
    stream = one_stream(healthy(5, extension=b"1234", padding=4))
    assert b"".join(stream.payloads) == SOUND * 5
