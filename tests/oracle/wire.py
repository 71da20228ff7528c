"""Reads what crossed the wire: the RTP streams of a capture of the loopback, and what is wrong with them.

A stream is one SSRC between two addresses and ports. Its neighbours are compared as they came, so a packet that was
lost, sent twice or overtaken shows as a jump of its sequence number.
"""

from __future__ import annotations

import itertools
import struct
from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import dpkt

RATE = 8000  # RTP clock of PCMU and PCMA, in Hz; one octet is one sample
RTCP_TYPES = range(64, 96)  # what RTCP packet types 192 to 223 look like as payload types (RFC 5761, section 4)
FEWEST = 4  # packets: fewer are no stream but something that happens to look like RTP
IN_ORDER = 0.5  # of the neighbours at least must have consecutive numbers


@dataclass(frozen=True, slots=True, kw_only=True)
class Packet:
    """One RTP packet; times are seconds of the capture's clock."""

    time_s: float
    seq: int
    timestamp: int
    payload_type: int
    marker: bool
    ssrc: int
    payload: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class Jump:
    """Neighbours that do not follow each other: `by` is what a counter moved beyond what was due."""

    index: int  # of the later packet within the stream
    time_s: float
    by: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Gap:
    """Neighbours that arrived far apart."""

    index: int
    time_s: float  # of the earlier one
    length_s: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Stream:
    """The packets of one SSRC from one address and port to another, as they arrived."""

    src: tuple[str, int]
    dst: tuple[str, int]
    ssrc: int
    packets: tuple[Packet, ...]

    def __str__(self) -> str:
        """Where it goes, as complaints name it."""
        (src, sport), (dst, dport) = self.src, self.dst
        return f"{src}:{sport} -> {dst}:{dport} ssrc {self.ssrc:#010x}"

    @property
    def duration_s(self) -> float:
        """From the first arrival to the last."""
        return self.packets[-1].time_s - self.packets[0].time_s

    @property
    def payload_types(self) -> Counter[int]:
        """How many packets there are of each type."""
        return Counter(packet.payload_type for packet in self.packets)

    @property
    def payload_sizes(self) -> Counter[int]:
        """How many packets there are of each size, in octets without header, extension and padding."""
        return Counter(len(packet.payload) for packet in self.packets)

    @property
    def payload(self) -> bytes:
        """All octets in a row: for PCMU, the sound that was sent."""
        return b"".join(packet.payload for packet in self.packets)

    @property
    def sequence_jumps(self) -> tuple[Jump, ...]:
        """Neighbours whose numbers are not consecutive: by 1 for a lost packet, -1 for one that came twice."""
        return tuple(
            Jump(index=i, time_s=after.time_s, by=by)
            for i, (before, after) in enumerate(itertools.pairwise(self.packets), 1)
            if (by := _signed(after.seq - before.seq - 1, 16))
        )

    @property
    def timestamp_jumps(self) -> tuple[Jump, ...]:
        """Neighbours whose timestamps do not differ by the samples of the earlier one."""
        return tuple(
            Jump(index=i, time_s=after.time_s, by=by)
            for i, (before, after) in enumerate(itertools.pairwise(self.packets), 1)
            if (by := _signed(after.timestamp - before.timestamp - len(before.payload), 32))
        )

    @property
    def intervals_s(self) -> tuple[float, ...]:
        """Between each arrival and the next."""
        return tuple(after.time_s - before.time_s for before, after in itertools.pairwise(self.packets))

    @property
    def max_gap_s(self) -> float:
        """The longest time between two neighbours' arrivals; 20 ms is healthy."""
        return max(self.intervals_s, default=0.0)

    def gaps(self, longer_than_s: float = 0.040) -> tuple[Gap, ...]:
        """The neighbours that arrived further apart than that."""
        return tuple(
            Gap(index=i, time_s=self.packets[i - 1].time_s, length_s=length_s)
            for i, length_s in enumerate(self.intervals_s, 1)
            if length_s > longer_than_s
        )


