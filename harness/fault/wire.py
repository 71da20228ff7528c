"""Whose fault a gap on the wire is: the sender's, the network's or our own machine's."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import numpy as np

from harness.fault.cause import Cause, Who, counted
from harness.fault.host import Held, Host
from harness.impair.ledger import Ledger
from harness.wire.gaps import Gap
from harness.wire.holds import Hold
from harness.wire.order import Numbers, order_of, signed, unwrap_timestamps
from harness.wire.rtcp import Report
from harness.wire.streams import LIMIT_S, Stream

SENDING = ("tx_underruns", "stalls", "send_drops", "decoder_underruns")  # counters of a role whose sound came too late
SETTLED_S, SETTLES_S = 0.5, 2.0  # after a gap: when a network has delivered what it held back
STAYS = 0.8  # of a delay that is still there then
NEAR_S = 60.0  # that a packet may be under way; numbers go round in 22 minutes
RACE = 1  # packets by which a report may be wrong: it was written before or after the one beside it


@dataclass(frozen=True, slots=True, kw_only=True)
class Sight:
    """One stream, who sent it to whom, and what else was seen of it.

    `tap` are the same packets nearer to their sender, before a relay; `reports` is RTCP, of whatever stream.
    `at_sender` says that the capture is of the sender's own machine, with nothing between the two; `metrics` are the
    sender's own counters, and `impaired` is what the plan itself had done to its packets.
    """

    src: str
    dst: str
    stream: Stream
    tap: Stream | None = None
    at_sender: bool = False
    reports: Sequence[Report] = ()
    metrics: Mapping[str, Any] = field(default_factory=dict)
    impaired: Ledger = field(default_factory=Ledger)
    holds: Sequence[Hold] = ()

    @property
    def leg(self) -> str:
        """The leg's name."""
        return f"{self.src} -> {self.dst}"

    def held(self, host: Host, start_s: float, end_s: float) -> Held:
        """Return for how long between two instants the machine kept the sender from running."""
        return host.held(self.src, start_s, end_s, begun_s=self.stream.start_s)


def gap_cause(gap: Gap, sight: Sight, host: Host, *, limit_s: float = LIMIT_S) -> Cause:
    """Return whose fault a gap is.

    A late packet is the host's only where the host held up its sender inside that very gap by at least what exceeds
    the limit.
    """
    held = sight.held(host, gap.start_s, gap.start_s + gap.by_arrival_s)
    if gap.by_timestamp_s <= limit_s < gap.by_arrival_s and held.length_s >= gap.by_arrival_s - limit_s:
        return _cause(Who.HOST, gap, sight.leg, held.evidence)
    if gap.lost:
        return loss_cause(gap, sight)
    if gap.kind == "silent":
        says = f"{sight.src} did not send: no number is missing after seq {gap.after_seq}, the timestamps jump"
        says += f" {1000 * gap.by_timestamp_s:.0f} ms{counted(sight.src, sight.metrics, SENDING)}"
        return _cause(Who.SENDER, gap, sight.src, says)
    return _late(gap, sight, host, limit_s)


