"""What a page shows of a file that somebody has: a capture or a recording, without the run that it comes from."""

from __future__ import annotations

import shlex
from collections.abc import Iterator, Sequence
from pathlib import Path

from b2b import clock
from harness.dtmf import detect
from harness.expect import Expectations
from harness.judging.files import named
from harness.report.environment import environment
from harness.report.page import chains, files, ladder, tracks
from harness.report.page.findings import findings
from harness.report.page.hops import Hop
from harness.report.page.tracks import Sound, Way, draw
from harness.report.page.view import PLAYED, RECORDING, Track, View
from harness.sound import RATE, compare, decode, read_sound
from harness.verdict import Verdict
from harness.wire.audio import Audio, audio_in
from harness.wire.bulk import collect_file
from harness.wire.collect import Wire
from harness.wire.streams import Flow

MOST_OCTETS = 100_000_000  # of a capture whose sound the page carries


def view_of_capture(path: Path, verdict: Verdict, wanted: Expectations, page: Path) -> View:
    """Gather what a capture holds. Raises CaptureError for what is none."""
    wire, warnings = collect_file(path)
    sounds = _sounds(path)
    hops = list(_hops(wire, sounds))
    began = [hop.origin_s for hop in hops] or [sighting.time_s for sighting in wire.sip]
    origin_s = min(began, default=0.0)
    drawn = draw([], hops, verdict.checks, limit_ms=wanted.max_gap_ms, origin_s=origin_s)
    rows = chains.of_hops(hops, verdict.checks)
    signalled = [sighting.time_s - origin_s for sighting in wire.sip]
    return View(
        name=path.name,
        outcome=verdict.outcome,
        reason=verdict.reason,
        facts={
            **({"captured": clock.timestamp(origin_s)[:19].replace("T", " ")} if began else {}),
            "streams": str(len(wire.streams)),
            "SIP messages": str(len(wire.sip)),
            **({"damaged": "; ".join(warnings)} if warnings else {}),
        },
        chains=rows[: chains.MOST],
        rows_left_out=max(0, len(rows) - chains.MOST),
        findings=findings(verdict.checks, drawn),
        tracks=drawn.tracks,
        strips=drawn.strips,
        hops_left_out=sum(hop.stream is not None for hop in hops) - len(drawn.strips),
        legs=[{"name": hop.title, **chains.figures(hop)} for hop in hops],
        without_legs="there is no RTP in the capture",
        ladder=ladder.ladder(wire.sip, {}, origin_s, rows),
        versions=environment(),
        downloads=[files.of_verdict(verdict), *files.downloads(path.parent, {path.name: "the capture"}, page)],
        commands={"judge it again": shlex.join(["b2b", "judge", str(path)])},
        start_s=min([drawn.start_s, *signalled]),
        end_s=max([drawn.end_s, *signalled]),
        origin_s=origin_s,
    )


def view_of_recording(
    path: Path, reference: Path | None, verdict: Verdict, page: Path, gains: Sequence[float] = (1.0,)
) -> View:
    """Gather what a recording holds, and the file that was played if there is one. Raises SoundError for no sound."""
    samples = read_sound(path)
    digits = detect(samples, RATE)
    file, hearing = None, None
    if reference is not None:
        played = decode(reference)
        hearing = compare(played, samples, gain=gains, digits=digits)
        file = Sound(track=Track(id="file", title="played", kind=PLAYED, file=reference.name), samples=played)
    track = Track(id="heard", title="heard", kind=RECORDING, file=path.name)
    heard = tracks.of_recording(samples, track, where=path.stem, digits=digits, hearing=hearing)
    drawn = draw([Way(file, [heard])], [], verdict.checks, limit_ms=Expectations().max_gap_ms, origin_s=0.0)
    listed = {path.name: "the recording"}
    compared = ["--reference", str(reference)] if reference else []
    return View(
        name=path.name,
        outcome=verdict.outcome,
        reason=verdict.reason,
        facts={"recording": f"{len(samples) / RATE:.1f} s"},
        findings=findings(verdict.checks, drawn),
        tracks=drawn.tracks,
        without_legs="a recording tells nothing of the wire",
        digits={path.stem: digits},
        versions=environment(),
        downloads=[files.of_verdict(verdict), *files.downloads(path.parent, listed, page)],
        commands={"judge it again": shlex.join(["b2b", "judge", str(path), *compared])},
        start_s=drawn.start_s,
        end_s=drawn.end_s,
    )


def _hops(wire: Wire, sounds: dict[tuple[Flow, int], Audio]) -> Iterator[Hop]:
    for name, leg, stream in named(wire):
        parties = leg.name if leg else str(stream.flow)
        src, dst = parties.split(" -> ")
        several = sum(other.flow == stream.flow for other in wire.streams) > 1 or (leg and len(leg.streams) > 1)
        title = parties.replace("->", "→") + (f" {stream.ssrc:#010x}" if several else "")
        origin_s = leg.answered_at_s if leg and leg.answered_at_s is not None else stream.start_s
        audio = sounds.get((stream.flow, stream.ssrc))
        yield Hop(
            name=name, title=title, src=src, dst=dst, leg=leg, stream=stream, audio=audio, origin_s=origin_s
        )


def _sounds(path: Path) -> dict[tuple[Flow, int], Audio]:
    """Return the sound of each stream; of a very large capture none."""
    if path.stat().st_size > MOST_OCTETS:
        return {}
    return audio_in(path)
