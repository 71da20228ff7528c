"""Legs: each direction of each SIP call, named after the plan's nodes, with what was agreed and what was sent."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace

from harness.wire.collect import Wire, collect
from harness.wire.frames import Datagram
from harness.wire.holds import Hold, holds_of, tag
from harness.wire.sip import Address, Codec, Media, Sighting
from harness.wire.streams import Stream

AFTER_BYE_S = 5.0  # what begins later is not this call's any more


@dataclass(frozen=True, slots=True, kw_only=True)
class Leg:
    """One direction of a call. What was agreed is None where no SDP said so."""

    name: str  # mixer -> sink; an address where the other side is no node
    src: str | None
    dst: str | None
    call_id: str
    invited_at_s: float
    answered_at_s: float | None = None
    ended_at_s: float | None = None
    payload_type: int | None = None
    codec: Codec | None = None
    ptime_ms: float | None = None
    sends: bool = True  # whether the SDP allows sound in this direction
    targets: frozenset[Address] = frozenset()  # where the SDP says that the receiver listens
    streams: tuple[Stream, ...] = field(default=(), repr=False)  # in the order in which they began
    others: tuple[Stream, ...] = field(default=(), repr=False)  # that came to its receiver from somebody else as well
    origins: frozenset[Address] = frozenset()  # where its sender listens, and so mostly sends from
    holds: tuple[Hold, ...] = ()

    @property
    def stream(self) -> Stream | None:
        """The stream with the most packets; None where no RTP was captured."""
        return max(self.streams, key=lambda stream: stream.packets, default=None)

    @property
    def rtp(self) -> Stream:
        """The same stream. Raises LookupError where no RTP was captured."""
        if self.stream is None:
            raise LookupError(f"{self.name}: no RTP was captured")
        return self.stream

    @property
    def max_gap_ms(self) -> float:
        """The largest distance between two neighbouring packets, by arrival or by RTP timestamp."""
        return self.rtp.max_gap_ms

    @property
    def packets(self) -> int:
        """The packets that were captured; none is no error."""
        return self.stream.packets if self.stream else 0

    @property
    def payload_types_used(self) -> tuple[int, ...]:
        """The payload types of the sound that was really sent, the most frequent first."""
        return self.stream.audio_types if self.stream else ()

    @property
    def codec_used(self) -> Codec | None:
        """What most of the sound was really coded in."""
        return self.stream.codec if self.stream else None

    @property
    def ptime_used_ms(self) -> float | None:
        """How much sound most packets really held."""
        return self.stream.ptime_ms if self.stream else None


def legs(datagrams: Iterable[Datagram], nodes: Mapping[str, str]) -> list[Leg]:
    """Return the legs among datagrams; `nodes` says on which "ip:port" each node listens for SIP."""
    return legs_of(collect(datagrams), nodes)


def legs_of(wire: Wire, nodes: Mapping[str, str]) -> list[Leg]:
    """Return the legs of what was collected: of each call first caller to callee, then back."""
    calls: dict[str, list[Sighting]] = {}
    for sighting in wire.sip:
        if sighting.message.call_id:
            calls.setdefault(sighting.message.call_id, []).append(sighting)
    hops = (hop for sightings in calls.values() for hop in _hops(sightings))
    return [leg for call in hops for leg in _both_ways(call, wire.streams, nodes)]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Call:
    """What the messages of one call say."""

    invites: tuple[Sighting, ...]  # through a proxy the first one passes several times
    offers: tuple[Media, ...]  # of the caller
    answers: tuple[Media, ...]  # of the callee
    answered_at_s: float | None
    ended_at_s: float | None
    holds: tuple[Sequence[Hold], Sequence[Hold]]  # from the caller on, and back


def _hops(sightings: Sequence[Sighting]) -> Iterator[_Call]:
    """Yield a call, or its part on each side of a proxy that had the media sent to somebody else: its relay."""
    if (whole := _read_call(sightings)) is None:
        return
    sides = dict.fromkeys(frozenset((invite.src, invite.dst)) for invite in whole.invites)
    parts = [_read_call([s for s in sightings if frozenset((s.src, s.dst)) == side]) for side in sides]
    media = {frozenset(said.address for said in (*part.offers, *part.answers)) for part in parts if part}
    if len(media) < 2:
        yield whole
        return
    for part in parts:
        if part:
            yield replace(part, ended_at_s=part.ended_at_s or whole.ended_at_s)


def _read_call(sightings: Sequence[Sighting]) -> _Call | None:
    invites = [s for s in sightings if s.message.method == "INVITE" and s.message.status is None]
    if not invites:
        return None
    caller_tag = tag(invites[0].message.sender)
    media = {True: list[Media](), False: list[Media]()}
    for sighting in sightings:
        message = sighting.message
        if message.method in ("INVITE", "ACK", "PRACK", "UPDATE") and (agreed := message.media):
            from_caller = (tag(message.sender) == caller_tag) == (message.status is None)
            media[from_caller].append(agreed)
    answers = [s.time_s for s in sightings if s.message.method == "INVITE" and _is_success(s.message.status)]
    byes = [s.time_s for s in sightings if s.message.method == "BYE" and s.message.status is None]
    calling = [
        s for s in invites
        if tag(s.message.sender) == caller_tag and (not answers or s.time_s <= answers[0])
    ]  # fmt: skip
    # The last attempt: those before it were challenged, or sent elsewhere.
    calling = calling or invites[:1]  # a capture whose times are damaged has the answer first
    last = max(s.message.cseq for s in calling)
    first = [s for s in calling if s.message.cseq == last]
    return _Call(
        invites=tuple(first),
        offers=tuple(media[True]),
        answers=tuple(media[False]),
        answered_at_s=answers[0] if answers else None,
        ended_at_s=byes[0] if byes else None,
        holds=holds_of(sightings, caller_tag),
    )


def _both_ways(call: _Call, streams: Sequence[Stream], nodes: Mapping[str, str]) -> Iterator[Leg]:
    first, last = call.invites[0], call.invites[-1]
    via = first.message.sent_by  # over TCP an INVITE comes from a port of its own, and Via says who it is
    caller = _node_at(first.src, nodes) or (_node_at(via, nodes) if via else None)
    callee = _node_at(last.dst, nodes)
    there, back = (caller, str(first.src)), (callee, str(last.dst))
    onward = _leg(call, there, back, call.offers, call.answers, streams, call.answers)
    yield replace(onward, holds=tuple(call.holds[0]))
    returning = _leg(call, back, there, call.answers, call.offers, streams, call.answers)
    yield replace(returning, holds=tuple(call.holds[1]))


def _leg(
    call: _Call,
    src: tuple[str | None, str],
    dst: tuple[str | None, str],
    senders: Sequence[Media],
    receivers: Sequence[Media],
    streams: Sequence[Stream],
    answers: Sequence[Media],
) -> Leg:
    own, others = _streams_between(call, senders, receivers, streams)
    wanted, accepted = (receivers[0], answers[0]) if receivers and answers else (None, None)
    payload_type = _agreed_type(wanted, accepted) if wanted and accepted else None
    return Leg(
        name=f"{src[0] or src[1]} -> {dst[0] or dst[1]}",
        src=src[0],
        dst=dst[0],
        call_id=call.invites[0].message.call_id,
        invited_at_s=call.invites[0].time_s,
        answered_at_s=call.answered_at_s,
        ended_at_s=call.ended_at_s,
        payload_type=payload_type,
        codec=wanted.codecs.get(payload_type) if wanted and payload_type is not None else None,
        ptime_ms=wanted.ptime_ms if wanted else None,
        sends=_may_send(senders, receivers),
        targets=frozenset(media.address for media in receivers),
        streams=tuple(own),
        others=tuple(others),
        origins=frozenset(media.address for media in senders),
    )


def _agreed_type(wanted: Media, accepted: Media) -> int | None:
    """Return the receiver's number for the first codec of the answer (RFC 3264 section 6.1)."""
    for kind in accepted.audio_types:
        codec = accepted.codecs.get(kind)
        if codec is None:
            if kind in wanted.audio_types:
                return kind
            continue
        for own in wanted.audio_types:
            known = wanted.codecs.get(own)
            if known and (known.name.lower(), known.clock_hz) == (codec.name.lower(), codec.clock_hz):
                return own
    return None