def loss_cause(gap: Gap, sight: Sight) -> Cause:
    """Return who lost the packets that are missing in a gap; the host lets packets wait, it loses none."""
    packets = f"{gap.lost} packet{'s' * (gap.lost > 1)} after seq {gap.after_seq}"
    lost = f"lost between {sight.src} and {sight.dst}: {packets}"
    if injected := sight.impaired.lost_between(
        sight.stream.ssrc, gap.after_seq, gap.before_seq, near_s=gap.start_s
    ):
        return _cause(Who.NETWORK, gap, sight.leg, f"{lost}; {injected}")
    count = _counted(gap, sight)
    if sight.tap:
        flow, left = sight.tap.flow, _passed(sight.tap, gap)
        own = flow == sight.stream.flow  # of the sender itself, not of a relay
        if left == gap.lost:
            passed = "left their sender" if own else f"passed {flow}"
            return _cause(Who.NETWORK, gap, sight.leg, f"{lost}; {passed} and came no further")
        if not left and not own:
            return _cause(Who.NETWORK, gap, str(flow), f"{lost}; not seen at {flow} either: lost before it")
        if not left and (count is None or count.sent <= count.came + RACE):
            says = f"{sight.src} did not send {packets}: numbered, and not seen where they would have left"
            return _cause(Who.SENDER, gap, sight.src, says)
    if count is None:
        return _cause(Who.NETWORK, gap, sight.leg, f"{lost}; numbered, so sent")
    if count.numbers - count.sent <= RACE:
        return _cause(Who.NETWORK, gap, sight.leg, f"{lost}; {sight.src}'s RTCP counts them as sent")
    says = f"{sight.src}'s RTCP counts {count.sent} packets where it gave out {count.numbers} numbers"
    if count.sent <= count.came + RACE:
        return _cause(Who.SENDER, gap, sight.src, f"{sight.src} did not send {packets}: {says}")
    return _cause(Who.UNKNOWN, gap, sight.leg, f"{lost}; {says}, and {count.came} came: some of each")


def tap_of(stream: Stream, others: Sequence[Stream]) -> Stream | None:
    """Return the stream that brought the same packets to whoever passed them on, the nearest; None where none did."""
    before = [
        other
        for other in others
        if other is not stream
        and other.ssrc == stream.ssrc
        and (other.flow.dst, other.flow.dport) != (stream.flow.dst, stream.flow.dport)
        and _earlier_s(other, stream) > 0
    ]
    return min(before, key=lambda other: _earlier_s(other, stream), default=None)


def missed_by_receiver(sight: Sight) -> int:
    """Return how many packets the receiver's RTCP misses that the capture does not: those were lost behind it."""
    blocks = (block for report in sight.reports for block in report.blocks if block.ssrc == sight.stream.ssrc)
    return max(0, max((block.lost for block in blocks), default=0) - sight.stream.missing)


def _earlier_s(one: Stream, other: Stream) -> float:
    """Return how much earlier the packets of one came, in the middle; 0 where they are not the same packets."""
    pairs = np.intersect1d(_names(one), _names(other), return_indices=True)[1:]
    if len(pairs[0]) < min(one.packets, other.packets) / 2:
        return 0.0
    return float(np.median(other.columns.times_s[pairs[1]] - one.columns.times_s[pairs[0]]))


def _names(stream: Stream) -> Any:
    """Return what makes a packet the same packet elsewhere: number and timestamp."""
    return stream.columns.seqs.astype(np.int64) << 32 | stream.columns.timestamps.astype(np.int64)


def _late(gap: Gap, sight: Sight, host: Host, limit_s: float) -> Cause:
    ms = f"{1000 * gap.by_arrival_s:.0f} ms"
    if sight.tap and (left := _left(sight.tap, gap)):
        apart_s = left[1] - left[0]
        if apart_s < gap.by_arrival_s - (gap.by_arrival_s - gap.by_timestamp_s) / 2:
            says = f"packets that left {1000 * apart_s:.0f} ms apart at {sight.tap.flow} came {ms} apart"
            if injected := sight.impaired.delayed(sight.stream.ssrc, gap.before_seq, near_s=gap.start_s):
                says = f"{says}; {injected}"
            return _cause(Who.NETWORK, gap, sight.leg, f"delayed between {sight.src} and {sight.dst}: {says}")
        held = sight.held(host, *left)  # where a network delays them all, the gap was earlier here
        if gap.by_timestamp_s <= limit_s and held.length_s >= gap.by_arrival_s - limit_s:
            return _cause(Who.HOST, gap, sight.leg, held.evidence)
        return _cause(Who.SENDER, gap, sight.src, f"{_left_late(gap, sight)}, at {sight.tap.flow} already")
    if sight.at_sender:
        says = f"{_left_late(gap, sight)}; seen where it left, on a machine that was not held up"
        return _cause(Who.SENDER, gap, sight.src, f"{says}{counted(sight.src, sight.metrics, SENDING)}")
    if _stays_late(sight.stream, gap):
        says = f"{_left_late(gap, sight)}; all that follows is as late, where a network would have caught up"
        return _cause(Who.SENDER, gap, sight.src, says)
    says = f"came {ms} apart; one capture cannot tell whether they left late or were delayed on the way"
    return _cause(Who.UNKNOWN, gap, sight.leg, says)


