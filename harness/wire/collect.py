"""Finds the RTP streams and the SIP among datagrams: what only looks like RTP has no evidence for it."""

from __future__ import annotations

from array import array
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from harness.wire.frames import Datagram
from harness.wire.order import Numbers, signed
from harness.wire.rtcp import Report, parse_rtcp
from harness.wire.rtp import RtpPacket, parse_rtp
from harness.wire.sip import STATIC, Address, Announced, Codec, Media, Sighting, SipListener, announced
from harness.wire.streams import UNSIGNED, Columns, Flow, Stream

# Evidence for RTP where no SDP names the address.
FEWEST = 4  # packets
NEAR = 16  # numbers that may be lost between neighbours which still follow each other
SHARE = 0.5  # of the neighbours have to: in a mirrored capture every other packet is a copy

DYNAMIC, SMALL = 96, 16  # payloads of so few octets under a type from there on may be events, and are always kept
Key = tuple[str, int, str, int, int]  # a flow and an SSRC


@dataclass(frozen=True, slots=True, kw_only=True)
class Wire:
    """What one capture holds: streams in the order in which they began, SIP and RTCP as they came."""

    streams: tuple[Stream, ...] = ()
    sip: tuple[Sighting, ...] = ()
    reports: tuple[Report, ...] = ()  # of RTCP


def collect(datagrams: Iterable[Datagram], *, keep_payloads: bool = True) -> Wire:
    """Find the RTP and the SIP among datagrams. Without payloads a packet takes 22 octets."""
    collector = Collector(keep_payloads=keep_payloads)
    for number, datagram in enumerate(datagrams):
        collector.take(number, datagram)
    return collector.wire()


def streams(datagrams: Iterable[Datagram], *, keep_payloads: bool = True) -> tuple[Stream, ...]:
    """Return the RTP streams among datagrams."""
    return collect(datagrams, keep_payloads=keep_payloads).streams


class Collector:
    """Takes datagrams, each with its number in the capture, and in the end knows the streams among them."""

    def __init__(self, *, keep_payloads: bool) -> None:
        self.keeps_payloads = keep_payloads
        self._growing: dict[Key, Growing] = {}
        self._listener = SipListener()
        self._sip: list[Sighting] = []
        self._reports: list[Report] = []
        self._said: list[tuple[float, Announced]] = []

    def take(self, number: int, datagram: Datagram) -> None:
        """Take one datagram of whatever kind."""
        time_s, src, sport, dst, dport, proto, payload, _ = datagram
        packet = parse_rtp(time_s, payload) if proto == "udp" else None
        if packet:
            keep = self.keeps_payloads or (packet.payload_type >= DYNAMIC and len(packet.payload) <= SMALL)
            self.stream((src, sport, dst, dport, packet.ssrc)).append(number, packet, keep)
            return
        if proto == "udp" and payload[:1] and payload[0] >> 6 == 2:
            self._reports += parse_rtcp(time_s, payload)
            return
        heard = list(self._listener.hear(datagram))
        self._sip += heard
        for text in [sighting.message.body for sighting in heard] or _other_signalling(payload):
            self._said += [(time_s, announcement) for announcement in announced(text)]

    def stream(self, key: Key) -> Growing:
        """Return what grows under a flow and SSRC."""
        return self._growing.setdefault(key, Growing())

    def wire(self) -> Wire:
        """Return what was found; nothing may be taken any more."""
        return Wire(streams=tuple(self._with_evidence()), sip=tuple(self._sip), reports=tuple(self._reports))

    def _with_evidence(self) -> Iterator[Stream]:
        named: dict[Address, list[Media]] = defaultdict(list)
        switches: dict[Address, list[tuple[float, bool]]] = defaultdict(list)  # when, and whether to T.38
        for time_s, (address, is_t38, media) in self._said:
            switches[address].append((time_s, is_t38))
            if media:
                named[address].append(media)
        alone = Counter(key[:4] for key in self._growing)
        for key, packets in sorted(self._growing.items(), key=lambda item: item[1].began):
            flow = Flow(*key[:4])
            # Whoever receives numbers the payload types (RFC 3264 section 5.1), so its SDP comes last and wins.
            agreed = [*named.get(Address(flow.src, flow.sport), ()), *named.get(Address(flow.dst, flow.dport), ())]
            columns, payloads = packets.finished()
            rtp = ~_is_t38(columns.times_s, switches.get(Address(flow.dst, flow.dport), ()))
            if t38 := len(rtp) - int(rtp.sum()):
                kept = np.flatnonzero(rtp)
                columns, payloads = columns.only(kept), [payloads[at] for at in kept.tolist()] if payloads else ()
            if _is_named(columns, agreed, alone=alone[key[:4]] == 1) or _is_consecutive(columns):
                yield Stream(
                    flow=flow, ssrc=key[4], columns=columns, payloads=payloads, codecs=_codecs(agreed),
                    taken_for_t38=t38,
                )  # fmt: skip


