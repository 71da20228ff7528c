"""Gaps: distances between neighbouring packets of one stream, in RTP timestamps and in arrival.

Neighbours in timestamps are neighbours as they were sent, and neighbours in arrival as they came, so a packet that was
overtaken fills its place in both. Copies are left out. Digits and comfort noise excuse the silence around them but not
the packets that are missing beside them.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal, NamedTuple

import numpy as np

from harness.wire.order import Numbers, Order, signed

Kind = Literal["lost", "late", "silent"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Gap:
    """Two neighbours and how far they are apart: packets between them got lost, came late, or were not sent."""

    after_seq: int
    before_seq: int
    start_s: float  # when the earlier one came
    by_timestamp_s: float  # 0 where they are no neighbours in the order of sending, or the clock is not known
    by_arrival_s: float  # 0 where they are none in the order of arrival
    lost: int
    kind: Kind

    @property
    def length_s(self) -> float:
        """The larger of both distances."""
        return max(self.by_timestamp_s, self.by_arrival_s)


@dataclass(frozen=True, slots=True, kw_only=True)
class Distances:
    """All neighbours of a stream as columns: indices of both packets, seconds, and what is missing between them."""

    before: Numbers
    after: Numbers
    by_timestamp_s: Numbers
    by_arrival_s: Numbers
    lost: Numbers

    @property
    def length_s(self) -> Numbers:
        """The larger of both distances, for each pair."""
        return np.maximum(self.by_timestamp_s, self.by_arrival_s)


def frame_ticks(order: Order, timestamps: Numbers, audio: Numbers) -> int:
    """Return the usual step of the timestamp from one packet of sound to the next; 0 if there is none."""
    sound = order.sent[audio[order.sent]]
    steps = signed(np.diff(timestamps[sound].astype(np.int64)), 32)
    values, counts = np.unique(steps[steps > 0], return_counts=True)
    return int(values[np.argmax(counts)]) if len(values) else 0


def distances(order: Order, times_s: Numbers, timestamps: Numbers, audio: Numbers, clock_hz: int) -> Distances:
    """Measure a stream: `audio` says which packets are sound, `clock_hz` is the clock of those, 0 if not known."""
    seconds = _Seconds(timestamps, clock_hz)
    frame_s = frame_ticks(order, timestamps, audio) / clock_hz if clock_hz else 0.0
    sent = _as_sent(order, audio, seconds, frame_s)
    came = _as_come(order, times_s, audio, seconds, frame_s)
    # What came after the same gap is one gap, whichever packet was the last before it in either order.
    same = np.array_equal(sent.after, came.after)  # as in nearly all streams, and quickly known
    after = came.after if same else np.union1d(sent.after, came.after)
    in_sent, in_came = np.searchsorted(after, sent.after), np.searchsorted(after, came.after)
    found = Distances(
        before=np.zeros(len(after), np.int64),
        after=after,
        by_timestamp_s=np.zeros(len(after)),
        by_arrival_s=np.zeros(len(after)),
        lost=np.zeros(len(after), np.int64),
    )
    found.before[in_came], found.by_arrival_s[in_came] = came.before, came.length_s
    found.before[in_sent], found.by_timestamp_s[in_sent], found.lost[in_sent] = sent.before, sent.length_s, sent.lost
    return found


def gaps_at(found: Distances, places: Numbers, seqs: Numbers, times_s: Numbers, frame_s: float) -> Iterator[Gap]:
    """Yield the gaps at these places of the columns."""
    for place in places:
        before, after = int(found.before[place]), int(found.after[place])
        by_timestamp_s, by_arrival_s = float(found.by_timestamp_s[place]), float(found.by_arrival_s[place])
        lost = int(found.lost[place])
        yield Gap(
            after_seq=int(seqs[before]),
            before_seq=int(seqs[after]),
            start_s=float(times_s[before]),
            by_timestamp_s=by_timestamp_s,
            by_arrival_s=by_arrival_s,
            lost=lost,
            kind=_kind(by_timestamp_s, by_arrival_s, frame_s, lost),
        )


def _kind(by_timestamp_s: float, by_arrival_s: float, frame_s: float, lost: int) -> Kind:
    """Name what the larger part of a gap comes from."""
    if by_arrival_s - by_timestamp_s > max(0.0, by_timestamp_s - frame_s):
        return "late" if by_timestamp_s or not lost else "lost"
    return "lost" if lost else "silent"


class _Seconds:
    """Distances of timestamps in seconds; all 0 without a clock."""

    def __init__(self, timestamps: Numbers, clock_hz: int) -> None:
        self._stamps, self._clock_hz = timestamps.astype(np.int64), clock_hz

    def between(self, before: Numbers, after: Numbers) -> Numbers:
        if not self._clock_hz:
            return np.zeros(len(before))
        return np.asarray(signed(self._stamps[after] - self._stamps[before], 32) / self._clock_hz)


class _Pairs(NamedTuple):
    before: Numbers
    after: Numbers
    length_s: Numbers
    lost: Numbers


def _as_sent(order: Order, audio: Numbers, seconds: _Seconds, frame_s: float) -> _Pairs:
    """Return each packet of sound and the next as they were sent, their distance in timestamps, and what was lost."""
    sent, places = order.sent, np.flatnonzero(audio[order.sent])
    before, after = sent[places[:-1]], sent[places[1:]]
    length = np.maximum(0, seconds.between(before, after))
    apart = np.diff(places) > 1  # something else was sent between them
    lost = np.diff(order.extended[sent]) - 1
    if not _goes_on_under_digits(apart, length, frame_s):  # then what is missing between digits was digits too
        lost[~(audio[sent[:-1]] | audio[sent[1:]])] = 0
    lost = np.diff(np.concatenate(([0], np.cumsum(lost)))[places])
    # Between digits and sound nobody knows what was lost; it counts as sound, and the silence beyond that is excused.
    length = np.where(apart, np.minimum(length, (lost + 1) * frame_s), length)
    same_run = order.restart[after] == order.restart[before]
    return _Pairs(before[same_run], after[same_run], length[same_run], lost[same_run])


def _as_come(order: Order, times_s: Numbers, audio: Numbers, seconds: _Seconds, frame_s: float) -> _Pairs:
    """Return each packet of sound and the next as they came, and their distance in arrival."""
    arrived = order.arrived
    places = np.flatnonzero(audio[arrived])
    before, after = arrived[places[:-1]], arrived[places[1:]]
    length = np.round(np.maximum(0, times_s[after] - times_s[before]), 6)  # the clocks of captures tick in us
    apart = np.diff(places) > 1
    judged = ~apart | _goes_on_under_digits(apart, seconds.between(before, after), frame_s)
    return _Pairs(before[judged], after[judged], length[judged], np.zeros(int(judged.sum()), np.int64))


def _goes_on_under_digits(apart: Numbers, by_timestamp_s: Numbers, frame_s: float) -> bool:
    """Whether digits and comfort noise are sent beside the sound and not instead of it."""
    return bool(apart.any() and np.median(by_timestamp_s[apart]) < 1.5 * frame_s)
