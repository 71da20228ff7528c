"""Where what is missing in a recording was first missing: followed back over the hops of its chain."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from harness.fault.cause import Cause, Who, counted
from harness.fault.host import Host
from harness.fault.wire import SENDING, Sight, gap_cause, loss_cause, missed_by_receiver
from harness.sound import Gap, Hearing, Kind
from harness.sound.g711 import RATE
from harness.wire.audio import Audio
from harness.wire.gaps import Gap as WireGap
from harness.wire.streams import LIMIT_S, Stream

NEAR_S = 0.12  # by which two hops may place the same stretch of the file differently
BUFFERED_S = 1.0  # at most between a packet's arrival and its sound in the recording: jitter buffer and player
FRAME_S = 0.02  # of which a user agent plays one for a packet
ACCOUNTS = 0.5  # of what was heard packets must have been late by, for the rest a player that ran empty waits itself
RECEIVING = ("rx_discards", "rx_underruns", "rx_overruns", "rtp_loss", "player_drops", "stalls")


@dataclass(frozen=True, slots=True, kw_only=True)
class Hop:
    """One leg of the chain: its packets, the sound in them, and how that compares with the file that was played."""

    sight: Sight
    audio: Audio
    hearing: Hearing


@dataclass(frozen=True, slots=True, kw_only=True)
class Chain:
    """All hops from the source to a listener, in order; `metrics` are the listener's own counters.

    A hop in which the file could not be followed, say because its codec is not G.711, is only its leg's name.
    """

    hops: Sequence[Hop | str]
    listener: str
    host: Host
    metrics: Mapping[str, Any] = field(default_factory=dict)


def heard_cause(gap: Gap, chain: Chain, *, limit_s: float = LIMIT_S) -> Cause:
    """Return in which hop a stretch of the file that a listener did not hear rightly was first lacking, and why."""
    unclear = list[str]()
    before: Hop | None = None
    for hop in chain.hops:
        if isinstance(hop, str):
            unclear.append(hop)
            before = None
            continue
        if cause := _in_hop(gap, hop, before, chain.host, limit_s):
            return _doubted(cause, hop, unclear) if unclear else cause
        before, unclear = hop, []
    if before:
        return _not_played(gap, chain, before, limit_s)
    says = f"the file could not be followed on {', '.join(unclear) or 'the wire'}"
    return Cause(who=Who.UNKNOWN, where=chain.listener, evidence=says, length_s=gap.length_s)


def _doubted(cause: Cause, hop: Hop, unclear: Sequence[str]) -> Cause:
    """Return what is left of a cause where the hops before could not be followed."""
    says = f"lacking on {hop.sight.leg}, but the file could not be followed on {', '.join(unclear)} before it"
    return replace(cause, who=Who.UNKNOWN, where=hop.sight.leg, evidence=says)


def _in_hop(gap: Gap, hop: Hop, before: Hop | None, host: Host, limit_s: float) -> Cause | None:
    """Return the cause where the stretch is not in a hop's packets, came late in them, or is not right in them."""
    near = [one for one in hop.hearing.gaps if _overlap(one, gap)]
    here = replace(gap, at_s=_place(gap.file_s, hop.hearing))  # what is amiss beside a loss comes from it
    for one in (*near, here) if near else ():
        if wire := _packets_missing(hop, one):
            return loss_cause(wire, hop.sight) if wire.lost else gap_cause(wire, hop.sight, host)
    if late := _came_late(gap, hop, host):
        return late
    return _sent_wrong(gap, max(near, key=lambda one: one.length_s), hop, before, host, limit_s) if near else None


def _sent_wrong(gap: Gap, near: Gap, hop: Hop, before: Hop | None, host: Host, limit_s: float) -> Cause:
    """Return the cause where all packets came in time and what is in them is not what ought to be."""
    sight, length_s = hop.sight, max(gap.length_s, near.length_s)
    at_s = hop.audio.time_at(round(near.at_s * RATE))
    held = sight.held(host, at_s - BUFFERED_S, at_s + near.length_s)
    if held.length_s >= length_s - limit_s:
        return Cause(who=Who.HOST, where=sight.src, evidence=held.evidence, at_s=at_s, length_s=length_s)
    if before and (missed := missed_by_receiver(before.sight)):
        says = f"{sight.src}'s RTCP misses {missed} packets that were captured on {before.sight.leg}"
        return Cause(who=Who.RECEIVER, where=sight.src, evidence=says, at_s=at_s, length_s=length_s)
    had = f"received it whole and in time over {before.sight.leg}, and " if before else ""
    what = f"{1000 * near.length_s:.0f} ms are {near.kind.value} in its packets to {sight.dst}"
    says = f"{sight.src} {had}did not send it rightly: {what}"
    says += counted(sight.src, sight.metrics, (*RECEIVING, *SENDING) if before else SENDING)
    return Cause(who=Who.SENDER, where=sight.src, evidence=says, at_s=at_s, length_s=length_s)


