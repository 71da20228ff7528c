"""The hops of a run or a capture: each stream of each leg, under the name that checks have for it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view

from harness.call import RESOLVED, Call
from harness.expect import Expectations, expectations
from harness.report.page import encode
from harness.report.page.view import Mark, Strip
from harness.sound.g711 import RATE, Samples
from harness.wire.figures import smoothed
from harness.wire.gaps import Gap
from harness.wire.legs import Leg
from harness.wire.order import Numbers, unwrap_timestamps
from harness.wire.streams import Stream

if TYPE_CHECKING:
    from harness.wire.audio import Audio

MOST_MARKS = 400
CAUGHT_UP = 50  # packets, within which late ones may catch up
STEP_S = 0.06
MOST_S = 3600.0  # of silence that is put in


@dataclass(frozen=True, slots=True, kw_only=True)
class Hop:
    """One direction of one call; `origin_s` is what its checks count from, in seconds since the epoch."""

    name: str
    title: str  # for a person
    src: str
    dst: str
    leg: Leg | None
    stream: Stream | None
    audio: Audio | None
    origin_s: float


def gap_limit_ms(call: Call) -> float:
    """Return how far apart packets may be: what the run's plan expects, or else the default."""
    planned = (call.folder / RESOLVED).exists()
    return float(((planned and expectations(call.plan)) or Expectations()).max_gap_ms)


def strip(hop: Hop, stream: Stream, id: str, *, limit_ms: float, origin_s: float) -> Strip:
    """Return the packets of a hop on the axis."""
    times_s = stream.columns.times_s
    deltas_ms = 1000 * np.diff(times_s)
    return Strip(
        id=id,
        title=hop.title,
        start_s=stream.start_s - origin_s,
        length_s=stream.duration_s,
        limit_ms=limit_ms,
        deltas=encode.floats(deltas_ms),
        jitter=encode.floats(_jitter_ms(stream, deltas_ms)),
        gaps=list(_gaps(stream, limit_ms / 1000, origin_s)),
        losses=list(_losses(stream, origin_s)),
    )


def as_captured(audio: Audio) -> Samples:
    """Return the sound of a hop as it came: where packets were late and stayed late there is silence before them.

    By its timestamps alone the sound after a sender's stall would lie before it was sent. Packets that were late and
    then caught up keep the place that their timestamps give them.
    """
    late_s = audio.times_s - audio.times_s[0] - audio.places / RATE
    following = np.concatenate([late_s, np.full(CAUGHT_UP - 1, np.inf)])
    floor_s = sliding_window_view(following, CAUGHT_UP).min(axis=1)
    steps = np.flatnonzero(np.abs(np.diff(floor_s)) > STEP_S) + 1
    if not len(steps) or floor_s.max() > MOST_S:
        return audio.samples
    pieces, ends = np.split(np.arange(len(late_s)), steps), [*audio.places[steps].tolist(), len(audio.samples)]
    shifts = [max(0, round(float(floor_s[piece[0]]) * RATE)) for piece in pieces]
    starts = [int(audio.places[piece[0]]) for piece in pieces]
    laid = np.zeros(max(end + shift for end, shift in zip(ends, shifts, strict=True)), np.int16)
    for start, end, shift in zip(starts, ends, shifts, strict=True):
        laid[start + shift : end + shift] = audio.samples[start:end]
    return laid


def _jitter_ms(stream: Stream, deltas_ms: Numbers) -> Numbers:
    """Return RFC 3550's interarrival jitter after each packet; 0 where the clock is not known."""
    if not stream.clock_hz or not len(deltas_ms):
        return np.zeros(len(deltas_ms))
    due_ms = 1000 * np.diff(unwrap_timestamps(stream.columns.timestamps)) / stream.clock_hz
    return smoothed(np.abs(deltas_ms - due_ms))


def _gaps(stream: Stream, limit_s: float, origin_s: float) -> Iterator[Mark]:
    for gap in _worst(stream.gaps(limit_s)):
        length_s = max(gap.by_arrival_s, 0.02)
        yield Mark(gap.start_s - origin_s, length_s, f"{1000 * gap.length_s:.0f} ms {gap.kind}")


def _losses(stream: Stream, origin_s: float) -> Iterator[Mark]:
    """Yield where packets are missing, however few."""
    if not stream.missing:
        return
    frame_s = (stream.ptime_ms or 20) / 1000
    for gap in _worst(gap for gap in stream.gaps(1.5 * frame_s) if gap.lost):
        yield Mark(gap.start_s - origin_s, max(gap.by_arrival_s, frame_s), f"{gap.lost} lost after {gap.after_seq}")


def _worst(gaps: Iterable[Gap]) -> list[Gap]:
    """Return the longest of many, in their order."""
    longest = sorted(gaps, key=lambda gap: gap.length_s, reverse=True)[:MOST_MARKS]
    return sorted(longest, key=lambda gap: gap.start_s)
