"""Faults on the wire: a stream as a healthy sender's, and what a network or a bad sender makes of it."""

from __future__ import annotations

import socket
import struct
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from harness.selftest.fault import Expected, Fault

PACKETS, FRAME_S, TICKS = 1500, 0.02, 160
BEGAN_S = 1_000_000_000.0
JITTER_S = 0.0003
LIMIT_MS = 40.0
PCMU, PCMA = 0, 8  # payload types, RFC 3551
NANOSECONDS, RAW_IP = 0xA1B23C4D, 101  # the kind of pcap file, and of what is in it
EDGE = 100  # packets at both ends of a stream that are left alone


@dataclass(frozen=True, slots=True)
class Packet:
    """One packet as it came."""

    time_s: float
    seq: int
    timestamp: int
    payload_type: int = PCMU
    payload: bytes = bytes([0xFF]) * TICKS
    ssrc: int = 7


Stream = list[Packet]
Make = Callable[[Stream, int], tuple[Fault, Stream]]
Flow = tuple[int, int]  # the ports, on one address, of sender and receiver


def clean(random: np.random.Generator) -> Stream:
    """Return a stream whose numbers and timestamps wrap, and whose packets come with a little jitter."""
    seq, timestamp = 0x10000 - int(random.integers(1, PACKETS)), 0x100000000 - int(random.integers(1, PACKETS)) * TICKS
    jitter = random.uniform(0, JITTER_S, PACKETS)
    return [
        Packet(BEGAN_S + FRAME_S * n + float(jitter[n]), (seq + n) & 0xFFFF, (timestamp + TICKS * n) & 0xFFFFFFFF)
        for n in range(PACKETS)
    ]


def at_random(random: np.random.Generator) -> int:
    """Return the number of a packet to do something to."""
    return int(random.integers(EDGE, PACKETS - EDGE))


def write_pcap(path: Path, flows: Mapping[Flow, Stream], others: Iterable[tuple[float, Flow, bytes]] = ()) -> None:
    """Write streams as a capture has them, in order of arrival; `others` are datagrams of another kind."""
    sent = [(packet.time_s, flow, _octets(packet)) for flow, stream in flows.items() for packet in stream]
    with path.open("wb") as file:
        file.write(struct.pack("=IHHiIII", NANOSECONDS, 2, 4, 0, 0, 65535, RAW_IP))
        for time_s, (sport, dport), payload in sorted([*sent, *others], key=lambda one: one[0]):
            packet = _datagram(sport, dport, payload)
            seconds = int(time_s)
            head = struct.pack("=IIII", seconds, round((time_s - seconds) * 1e9) % 10**9, len(packet), len(packet))
            file.write(head + packet)


def _octets(packet: Packet) -> bytes:
    head = struct.pack("!BBHII", 0x80, packet.payload_type, packet.seq, packet.timestamp, packet.ssrc)
    return head + packet.payload


def _datagram(sport: int, dport: int, payload: bytes) -> bytes:
    address = socket.inet_aton("127.0.0.1")
    length = 8 + len(payload)
    udp = struct.pack("!HHHH", sport, dport, length, 0)
    return struct.pack("!BBHHHBBH", 0x45, 0, 20 + length, 0, 0, 64, 17, 0) + address + address + udp + payload


def _clean(packets: Stream, at: int) -> tuple[Fault, Stream]:
    return Fault(name="clean stream", what="30 s whose numbers wrap"), packets


def _lost(count: int) -> Make:
    """Leave packets out. Both neighbours come without jitter, so that their distance is known exactly."""

    def make(packets: Stream, at: int) -> tuple[Fault, Stream]:
        at_s, distance_ms = FRAME_S * (at - 1), 1000 * FRAME_S * (count + 1)
        expects = [Expected(check="lost", size=count, at_s=at_s)]
        if distance_ms > LIMIT_MS:
            expects.append(Expected(check="gap", size=distance_ms, size_error=0.001, at_s=at_s, says="lost"))
        what = f"{count} packet{'s' if count > 1 else ''} missing"
        before, after = (replace(packets[n], time_s=BEGAN_S + FRAME_S * n) for n in (at - 1, at + count))
        left = [*packets[: at - 1], before, after, *packets[at + count + 1 :]]
        return Fault(name=f"lost {count}", what=what, at_s=at_s, expects=expects), left

    return make


def _stalled(distance_ms: float) -> Make:
    """Let all packets of a stretch come at its end, as from a sender that stood still."""

    def make(packets: Stream, at: int) -> tuple[Fault, Stream]:
        at_s = FRAME_S * (at - 1)
        back_s = packets[at - 1].time_s + distance_ms / 1000
        late = [replace(packet, time_s=max(packet.time_s, back_s + 1e-6 * n)) for n, packet in enumerate(packets[at:])]
        fault = Fault(
            name=f"stall {distance_ms:g} ms",
            what=f"nothing for {distance_ms:g} ms",
            at_s=at_s,
            expects=[Expected(check="gap", size=distance_ms, size_error=0.01, at_s=at_s, says="late")],
        )
        return fault, packets[:at] + late

    return make


def _duplicate(packets: Stream, at: int) -> tuple[Fault, Stream]:
    at_s = FRAME_S * at + 0.001
    expects = [Expected(check="duplicates", size=1, at_s=at_s)]
    copy = replace(packets[at], time_s=packets[at].time_s + 0.001)
    return Fault(name="duplicate", what="one packet twice", at_s=at_s, expects=expects), [*packets, copy]


def _reordered(packets: Stream, at: int) -> tuple[Fault, Stream]:
    at_s = FRAME_S * (at + 1)
    one, other = packets[at], packets[at + 1]
    swapped = [replace(one, time_s=other.time_s), replace(other, time_s=one.time_s)]
    expects = [Expected(check="reordered", size=1, at_s=at_s)]
    fault = Fault(name="reorder", what="a packet behind the next one", at_s=at_s, expects=expects)
    return fault, packets[:at] + swapped + packets[at + 2 :]


def _other_codec(packets: Stream, at: int) -> tuple[Fault, Stream]:
    expects = [Expected(check="codec", says="PCMA")]
    fault = Fault(name="other codec", what="PCMA where PCMU was agreed", expects=expects)
    return fault, [replace(packet, payload_type=PCMA) for packet in packets]


FAULTS: Mapping[str, Make] = {
    "clean stream": _clean,
    **{f"lost {count}": _lost(count) for count in (1, 2, 3, 5, 20)},
    **{f"stall {distance_ms} ms": _stalled(distance_ms) for distance_ms in (41, 80)},
    "duplicate": _duplicate,
    "reorder": _reordered,
    "other codec": _other_codec,
}