def _packets_missing(hop: Hop, near: Gap) -> WireGap | None:
    """Return the gap on the wire that left a stretch of a hop's sound empty; None where all of it came."""
    start = round(near.at_s * RATE)
    came = hop.audio.came[start : start + max(1, round(near.length_s * RATE))]
    if came.all():
        return None
    after_seq = int(hop.audio.seqs[hop.audio.packet_at(start + int(came.argmin()))])
    gaps = hop.sight.stream.gaps(0.0)
    return next((one for one in gaps if one.after_seq == after_seq and one.by_timestamp_s), None)


def _came_late(gap: Gap, hop: Hop, host: Host) -> Cause | None:
    """Return the cause where the stretch was in the packets of a hop, but those came too late to be played in time."""
    at, audio = _place(gap.file_s, hop.hearing), hop.audio
    start_s = audio.time_at(round((at - NEAR_S - BUFFERED_S / 2) * RATE))
    end_s = audio.time_at(round((at + gap.length_s + NEAR_S) * RATE))
    late = [
        one
        for one in hop.sight.stream.gaps(LIMIT_S)
        if one.kind == "late" and one.start_s <= end_s and one.start_s + one.by_arrival_s >= start_s
    ]
    late_s = sum(one.by_arrival_s - one.by_timestamp_s for one in late)  # each takes its part of what a buffer holds
    if not late or late_s < ACCOUNTS * gap.length_s:
        return None
    worst = max(late, key=lambda one: one.by_arrival_s)
    cause = gap_cause(worst, hop.sight, host)
    says = f"{cause.evidence}; what came then was too late for {hop.sight.dst} to play"
    return Cause(who=cause.who, where=cause.where, evidence=says, at_s=cause.at_s, length_s=gap.length_s)


def _not_played(gap: Gap, chain: Chain, last: Hop, limit_s: float) -> Cause:
    """Return the cause where all hops had the stretch in time: the listener, or the machine that it ran on."""
    node = chain.listener
    at_s = last.audio.time_at(round(_place(gap.file_s, last.hearing) * RATE))
    held = chain.host.held(node, at_s - NEAR_S, at_s + gap.length_s + BUFFERED_S)
    if held.length_s >= gap.length_s - limit_s:
        return Cause(who=Who.HOST, where=node, evidence=held.evidence, at_s=at_s, length_s=gap.length_s)
    says = f"it came whole and in time over {last.sight.leg}, and {node} dropped it late or did not play it"
    if missed := missed_by_receiver(last.sight):
        says = f"it crossed {last.sight.leg} whole, and {node}'s RTCP misses {missed} packets that were captured"
    events = _events(last.sight.stream, at_s - BUFFERED_S, at_s + gap.length_s)
    if gap.kind is Kind.INSERTED and events * FRAME_S >= ACCOUNTS * gap.length_s:
        says += f"; {events} telephone-events came among it, and from 1.1 on baresip plays twice what follows one"
    says += counted(node, chain.metrics, RECEIVING)
    return Cause(who=Who.RECEIVER, where=node, evidence=says, at_s=at_s, length_s=gap.length_s)


def _events(stream: Stream, start_s: float, end_s: float) -> int:
    """Return how many packets of telephone-events came between two instants."""
    kinds = [kind for kind, codec in stream.codecs.items() if codec.name == "telephone-event"]
    times_s = stream.columns.times_s[np.isin(stream.columns.payload_types, kinds)]
    return int(np.count_nonzero((times_s >= start_s) & (times_s <= end_s)))


def _overlap(one: Gap, other: Gap) -> bool:
    """Whether two gaps are about the same stretch of the file."""
    return (
        one.file_s - NEAR_S <= other.file_s + other.length_s and other.file_s - NEAR_S <= one.file_s + one.length_s
    )


def _place(file_s: float, hearing: Hearing) -> float:
    """Return where in a hop's sound a place in the file is: the next gap tells at which offset the file runs there."""
    offsets = _offsets(hearing)
    return file_s + next((offset for upto_s, offset in offsets if file_s <= upto_s), hearing.delay_s)


def _offsets(hearing: Hearing) -> Iterator[tuple[float, float]]:
    """Yield up to where in the file it runs at which offset, as far as gaps tell."""
    for gap in hearing.gaps:
        yield gap.file_s, gap.at_s - gap.file_s
    if hearing.gaps:
        last = hearing.gaps[-1]
        yield float("inf"), last.at_s - last.file_s
