"""RTP streams: the packets of one SSRC from one address and port to another, and what can be said of them."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from itertools import pairwise
from typing import NamedTuple

import numpy as np

from harness.wire import figures
from harness.wire.figures import Delta, Jitter
from harness.wire.gaps import Distances, Gap, distances, frame_ticks, gaps_at
from harness.wire.order import Numbers, Order, order_of
from harness.wire.rtp import RtpPacket
from harness.wire.sip import STATIC, Address, Codec, is_audio

LIMIT_S = 0.040  # what a gap may be, and how late a packet
CHANGE_S = 0.5  # for which packets of an old SSRC may still come beside those of a new one
UNSIGNED = {101: Codec("telephone-event", 8000)}  # what nearly everybody means by 101, where no SDP was seen


class Flow(NamedTuple):
    """Where packets came from and went to."""

    src: str
    sport: int
    dst: str
    dport: int

    def __str__(self) -> str:
        """Return it with an arrow."""
        return f"{Address(self.src, self.sport)} -> {Address(self.dst, self.dport)}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Columns:
    """Packets in arrival order, one array per field."""

    times_s: Numbers
    seqs: Numbers
    timestamps: Numbers
    payload_types: Numbers
    markers: Numbers
    sizes: Numbers  # of the payload, in octets

    def only(self, which: Numbers) -> Columns:
        """Return some of the packets."""
        return Columns(
            times_s=self.times_s[which],
            seqs=self.seqs[which],
            timestamps=self.timestamps[which],
            payload_types=self.payload_types[which],
            markers=self.markers[which],
            sizes=self.sizes[which],
        )


@dataclass(frozen=True, eq=False, kw_only=True)
class Stream:
    """At least one packet of one SSRC. Figures are computed when they are first asked for."""

    flow: Flow
    ssrc: int
    columns: Columns
    payloads: Sequence[bytes] = field(default=(), repr=False)  # in arrival order; empty where they were not kept
    taken_for_t38: int = 0  # packets left out, as tshark does: they look like more of this, but an SDP had said T.38
    codecs: Mapping[int, Codec] = field(default_factory=lambda: {**STATIC, **UNSIGNED}, repr=False)

    def __str__(self) -> str:
        """Name it as complaints do."""
        return f"{self.flow} ssrc {self.ssrc:#010x}"

    def __iter__(self) -> Iterator[RtpPacket]:
        """Yield the packets in arrival order."""
        c = self.columns
        rows = (column.tolist() for column in (c.times_s, c.seqs, c.timestamps, c.payload_types, c.markers))
        payloads = self.payloads or [b""] * self.packets
        for (time_s, seq, timestamp, kind, marker), payload in zip(zip(*rows, strict=True), payloads, strict=True):
            yield RtpPacket(time_s, seq, timestamp, kind, marker, self.ssrc, payload)

    def between(self, start_s: float, end_s: float) -> Stream | None:
        """Return what came from one time to the other, or None if nothing did."""
        which = np.flatnonzero((self.columns.times_s >= start_s) & (self.columns.times_s <= end_s))
        if not len(which):
            return None
        payloads = [self.payloads[at] for at in which.tolist()] if self.payloads else ()
        columns = self.columns.only(which)
        return Stream(flow=self.flow, ssrc=self.ssrc, columns=columns, payloads=payloads, codecs=self.codecs)

    @property
    def packets(self) -> int:
        """How many came, copies too."""
        return len(self.columns.seqs)

    @property
    def start_s(self) -> float:
        """When the first packet came."""
        return float(self.columns.times_s[0])

    @property
    def end_s(self) -> float:
        """When the last packet came."""
        return float(self.columns.times_s[-1])

    @property
    def duration_s(self) -> float:
        """From the first arrival to the last."""
        return self.end_s - self.start_s

    @cached_property
    def payload_types(self) -> Counter[int]:
        """How many packets there are of each payload type, in order of appearance."""
        return Counter(self.columns.payload_types.tolist())

    @cached_property
    def audio_types(self) -> tuple[int, ...]:
        """The payload types that are sound, the most frequent first."""
        return tuple(kind for kind, _ in self.payload_types.most_common() if self._is_audio(kind))

    @cached_property
    def codec(self) -> Codec | None:
        """What most of the sound is coded in; None where there is none, or nothing says what its payload type means."""
        return self.codecs.get(self.audio_types[0]) if self.audio_types else None

    @property
    def clock_hz(self) -> int | None:
        """The RTP clock of the sound, if it is known."""
        return self.codec.clock_hz if self.codec else None

    @cached_property
    def ptime_ms(self) -> float | None:
        """The length of most packets' sound, by timestamp."""
        return 1000 * self._frame_s or None

    @cached_property
    def markers(self) -> int:
        """How many packets have the marker bit: the start of sound after a silence, or of a digit."""
        return int(self.columns.markers.sum())

    @cached_property
    def wraps(self) -> bool:
        """Whether the sequence numbers went through 65535."""
        return bool(self._order.extended.min() >> 16 != self._order.extended.max() >> 16)

    @cached_property
    def restarts(self) -> int:
        """How often the sender began again somewhere else in its numbers (RFC 3550 appendix A.1)."""
        return int(self._order.restart[-1])

    @cached_property
    def expected(self) -> int:
        """How many packets the sequence numbers of the first and the last one stand for."""
        return figures.expected(self.columns.seqs, self.columns.timestamps)

    @property
    def lost(self) -> int:
        """Expected - packets, as RFC 3550 and tshark have it: every copy hides a loss, and it may be negative."""
        return self.expected - self.packets

    @property
    def numbers(self) -> Numbers:
        """The sequence numbers that came, in rising order, each once and without their wrap-around."""
        return self._order.extended[self._order.sent]

    @property
    def missing(self) -> int:
        """Packets that never came, copies or not."""
        return self._order.missing

    @property
    def duplicates(self) -> int:
        """Packets that had come before."""
        return len(self._order.copies)

    @property
    def first_duplicate_s(self) -> float | None:
        """When the first of them came."""
        return self._first(self._order.copies)

    @property
    def reordered(self) -> int:
        """Packets that came after a later one."""
        return len(self._order.overtaken)

    @property
    def first_reordered_s(self) -> float | None:
        """When the first of them came."""
        return self._first(self._order.overtaken)

    @cached_property
    def late(self) -> int:
        """Packets that came over 40 ms after they were due; 0 where the clock is not known."""
        audio = self._audio  # all packets of a digit bear the timestamp of its beginning
        if not self.clock_hz:
            return 0
        return figures.late(self.columns.times_s[audio], self.columns.timestamps[audio], self.clock_hz, LIMIT_S)

    @property
    def delta(self) -> Delta:
        """Between arrivals, as tshark counts."""
        return self._delta_and_jitter[0]

    @property
    def jitter(self) -> Jitter:
        """RFC 3550's interarrival jitter."""
        return self._delta_and_jitter[1]

    @property
    def max_gap_ms(self) -> float:
        """The larger of the largest distances by timestamp and by arrival; 20 is healthy."""
        return max(self.max_gap_timestamp_ms, self.max_gap_arrival_ms)

    @cached_property
    def max_gap_timestamp_ms(self) -> float:
        """The largest distance of neighbours in RTP timestamps."""
        return round(1000 * float(self._distances.by_timestamp_s.max(initial=0)), 3)

    @cached_property
    def max_gap_arrival_ms(self) -> float:
        """The largest distance of neighbours in arrival."""
        return round(1000 * float(self._distances.by_arrival_s.max(initial=0)), 3)

    @cached_property
    def worst_by_timestamp(self) -> Gap | None:
        """The neighbours that are furthest apart by timestamp."""
        return self._worst(self._distances.by_timestamp_s)

    @cached_property
    def worst_by_arrival(self) -> Gap | None:
        """The neighbours that are furthest apart by arrival."""
        return self._worst(self._distances.by_arrival_s)

    @cached_property
    def worst_gap(self) -> Gap | None:
        """The neighbours that are furthest apart."""
        return self._worst(self._distances.length_s)

    def gaps(self, longer_than_s: float = LIMIT_S) -> tuple[Gap, ...]:
        """Return the neighbours that are further apart than that, by timestamp or by arrival, as they came."""
        places = np.flatnonzero(np.round(self._distances.length_s, 6) > longer_than_s)
        return tuple(self._gaps_at(places))

    def _first(self, packets: Numbers) -> float | None:
        return float(self.columns.times_s[packets[0]]) if len(packets) else None

    def _is_audio(self, payload_type: int) -> bool:
        return payload_type not in self.codecs or is_audio(self.codecs[payload_type])

    @cached_property
    def _order(self) -> Order:
        return order_of(self.columns.seqs)

    @cached_property
    def _audio(self) -> Numbers:
        return _per_type(self.columns.payload_types, self._is_audio, bool)

    @cached_property
    def _frame_s(self) -> float:
        ticks = frame_ticks(self._order, self.columns.timestamps, self._audio)
        return ticks / self.clock_hz if self.clock_hz else 0.0

    @cached_property
    def _distances(self) -> Distances:
        c = self.columns
        return distances(self._order, c.times_s, c.timestamps, self._audio, self.clock_hz or 0)

    @cached_property
    def _delta_and_jitter(self) -> tuple[Delta, Jitter]:
        def clock(kind: int) -> int:
            codec = self.codecs.get(kind)
            return codec.clock_hz if codec and codec.name.lower() != "telephone-event" else 0

        c = self.columns
        clocks = _per_type(c.payload_types, clock, np.int64)
        return figures.delta_and_jitter(c.times_s, c.timestamps, c.payload_types, c.markers, clocks)

    def _worst(self, lengths: Numbers) -> Gap | None:
        return next(self._gaps_at(np.array([np.argmax(lengths)]))) if lengths.any() else None

    def _gaps_at(self, places: Numbers) -> Iterator[Gap]:
        return gaps_at(self._distances, places, self.columns.seqs, self.columns.times_s, self._frame_s)


class SsrcChange(NamedTuple):
    """Another SSRC where there had been one: a new stream, whose numbers have nothing to do with the old one's."""

    at_s: float
    flow: Flow
    before: int
    after: int


def ssrc_changes(found: Iterable[Stream]) -> tuple[SsrcChange, ...]:
    """Return where a flow went on with another SSRC, in order of time; two that run side by side are no change."""
    by_flow: dict[Flow, list[Stream]] = defaultdict(list)
    for stream in sorted(found, key=lambda stream: stream.start_s):
        by_flow[stream.flow].append(stream)
    changes = (
        SsrcChange(after.start_s, flow, before.ssrc, after.ssrc)
        for flow, several in by_flow.items()
        for before, after in pairwise(several)
        if before.end_s <= after.start_s + CHANGE_S
    )
    return tuple(sorted(changes))


def _per_type(payload_types: Numbers, function: Callable[[int], int], kind: type) -> Numbers:
    """Return a function of each packet's payload type."""
    return np.array([function(number) for number in range(128)], kind)[payload_types]