def read_streams(pcap: Path | str) -> tuple[Stream, ...]:
    """Return the RTP streams of a capture in the order in which they began."""
    talks: dict[tuple[tuple[str, int], tuple[str, int], int], list[Packet]] = defaultdict(list)
    for time_s, src, dst, data in _datagrams(Path(pcap)):
        if packet := parse_rtp(time_s, data):
            talks[src, dst, packet.ssrc].append(packet)
    return tuple(
        Stream(src=src, dst=dst, ssrc=ssrc, packets=tuple(packets))
        for (src, dst, ssrc), packets in talks.items()
        if _is_stream(packets)
    )


def wire_is_clean(stream: Stream, ptime_ms: int = 20) -> list[str]:
    """Complain of anything but PCMU in frames of that length without a jump.

    When packets arrived is not judged here, because a busy machine delays them too: see `Stream.gaps`.
    """
    size = RATE * ptime_ms // 1000
    complaints = [
        f"{stream}: {count} packets of payload type {kind}, not 0"
        for kind, count in stream.payload_types.items()
        if kind != 0
    ]
    complaints += [
        f"{stream}: {count} packets of {octets} octets, not {size}"
        for octets, count in stream.payload_sizes.items()
        if octets != size
    ]
    for what, jumps in (("sequence number", stream.sequence_jumps), ("timestamp", stream.timestamp_jumps)):
        if jumps:
            places = ", ".join(f"{jump.by:+d} at packet {jump.index}" for jump in jumps[:3])
            complaints.append(f"{stream}: {len(jumps)} jumps of the {what}: {places}")
    return complaints


def one_ssrc_each(streams: Sequence[Stream]) -> list[str]:
    """Complain of each pair of addresses and ports that carried more than one SSRC."""
    flows = Counter((stream.src, stream.dst) for stream in streams)
    return [
        f"{src[0]}:{src[1]} -> {dst[0]}:{dst[1]} carried {count} SSRCs"
        for (src, dst), count in flows.items()
        if count > 1
    ]


def parse_rtp(time_s: float, data: bytes) -> Packet | None:
    """Return the RTP packet in a datagram, or None when it cannot be one (SIP, RTCP, anything else)."""
    if len(data) < 12 or data[0] >> 6 != 2 or data[1] & 0x7F in RTCP_TYPES:
        return None
    first, second, seq, timestamp, ssrc = struct.unpack_from("!BBHII", data)
    start = 12 + 4 * (first & 0x0F)
    if first & 0x10:  # header extension, RFC 3550 section 5.3.1
        if len(data) < start + 4:
            return None
        start += 4 + 4 * struct.unpack_from("!H", data, start + 2)[0]
    end = len(data) - (data[-1] if first & 0x20 else 0)
    if start > end:
        return None
    return Packet(
        time_s=time_s,
        seq=seq,
        timestamp=timestamp,
        payload_type=second & 0x7F,
        marker=bool(second & 0x80),
        ssrc=ssrc,
        payload=data[start:end],
    )


def _datagrams(pcap: Path) -> Iterator[tuple[float, tuple[str, int], tuple[str, int], bytes]]:
    """Yield time, source, destination and payload of each UDP datagram."""
    with pcap.open("rb") as file:
        reader = dpkt.pcap.Reader(file)
        if reader.datalink() != dpkt.pcap.DLT_EN10MB:
            raise ValueError(f"{pcap}: link type {reader.datalink()}, wanted Ethernet as the loopback has it")
        for time_s, frame in reader:
            network = dpkt.ethernet.Ethernet(frame).data
            if isinstance(network, dpkt.ip.IP | dpkt.ip6.IP6) and isinstance(network.data, dpkt.udp.UDP):
                udp = network.data
                src, dst = (dpkt.utils.inet_to_str(address) for address in (network.src, network.dst))
                yield float(time_s), (src, udp.sport), (dst, udp.dport), bytes(udp.data)


def _is_stream(packets: Sequence[Packet]) -> bool:
    in_order = sum((after.seq - before.seq) & 0xFFFF == 1 for before, after in itertools.pairwise(packets))
    return len(packets) >= FEWEST and in_order >= IN_ORDER * (len(packets) - 1)


def _signed(difference: int, bits: int) -> int:
    """A difference of two counters that wrap, as the shorter way round."""
    half = 1 << (bits - 1)
    return ((difference + half) & ((1 << bits) - 1)) - half