def _left_late(gap: Gap, sight: Sight) -> str:
    return f"{sight.src} sent nothing for {1000 * gap.by_arrival_s:.0f} ms after seq {gap.after_seq}"


def _passed(tap: Stream, gap: Gap) -> int:
    """Count the numbers between the gap's neighbours that were seen at the tap."""
    ahead = signed(tap.columns.seqs[_near(tap, gap)].astype(np.int64) - gap.after_seq, 16)
    span = (gap.before_seq - gap.after_seq) & 0xFFFF
    return len(np.unique(ahead[(ahead > 0) & (ahead < span)]))


def _left(tap: Stream, gap: Gap) -> tuple[float, float] | None:
    """Return when the gap's neighbours were at the tap; None where one of them was not seen there."""
    near = _near(tap, gap)
    seqs, times_s = tap.columns.seqs[near], tap.columns.times_s[near]
    before, after = (times_s[seqs == seq] for seq in (gap.after_seq, gap.before_seq))
    return (float(before[0]), float(after[0])) if len(before) and len(after) and before[0] <= after[0] else None


def _near(tap: Stream, gap: Gap) -> Numbers:
    """Say of each packet at the tap whether it is of that time: numbers come again after some minutes."""
    return np.asarray(np.abs(tap.columns.times_s - gap.start_s) < NEAR_S + gap.length_s)


class _Counted(NamedTuple):
    """Of a stretch of a stream: numbers that the sender gave out, packets that its RTCP counts, packets that came."""

    numbers: int
    sent: int
    came: int


def _counted(gap: Gap, sight: Sight) -> _Counted | None:
    """Return what is known of the stretch between the reports around a gap; None where no report follows.

    Without a report before it the stretch begins with the first packet, if that is the sender's first too.
    """
    own = (report for report in sight.reports if report.ssrc == sight.stream.ssrc)
    said = [(report.time_s, report.sent) for report in own if report.sent is not None]
    after = next((one for one in said if one[0] > gap.start_s + gap.by_arrival_s), None)
    if after is None:
        return None
    before = next((one for one in reversed(said) if one[0] < gap.start_s), (-math.inf, 0))
    times_s, extended = sight.stream.columns.times_s, order_of(sight.stream.columns.seqs).extended
    inside = np.unique(extended[(times_s > before[0]) & (times_s <= after[0])])
    past = int(extended[times_s <= before[0]].max(initial=int(extended[0]) - 1))
    found = _Counted(int(inside[-1]) - past, after[1] - before[1], len(inside))
    return found if found.came - RACE <= found.sent <= found.numbers + RACE else None


def _stays_late(stream: Stream, gap: Gap) -> bool:
    """Whether the packets long after a gap are as late as those at its end: their sender's sound stood still."""
    if not stream.clock_hz:
        return False
    times_s = stream.columns.times_s
    delay_s = times_s - unwrap_timestamps(stream.columns.timestamps) / stream.clock_hz
    end_s = gap.start_s + gap.by_arrival_s
    before = delay_s[(times_s <= gap.start_s) & (times_s > gap.start_s - SETTLES_S)]
    after = delay_s[(times_s > end_s + SETTLED_S) & (times_s < end_s + SETTLES_S)]
    if not len(before) or not len(after):
        return False
    return float(after.min() - np.median(before)) >= STAYS * (gap.by_arrival_s - gap.by_timestamp_s)


def _cause(who: Who, gap: Gap, where: str, evidence: str) -> Cause:
    return Cause(who=who, where=where, evidence=evidence, at_s=gap.start_s, length_s=gap.length_s)
