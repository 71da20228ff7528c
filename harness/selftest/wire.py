"""Faults on the wire: a stream as a healthy sender's, and what a network or a bad sender makes of it."""

from __future__ import annotations

import struct
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace

import numpy as np

from harness.expect import Expectations
from harness.judging.wire import Circumstances, check_stream
from harness.selftest.fault import Fault, Finding, examine
from harness.verdict import Check
from harness.wire.collect import streams
from harness.wire.frames import Datagram

PACKETS, FRAME_S, TICKS = 1500, 0.02, 160
BEGAN_S = 1_000_000_000.0
JITTER_S = 0.0003


@dataclass(frozen=True, slots=True)
class Packet:
    """One packet as it came."""

    time_s: float
    seq: int
    timestamp: int
    payload_type: int = 0


Stream = list[Packet]


def findings(seed: int) -> Iterator[Finding]:
    """Yield what the checks say of each fault, made at a place that the seed chooses."""
    random = np.random.default_rng(seed)
    clean = _clean(random)
    for make in FAULTS:
        at = int(random.integers(100, PACKETS - 100))
        fault, packets = make(clean, at)
        yield examine(fault, seed, _checks(packets))


def _checks(packets: Stream) -> list[Check]:
    datagrams = [
        Datagram(packet.time_s, "192.0.2.1", 4000, "192.0.2.2", 5000, "udp", _octets(packet))
        for packet in sorted(packets, key=lambda packet: packet.time_s)
    ]
    (stream,) = streams(datagrams, keep_payloads=False)
    known = Circumstances(file="capture.pcap", answered_at_s=BEGAN_S)
    return list(check_stream("wire", stream, Expectations(), known))


def _octets(packet: Packet) -> bytes:
    head = struct.pack("!BBHII", 0x80, packet.payload_type, packet.seq & 0xFFFF, packet.timestamp & 0xFFFFFFFF, 7)
    return head + bytes(TICKS)


def _clean(random: np.random.Generator) -> Stream:
    """Return a stream whose numbers wrap on the way, with a little jitter."""
    seq, timestamp = int(random.integers(0xF000, 0x10000)), int(random.integers(0, 1 << 32))
    late_s = random.exponential(JITTER_S, PACKETS)
    return [
        Packet(BEGAN_S + FRAME_S * n + float(late_s[n]), seq + n, timestamp + TICKS * n) for n in range(PACKETS)
    ]


def _none(packets: Stream, at: int) -> tuple[Fault, Stream]:
    return Fault(name="none", injected="a clean stream whose numbers wrap"), packets


def _lost(count: int) -> Callable[[Stream, int], tuple[Fault, Stream]]:
    def make(packets: Stream, at: int) -> tuple[Fault, Stream]:
        distance_ms = 1000 * FRAME_S * (count + 1)
        fault = Fault(
            name=f"lost {count}",
            injected=f"{count} packets in a row from {FRAME_S * at:.2f} s on",
            fails=("lost", "gap") if distance_ms > 40 else ("lost",),
            size=distance_ms if distance_ms > 40 else count,
            size_error=0.001,
            at_s=FRAME_S * (at - 1),
        )
        before, after = (replace(packets[n], time_s=BEGAN_S + FRAME_S * n) for n in (at - 1, at + count))
        return fault, [*packets[: at - 1], before, after, *packets[at + count + 1 :]]

    return make


def _stalled(distance_ms: float) -> Callable[[Stream, int], tuple[Fault, Stream]]:
    """Let all packets of a stretch come at its end, as from a sender that stood still."""

    def make(packets: Stream, at: int) -> tuple[Fault, Stream]:
        back_s = packets[at - 1].time_s + distance_ms / 1000
        late = [replace(packet, time_s=max(packet.time_s, back_s + 1e-6 * n)) for n, packet in enumerate(packets[at:])]
        fault = Fault(
            name=f"stall {distance_ms:g} ms",
            injected=f"nothing came for {distance_ms:g} ms after {FRAME_S * (at - 1):.2f} s",
            fails=("gap",),
            size=distance_ms,
            size_error=0.01,
            at_s=FRAME_S * (at - 1),
        )
        return fault, packets[:at] + late

    return make


def _duplicate(packets: Stream, at: int) -> tuple[Fault, Stream]:
    copy = replace(packets[at], time_s=packets[at].time_s + 0.001)
    return Fault(name="duplicate", injected="one packet twice: no fault of the audio"), [*packets, copy]


def _reordered(packets: Stream, at: int) -> tuple[Fault, Stream]:
    one, other = packets[at], packets[at + 1]
    swapped = [replace(one, time_s=other.time_s), replace(other, time_s=one.time_s)]
    return Fault(name="reorder", injected="two packets swapped: no gap"), packets[:at] + swapped + packets[at + 2 :]


def _other_codec(packets: Stream, at: int) -> tuple[Fault, Stream]:
    fault = Fault(name="other codec", injected="PCMA where PCMU was agreed", fails=("codec",))
    return fault, [replace(packet, payload_type=8) for packet in packets]


FAULTS = (
    _none, *map(_lost, (1, 2, 3, 5, 20)), *map(_stalled, (41.0, 80.0)), _duplicate, _reordered, _other_codec,
)  # fmt: skip
