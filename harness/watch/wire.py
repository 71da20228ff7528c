"""The legs of a call while it is captured: packets, losses, gaps and level of each, as the judge will find them.

A leg's last second is looked at again with every reading, and a gap counts once half a second lies behind it: until
then a packet that was overtaken may still come.
"""

from __future__ import annotations

import io
import math
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path

import numpy as np

from harness.sound.g711 import Samples
from harness.watch.growing import Growing
from harness.watch.meter import Meter
from harness.wire.audio import LAWS
from harness.wire.collect import Growing as GrowingStream
from harness.wire.collect import Wire
from harness.wire.containers import LONGEST, CaptureError, DamagedError, read_frames
from harness.wire.frames import Datagram, Decoder
from harness.wire.legs import Leg, legs_of
from harness.wire.rtp import RtpPacket, parse_rtp
from harness.wire.sip import STATIC, Address, Codec, Sighting, SipListener
from harness.wire.streams import UNSIGNED, Flow, Stream

FILE_HEAD, RECORD_HEAD = 24, 16  # octets, of the pcap that the harness writes
SETTLED_S, CONTEXT_S, EVERY_S = 0.5, 0.5, 1.0
PER_PACKET = 1.5  # of a packet's length between neighbours: something is missing
Law = Callable[[bytes], Samples]


class WatchedLeg:
    """One direction of a call."""

    def __init__(self, leg: Leg, limit_s: float) -> None:
        self.name, self._limit_s = leg.name, limit_s
        self.between = (leg.src, leg.dst)
        self._codecs: Mapping[int, Codec] = {**STATIC, **UNSIGNED}
        self.packets = self.lost = self.gaps = 0
        self.worst_ms, self.worst_at_s = 0.0, 0.0
        self.last_at_s = 0.0  # when the last packet came, in seconds since the epoch
        self.level_dbov: float | None = None  # since the last look, in the end of all; None for no G.711
        self.agreed(leg)
        self._stream: Flow | None = None
        self._ssrc, self._numbers = 0, 0
        self._growing = GrowingStream()
        self._settled_s = 0.0
        self._meter, self._octets = Meter(), defaultdict[Law, bytearray](bytearray)

    def agreed(self, leg: Leg) -> None:
        """Take in what SIP has said since."""
        if leg.codec and leg.payload_type is not None:
            self._codecs = {**STATIC, **UNSIGNED, leg.payload_type: leg.codec}

    def take(self, flow: Flow, packet: RtpPacket) -> None:
        """Take one packet."""
        if packet.ssrc != self._ssrc or flow != self._stream:
            self._measure(math.inf)
            self._growing, self._ssrc, self._stream = GrowingStream(), packet.ssrc, flow
        self._growing.append(self._numbers, packet, False)
        self._numbers += 1
        self.packets += 1
        self.last_at_s = packet.time_s
        codec = self._codecs.get(packet.payload_type)
        if codec and (law := LAWS.get(codec.name.upper())):
            self._octets[law] += packet.payload

    def look(self, *, ended: bool) -> None:
        """Bring the figures up to date; the last packets only count once the call has ended, or others came."""
        if ended:
            self._measure(math.inf)
        elif self.last_at_s - SETTLED_S >= self._settled_s + EVERY_S:
            self._measure(self.last_at_s - SETTLED_S)
        for law, octets in self._octets.items():
            self._meter.add(law(bytes(octets)))
        self._octets.clear()
        self.level_dbov = self._meter.read_all() if ended else self._meter.read()

    def _measure(self, settled_s: float) -> None:
        """Count what happened until then, and forget the packets that are of no use any more."""
        if self._stream is None or settled_s <= self._settled_s or not self._growing.numbers:
            return
        columns, _ = self._growing.finished()
        stream = Stream(flow=self._stream, ssrc=self._ssrc, columns=columns, codecs=self._codecs)
        packet_s = PER_PACKET * stream.ptime_ms / 1000 if stream.ptime_ms else self._limit_s
        for gap in stream.gaps(min(packet_s, self._limit_s, self.worst_ms / 1000)):
            if not self._settled_s <= gap.start_s < settled_s:
                continue
            self.lost += gap.lost
            self.gaps += round(gap.length_s, 6) > self._limit_s
            if 1000 * gap.length_s > self.worst_ms:
                self.worst_ms, self.worst_at_s = round(1000 * gap.length_s, 3), gap.start_s
        self._settled_s = settled_s if settled_s < math.inf else self.last_at_s
        kept = columns.only(np.flatnonzero(columns.times_s >= self._settled_s - CONTEXT_S))
        self._growing = GrowingStream()
        self._growing.extend(np.arange(self._numbers - len(kept.seqs), self._numbers), kept)


class GrowingCapture:
    """The legs in a capture that is being written.

    `nodes` says where each node listens, as soon as it is known; `order` has their names.
    """

    def __init__(self, path: Path, nodes: Mapping[str, str], *, order: Sequence[str], limit_s: float) -> None:
        self._file, self._nodes, self._order, self._limit_s = Growing(path), nodes, order, limit_s
        self._head = self._rest = b""
        self._decoder, self._listener = Decoder(), SipListener()
        self._sip: list[Sighting] = []
        self._legs: dict[tuple[str, str], WatchedLeg] = {}
        self._at: dict[Address, WatchedLeg] = {}

    @property
    def legs(self) -> list[WatchedLeg]:
        """The legs that carry sound, from the first node on."""
        places = {name: place for place, name in enumerate(self._order)}
        last = len(places)

        def place(leg: WatchedLeg) -> tuple[int, int]:
            there, back = (places.get(name or "", last) for name in leg.between)
            return min(there, back), there

        return sorted((leg for leg in self._legs.values() if leg.packets), key=place)

    def read(self, *, ended: bool = False) -> bool:
        """Take in what was added; return whether there was anything."""
        new = self._file.read()
        for datagram in self._datagrams(new):
            self._take(datagram)
        for leg in self._legs.values():
            leg.look(ended=ended and not new)
        return bool(new)

    def _datagrams(self, new: bytes) -> Iterator[Datagram]:
        self._rest += new
        if not self._head:
            if len(self._rest) < FILE_HEAD:
                return
            self._head, self._rest = self._rest[:FILE_HEAD], self._rest[FILE_HEAD:]
        whole = 0
        try:
            for time_s, link_type, data in read_frames(io.BytesIO(self._head + self._rest), self._file.path):
                whole += RECORD_HEAD + len(data)
                if datagram := self._decoder.decode(time_s, link_type, data):
                    yield datagram
        except DamagedError:  # the last record is still being written, or claims what none has
            whole = len(self._rest) if len(self._rest) - whole > RECORD_HEAD + LONGEST else whole
        except CaptureError:  # which the harness does not write, so there is nothing to be seen
            whole = len(self._rest)
        self._rest = self._rest[whole:]

    def _take(self, datagram: Datagram) -> None:
        if leg := self._at.get(Address(datagram.dst, datagram.dport)):
            if packet := parse_rtp(datagram.time_s, datagram.payload):
                leg.take(Flow(datagram.src, datagram.sport, datagram.dst, datagram.dport), packet)
        elif heard := list(self._listener.hear(datagram)):
            self._sip += heard
            self._name_legs()

    def _name_legs(self) -> None:
        for leg in legs_of(Wire(streams=(), sip=tuple(self._sip)), self._nodes):
            watched = self._legs.setdefault((leg.call_id, leg.name), WatchedLeg(leg, self._limit_s))
            watched.agreed(leg)
            self._at.update(dict.fromkeys(leg.targets, watched))

