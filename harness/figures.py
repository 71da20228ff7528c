"""The figures of a call, leg by leg and sink by sink: measured once and kept in its run folder."""

from __future__ import annotations

import contextlib
import json
import math
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, TypeGuard

from b2b.errors import AudioError, B2bError, UsageError
from harness.call import IN_CALL, Call
from harness.evidence import read_object
from harness.jsonl import fits
from harness.judging.sound import in_call
from harness.listener import Listener

FILE = "figures.json"
UNREADABLE = (B2bError, OSError, ValueError, LookupError, TypeError, AttributeError)  # what half a file may lead to
VERSION = 1  # of what is in it; another one is measured anew
WORDS = ("codec", "digits")
OF_LEG = (
    "codec", "packets", "missing", "late", "reordered", "duplicates", "max_gap_arrival_ms", "max_gap_timestamp_ms",
    "jitter_mean_ms", "jitter_p95_ms", "jitter_max_ms", "skew_ppm", "mos_lqe",
)  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class Figures:
    """Figures by name for each leg, as `b2b rtp --json` names them, and for each sink; None for what is not known."""

    legs: Mapping[str, Mapping[str, Any]]
    sinks: Mapping[str, Mapping[str, Any]]


def figures_of(call: Call) -> Figures:
    """Return a call's figures, out of its folder if they are there, else measured and kept there."""
    if kept := _kept(call.folder):
        return kept
    figures = Figures(legs=dict(_legs(call)), sinks={one.node.name: _sink(call, one) for one in call.listeners})
    with contextlib.suppress(OSError):  # somebody else's folder
        keep(call.folder, figures)
    return figures


def _kept(folder: Path) -> Figures | None:
    """Return what was kept; None where it is of another version or damaged."""
    with contextlib.suppress(UsageError):
        values = read_object(folder / FILE)
        legs, sinks = values.get("legs"), values.get("sinks")
        if values.get("version") == VERSION and _are_of_each(legs) and _are_of_each(sinks):
            return Figures(legs=legs, sinks=sinks)
    return None


def _are_of_each(values: Any) -> TypeGuard[dict[str, dict[str, Any]]]:
    """Whether they are figures of legs or sinks: words where words are wanted, and else numbers or not known."""
    return isinstance(values, dict) and all(
        isinstance(one, dict)
        and all(fits(value, str | None if name in WORDS else float | None) for name, value in one.items())
        for one in values.values()
    )


def keep(folder: Path, figures: Figures) -> None:
    """Write the figures into a run folder."""
    text = json.dumps({"version": VERSION, **asdict(figures)}, indent=2, ensure_ascii=False) + "\n"
    (folder / FILE).write_text(text, encoding="utf-8")


def _legs(call: Call) -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield the legs from or to a node of the plan that carried RTP; a capture that is none has no legs."""
    from harness.wire.summary import summary

    seen: dict[str, int] = {}
    for leg in call.legs:
        if not leg.stream or not (leg.src or leg.dst):
            continue
        seen[leg.name] = seen.get(leg.name, 0) + 1
        name = leg.name if seen[leg.name] == 1 else f"{leg.name} ({seen[leg.name]})"
        values = summary(leg.rtp, leg)
        yield name, {key: values[key] for key in OF_LEG}


def _sink(call: Call, listener: Listener) -> dict[str, Any]:
    """Return what a sink heard; a recording or a source's file that is gone leaves its figures unknown."""
    values: dict[str, Any] = dict.fromkeys(("length_s", "digits", "rms_dbov", "delay_ms", "level_db", "snr_db"))
    values |= dict.fromkeys(("worst_snr_db", "worst_gap_ms", "clipped"))
    with contextlib.suppress(AudioError):
        values |= {"length_s": listener.length_s, "digits": listener.dtmf, "rms_dbov": listener.level.rms_dbov}
        hearing = listener.hearing
        if hearing and hearing.matched:
            gaps = [gap.length_s for gap in in_call(hearing, listener.length_s) if gap.breaks]
            values |= {
                "delay_ms": _delay_ms(call, listener, hearing.delay_s),
                "level_db": hearing.level_db, "snr_db": hearing.snr_db, "worst_snr_db": hearing.worst_snr_db,
                "worst_gap_ms": 1000 * max(gaps, default=0.0),
                "clipped": hearing.clipped,
            }  # fmt: skip
    return {key: _plain(value) for key, value in values.items()}


def _delay_ms(call: Call, listener: Listener, delay_s: float) -> float | None:
    """Return when the source's file began to be heard, after its own call was answered and it began to play."""
    answered = {e["node"]: e["wall_s"] for e in reversed(call.events) if e["event"] == IN_CALL}
    played_s, recorded_s = (answered.get(node.name) for node in (listener.chain[0], listener.node))
    return None if played_s is None or recorded_s is None else 1000 * (recorded_s + delay_s - played_s)


def _plain(value: Any) -> Any:
    """Return a value as JSON can have it."""
    if not isinstance(value, float):
        return value
    return round(value, 3) if math.isfinite(value) else None
