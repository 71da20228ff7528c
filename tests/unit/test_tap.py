"""The tap on a leg's RTP: which packets it gets, and what it makes of them."""

from __future__ import annotations

import random
import struct

import bpf
import pytest

from b2b.roles.tap import Tap, udp_port_filter
from b2b.sniffer import encode

PORT = 5004
UDP, TCP = 17, 6
MORE_FRAGMENTS, DONT_FRAGMENT = 0x2000, 0x4000


def ip(
    *, port: int = PORT, source_port: int = 7000, protocol: int = UDP, options: bytes = b"", fragment: int = 0
) -> bytes:
    """Return an IPv4 packet from its header on."""
    words = 5 + len(options) // 4
    addresses = bytes([127, 0, 0, 1]) * 2
    header = struct.pack("!BBHHHBBH", 0x40 | words, 0, words * 4 + 20, 1, fragment, 64, protocol, 0)
    return header + addresses + options + struct.pack("!HHHH", source_port, port, 20, 0) + bytes(12)


@pytest.mark.parametrize(
    ("packet", "passes"),
    [
        (ip(), True),
        (ip(options=bytes(4)), True),
        (ip(options=bytes(40)), True),
        (ip(fragment=DONT_FRAGMENT), True),
        (ip(fragment=MORE_FRAGMENTS), True),  # the first fragment has the ports
        (ip(fragment=MORE_FRAGMENTS | 185), False),
        (ip(fragment=1), False),
        (ip(port=PORT + 1), False),  # RTCP
        (ip(port=7000, source_port=PORT), False),  # what we send ourselves
        (ip(protocol=TCP), False),
        (ip(protocol=1), False),
        (ip()[:20], False),
        (b"", False),
    ],
)
def test_only_udp_to_the_port_gets_through(packet: bytes, passes: bool) -> None:
    """The ports are looked for where the IP header ends."""
    assert bool(bpf.run(encode(udp_port_filter(PORT)), packet, order="big")) is passes


@pytest.mark.parametrize("port", [1, 255, 256, 16384, 65535])
def test_a_packet_is_passed_whole(port: int) -> None:
    """Whatever the port is, and no other port is taken for it."""
    program = encode(udp_port_filter(port))
    assert bpf.run(program, ip(port=port), order="big") >= 0xFFFF
    assert bpf.run(program, ip(port=port ^ 1), order="big") == 0
    assert bpf.run(program, ip(port=port ^ 0x100), order="big") == 0


def rtp(
    seq: int, timestamp: int, *, payload_type: int = 0, version: int = 2, marker: int = 0, ssrc: int = 0xEDEB2ABA
) -> bytes:
    """Return an RTP packet of 20 ms."""
    head = struct.pack("!BBHII", version << 6, marker << 7 | payload_type, seq & 0xFFFF, timestamp & 0xFFFFFFFF, ssrc)
    return head + b"\xff" * 160


def seen(*packets: bytes, arrivals: list[float] | None = None) -> Tap:
    """Return a tap that has seen these packets, 20 ms apart unless it is said when."""
    tap = Tap(PORT)
    for place, packet in enumerate(packets):
        tap._take(packet, arrivals[place] if arrivals else 1e9 + 0.02 * place)
    return tap


def by_seq(*seqs: int) -> Tap:
    """Return a tap that has seen packets with these sequence numbers."""
    return seen(*(rtp(seq, 160 * seq) for seq in seqs))


def test_another_stream_counts_for_itself() -> None:
    """A new SSRC begins where it likes: that is neither loss nor jitter; what each has lost adds up."""
    first = [rtp(seq, 160 * seq) for seq in (10, 11, 13)]
    second = [rtp(seq, 777 + 160 * seq, ssrc=1) for seq in (30000, 30001, 30004)]
    tap = seen(*first, *second)
    assert (tap.packets, tap.lost) == (6, 3)
    assert seen(*first[:2], *second[:2]).jitter_s == pytest.approx(0, abs=1e-6)


@pytest.mark.parametrize(
    ("late_ms", "jitters_ms"),
    [
        ([0, 0, 0, 0], [0, 0, 0, 0]),
        ([0, 16, 16, 16], [0, 1, 0.9375, 0.87890625]),
        ([0, 16, 0, 0], [0, 1, 1.9375, 1.81640625]),
        ([0, 32, 0, 16], [0, 2, 3.875, 4.6328125]),
        ([5, 5, 21], [0, 0, 1]),
        ([0, -16], [0, 1]),  # early counts like late
    ],
)
def test_jitter_is_that_of_rfc_3550(late_ms: list[float], jitters_ms: list[float]) -> None:
    """A sixteenth of each change of delay, worked out by hand after section 6.4.1: J += (|D| - J) / 16."""
    tap, found = Tap(PORT), []
    for place, late in enumerate(late_ms):
        tap._take(rtp(place, 160 * place), 1000 + 0.02 * place + late / 1000)
        found.append(tap.jitter_s * 1000)
    assert found == pytest.approx(jitters_ms, abs=1e-6)


