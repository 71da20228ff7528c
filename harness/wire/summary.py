"""All that is known of a stream, under the names that `b2b rtp --json` has for it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from harness.wire.emodel import mos, r_factor
from harness.wire.events import Event, events
from harness.wire.figures import COMFORT_NOISE
from harness.wire.legs import Leg
from harness.wire.loss import losses
from harness.wire.skew import skew_ppm
from harness.wire.streams import Stream, ssrc_changes


def summaries(streams: Sequence[Stream], legs: Sequence[Leg]) -> list[dict[str, Any]]:
    """Return the figures of all streams of a capture, with what only their neighbours tell."""
    of = {id(stream): leg for leg in legs for stream in leg.streams}
    mute = {leg.call_id for leg in one_way(legs)}
    before = {(change.flow, change.after): change.before for change in ssrc_changes(streams)}
    return [
        {
            **summary(stream, leg := of.get(id(stream))),
            "ssrc_before": before.get((stream.flow, stream.ssrc)),
            "one_way": bool(leg and leg.call_id in mute),
        }
        for stream in streams
    ]


def summary(stream: Stream, leg: Leg | None) -> dict[str, Any]:
    """Return a stream's figures as plain values; None for what is not known. `leg` is the call that it belongs to."""
    return {
        **_identity(stream, leg),
        **_counts(stream),
        **_times(stream),
        **_quality(stream),
        "digits": [
            {"digit": event.key, "at_s": _round(event.at_s), "length_s": _round(event.length_s), "ended": event.ended}
            for event in keys(stream)
        ],
        "after_bye": after_bye(stream, leg),
    }


def keys(stream: Stream) -> list[Event]:
    """Return the keys that came as telephone-events; needs the stream's payloads."""
    found: list[Event] = []
    for kind in stream.payload_types:
        codec = stream.codecs.get(kind)
        if codec and codec.name.lower() == "telephone-event":
            found += events(stream, kind, codec.clock_hz)
    return sorted(found, key=lambda event: event.at_s)


def after_bye(stream: Stream, leg: Leg | None) -> int:
    """Count the packets that came after the call's BYE had been answered, or asked for."""
    if leg is None or leg.ended_at_s is None:
        return 0
    return int(np.sum(stream.columns.times_s > leg.ended_at_s))


def one_way(legs: Sequence[Leg]) -> list[Leg]:
    """Return the legs of answered calls that were to carry sound and did not, while the other direction did."""
    return [
        leg
        for leg in legs
        if leg.sends and leg.answered_at_s and not leg.payload_types_used
        and any(other.call_id == leg.call_id and other.payload_types_used for other in legs)
    ]  # fmt: skip


def _identity(stream: Stream, leg: Leg | None) -> dict[str, Any]:
    flow = stream.flow
    return {
        "src": flow.src, "sport": flow.sport, "dst": flow.dst, "dport": flow.dport, "ssrc": stream.ssrc,
        "leg": leg.name if leg else None, "call_id": leg.call_id if leg else None,
        "payload_types": list(stream.payload_types), "codec": stream.codec.name if stream.codec else None,
        "clock_hz": stream.clock_hz, "ptime_ms": stream.ptime_ms,
        "start_s": _round(stream.start_s), "duration_s": _round(stream.duration_s),
    }  # fmt: skip


def _counts(stream: Stream) -> dict[str, Any]:
    lost = losses(stream.numbers)
    noise = sum(count for kind, count in stream.payload_types.items() if kind in COMFORT_NOISE)
    return {
        "packets": stream.packets, "expected": stream.expected, "lost": stream.lost, "missing": stream.missing,
        "duplicates": stream.duplicates, "reordered": stream.reordered, "late": stream.late,
        "bursts": lost.bursts, "burst_density": _round(lost.burst_density), "mean_burst": _round(lost.mean_burst),
        "gap_density": _round(lost.gap_density), "longest_run_lost": lost.longest_run,
        "comfort_noise": noise, "markers": stream.markers, "wraps": stream.wraps, "restarts": stream.restarts,
    }  # fmt: skip


def _times(stream: Stream) -> dict[str, Any]:
    skew = skew_ppm(stream.columns.times_s, stream.columns.timestamps, stream.clock_hz or 0)
    return {
        "min_delta_ms": _round(stream.delta.min_ms), "mean_delta_ms": _round(stream.delta.mean_ms),
        "max_delta_ms": _round(stream.delta.max_ms), "jitter_mean_ms": _round(stream.jitter.mean_ms),
        "jitter_p95_ms": _round(stream.jitter.p95_ms), "jitter_max_ms": _round(stream.jitter.max_ms),
        "max_gap_arrival_ms": stream.max_gap_arrival_ms, "max_gap_timestamp_ms": stream.max_gap_timestamp_ms,
        "skew_ppm": None if skew is None else round(skew, 1),
    }  # fmt: skip


def _quality(stream: Stream) -> dict[str, Any]:
    percent = 100 * stream.missing / (stream.missing + len(stream.numbers))
    r = r_factor(stream.codec.name, percent, losses(stream.numbers).mean_run) if stream.codec else None
    return {"r_factor": None if r is None else round(r, 1), "mos_lqe": None if r is None else round(mos(r), 2)}


def _round(value: float) -> float:
    return round(float(value), 6)