def _may_send(senders: Sequence[Media], receivers: Sequence[Media]) -> bool:
    willing = all(media.direction in ("sendrecv", "sendonly") for media in senders[:1])
    return willing and all(media.direction in ("sendrecv", "recvonly") for media in receivers[:1])


def _streams_between(
    call: _Call, senders: Sequence[Media], receivers: Sequence[Media], streams: Sequence[Stream]
) -> tuple[list[Stream], list[Stream]]:
    """Return the streams to where the receiver listens, during the call, and others there.

    Those from where the sender listens too are the call's, if there are any, else all of them.
    """
    targets, origins = {media.address for media in receivers}, {media.address for media in senders}
    begin, end = call.invites[0].time_s, (call.ended_at_s or float("inf")) + AFTER_BYE_S
    during = [s for s in streams if (s.flow.dst, s.flow.dport) in targets and begin <= s.start_s <= end]
    during.sort(key=lambda stream: stream.start_s)
    symmetric = [s for s in during if (s.flow.src, s.flow.sport) in origins]
    return symmetric or during, [s for s in during if s not in symmetric] if symmetric else []


def crossed(leg: Leg, legs: Sequence[Leg]) -> tuple[Stream, Leg] | None:
    """Return what a leg's receiver got from the sender of another call, and the leg where that belongs.

    A sender that no SDP names may well be the leg's own, behind a NAT.
    """
    for stream in (*leg.streams, *leg.others):
        origin = Address(stream.flow.src, stream.flow.sport)
        for other in legs:
            if origin in other.origins and origin not in leg.origins and other.call_id != leg.call_id:
                return stream, other
    return None


def _node_at(address: Address, nodes: Mapping[str, str]) -> str | None:
    return next((name for name, listens in nodes.items() if listens == str(address)), None)


def _is_success(status: int | None) -> bool:
    return status is not None and 200 <= status < 300