@pytest.mark.parametrize("seed", range(5))
def test_jitter_follows_the_formula_on_any_arrivals(seed: int) -> None:
    """Written with timestamps in samples, as the standard has it; lost and reordered packets among them."""
    chance = random.Random(seed)
    seqs = [seq for seq in range(200) if chance.random() > 0.1]
    chance.shuffle(pair := seqs[50:52])
    seqs[50:52] = pair
    arrivals = [5000 + 0.02 * place + chance.uniform(0, 0.03) for place in range(len(seqs))]
    jitter, before = 0.0, None
    for seq, arrival in zip(seqs, arrivals, strict=True):
        if before:
            difference = (arrival - before[1]) * 8000 - (160 * seq - 160 * before[0])
            jitter += (abs(difference) - jitter) / 16
        before = seq, arrival
    tap = seen(*(rtp(seq, 160 * seq) for seq in seqs), arrivals=arrivals)
    assert tap.jitter_s * 8000 == pytest.approx(jitter, abs=1e-3)
    assert tap.jitter_s > 0.001


@pytest.mark.parametrize("wraps_after", [1, 2, 3])
def test_a_timestamp_that_wraps_is_no_jitter(wraps_after: int) -> None:
    """After 149 hours, or sooner, for it begins anywhere."""
    first = 2**32 - 160 * wraps_after
    assert seen(*(rtp(seq, first + 160 * seq) for seq in range(5))).jitter_s == pytest.approx(0, abs=1e-6)


def test_a_timestamp_that_is_set_anew_is_no_jitter() -> None:
    """As after a re-INVITE."""
    timestamps = [0, 160, 320, 3_000_000_000, 3_000_000_160]
    packets = (rtp(seq, timestamp) for seq, timestamp in enumerate(timestamps))
    assert seen(*packets).jitter_s == pytest.approx(0, abs=1e-6)


@pytest.mark.parametrize(
    ("seqs", "lost"),
    [
        ((), 0),
        ((7,), 0),
        ((1, 2, 3, 4), 0),
        ((1, 2, 4, 5), 1),
        ((1, 10), 8),
        ((1, 3, 2, 4), 0),  # late is not lost
        ((1, 2, 2, 3), 0),
        ((2, 1, 3), 0),
        ((65534, 65535, 0, 1), 0),
        ((65534, 1), 2),
        ((65535, 0, 65534, 1), 0),
        ((0, 65535, 1), 0),
        (tuple(range(65500, 65536)) + tuple(range(100)), 0),
    ],
)
def test_what_the_sequence_numbers_promise_and_did_not_come_is_lost(seqs: tuple[int, ...], lost: int) -> None:
    """Round the 16 bits too, and never less than none."""
    tap = by_seq(*seqs)
    assert (tap.packets, tap.lost) == (len(seqs), lost)


def test_sequence_numbers_may_wrap_again_and_again() -> None:
    """An hour of packets does."""
    tap = Tap(PORT)
    for seq in range(0, 200_000):
        if seq != 150_000:
            tap._take(rtp(seq, 160 * seq), 0.02 * seq)
    assert (tap.packets, tap.lost) == (199_999, 1)


@pytest.mark.parametrize(
    "packet",
    [
        b"",
        b"\r\n\r\n",
        rtp(2, 320)[:11],
        rtp(2, 320, version=1),
        rtp(2, 320, version=0),
        rtp(2, 320, payload_type=72, marker=1),  # RTCP's sender report, 200
        rtp(2, 320, payload_type=73, marker=1),
        rtp(2, 320, payload_type=64),
        rtp(2, 320, payload_type=95, marker=1),
    ],
)
def test_what_is_no_rtp_counts_nothing(packet: bytes) -> None:
    """It makes neither loss nor jitter."""
    tap = seen(rtp(1, 160), packet, rtp(2, 320), arrivals=[1.0, 1.5, 1.02])
    assert (tap.packets, tap.lost) == (2, 0)
    assert tap.jitter_s == pytest.approx(0, abs=1e-9)


def test_a_packet_without_sound_counts() -> None:
    """Its header is enough."""
    assert seen(rtp(1, 160), rtp(2, 320)[:12], rtp(3, 480)).lost == 0


@pytest.mark.parametrize(("payload_type", "marker"), [(0, 1), (8, 0), (13, 0), (63, 1), (96, 1), (127, 0)])
def test_other_kinds_of_rtp_count(payload_type: int, marker: int) -> None:
    """Comfort noise and telephone events have sequence numbers as well."""
    assert seen(rtp(1, 160), rtp(2, 320, payload_type=payload_type, marker=marker), rtp(3, 480)).packets == 3