class Growing:
    """A stream while it is being read; packets may be taken in any order, their numbers tell in which they came."""

    __slots__ = ("markers", "numbers", "payload_types", "payloads", "seqs", "sizes", "times_s", "timestamps")

    def __init__(self) -> None:
        self.numbers, self.times_s = array("I"), array("d")
        self.seqs, self.timestamps = array("H"), array("I")
        self.payload_types, self.markers, self.sizes = array("B"), array("B"), array("H")
        self.payloads: dict[int, bytes] = {}

    @property
    def began(self) -> int:
        """The number of the first packet."""
        return min(self.numbers)

    def append(self, number: int, packet: RtpPacket, keep_payload: bool) -> None:
        """Take one packet."""
        time_s, seq, timestamp, payload_type, marker, _, payload = packet
        self.numbers.append(number)
        self.times_s.append(time_s)
        self.seqs.append(seq)
        self.timestamps.append(timestamp)
        self.payload_types.append(payload_type)
        self.markers.append(marker)
        self.sizes.append(len(payload))
        if keep_payload:
            self.payloads[number] = payload

    def extend(self, numbers: Numbers, columns: Columns) -> None:
        """Take many packets without their payloads."""
        for own, values in (
            (self.numbers, numbers), (self.times_s, columns.times_s), (self.seqs, columns.seqs),
            (self.timestamps, columns.timestamps), (self.payload_types, columns.payload_types),
            (self.markers, columns.markers), (self.sizes, columns.sizes),
        ):  # fmt: skip
            own.frombytes(np.ascontiguousarray(values, own.typecode).tobytes())

    def keep(self, numbers: Numbers, chunk: bytes, begin: Numbers, end: Numbers) -> None:
        """Keep the payloads of packets that were taken without: they lie in these places of a piece of the capture."""
        places = zip(begin.tolist(), end.tolist(), strict=True)
        self.payloads.update(zip(numbers.tolist(), (chunk[first:after] for first, after in places), strict=True))

    def finished(self) -> tuple[Columns, Sequence[bytes]]:
        """Return the packets as they came, and their payloads as far as they were kept."""
        numbers = np.array(self.numbers)
        columns = Columns(
            times_s=np.array(self.times_s),
            seqs=np.array(self.seqs),
            timestamps=np.array(self.timestamps),
            payload_types=np.array(self.payload_types),
            markers=np.array(self.markers, bool),
            sizes=np.array(self.sizes),
        )
        if (np.diff(numbers.astype(np.int64)) < 0).any():
            came = np.argsort(numbers, kind="stable")
            numbers, columns = numbers[came], columns.only(came)
        payloads = [self.payloads.get(number, b"") for number in numbers.tolist()] if self.payloads else ()
        return columns, payloads


def _codecs(agreed: Sequence[Media]) -> Mapping[int, Codec]:
    unsigned = {} if agreed else UNSIGNED
    return {**STATIC, **unsigned, **{kind: codec for media in agreed for kind, codec in media.codecs.items()}}


def _other_signalling(payload: bytes) -> list[str]:
    """Return the text of MGCP and MEGACO, which carry SDP as well."""
    return [payload.decode("utf-8", "replace")] if b"v=0" in payload and b"\nm=" in payload else []


def _is_t38(times_s: Numbers, switches: Sequence[tuple[float, bool]]) -> Numbers:
    """Say of each packet whether the last that was announced for where it goes is T.38 (whose UDPTL looks like RTP)."""
    which = np.searchsorted([time_s for time_s, _ in switches], times_s, side="right")
    return np.array([False, *(is_t38 for _, is_t38 in switches)])[which]


def _is_named(columns: Columns, agreed: Sequence[Media], *, alone: bool) -> bool:
    """Whether an SDP speaks of these packets. A single one beside other streams may be T.38 that looks like RTP."""
    known = {kind for media in agreed for kind in media.payload_types}
    if known.isdisjoint(columns.payload_types.tolist()):
        return False
    return alone or bool(_follow(columns).any())


def _is_consecutive(columns: Columns) -> bool:
    if len(columns.seqs) < FEWEST:
        return False
    copies = np.diff(columns.seqs.astype(np.int64)) == 0
    follow = _follow(columns)
    return bool(follow.sum() >= FEWEST - 1 and (follow | copies).mean() >= SHARE)


def _follow(columns: Columns) -> Numbers:
    """Say of each pair of neighbours whether the later one's number and timestamp follow the earlier one's."""
    steps = signed(np.diff(columns.seqs.astype(np.int64)), 16)
    ticks = signed(np.diff(columns.timestamps.astype(np.int64)), 32)
    return np.asarray((steps > 0) & (steps <= NEAR) & (ticks >= 0))
