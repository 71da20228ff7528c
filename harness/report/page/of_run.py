"""What a page shows of a run: everything that its folder has."""

from __future__ import annotations

import itertools
import shlex
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from b2b import clock
from b2b.errors import B2bError
from harness.call import PCAP, RESOLVED, SENT, Call
from harness.impair.ledger import FILE as IMPAIRED
from harness.impair.ledger import Deed
from harness.listener import Listener
from harness.phases import phases
from harness.report.environment import environment, noted
from harness.report.page import chains, charts, files, ladder, log, tracks
from harness.report.page.findings import findings
from harness.report.page.hops import Hop, gap_limit_ms
from harness.report.page.tracks import Drawn, Sound, Way, draw, of_hop
from harness.report.page.view import HERE, PLAYED, RECORDING, LogLine, Mark, Track, View
from harness.verdict import Outcome, Verdict

if TYPE_CHECKING:
    from harness.sound.g711 import Samples

ANSWERED = "CALL_ESTABLISHED"
NAMES = {
    "summary.json": "exit codes and last metrics",
    RESOLVED: "the plan as resolved",
    "run.log": "the merged log",
    "events.jsonl": "every event",
    "metrics.jsonl": "every line of metrics",
    "host.jsonl": "stalls of the machine",
    "capture.json": "what the capture came to",
    PCAP: "SIP, RTP and RTCP",
    SENT: "the same before the plan impaired it",
    IMPAIRED: "what the plan had done to packets",
}
MOST_DEEDS = 3000
AROUND_S = 5.0  # of a run that is shown before and after its sound


def view_of_run(call: Call, verdict: Verdict | None, page: Path | None, *, most_s: float | None = None) -> View:
    """Gather what there is; `page` is where the page will lie, None for one that is passed on without its folder.

    `most_s` is how much sound it may carry, by default as much as a page can.
    """
    judged = [files.of_verdict(verdict)] if verdict else []
    verdict = verdict or Verdict(Outcome.UNKNOWN, _without_verdict(call), [])
    origin_s = _origin(call)
    planned = (call.folder / RESOLVED).exists()
    hops = list(_hops(call, origin_s))
    ways = list(_ways(call, hops, origin_s))
    drawn = draw(ways, hops, verdict.checks, limit_ms=gap_limit_ms(call), origin_s=origin_s, most_s=most_s)
    lines, left_out = log.shortened(log.merged(call.folder, call.events, origin_s))
    start_s, end_s = _extent(call, drawn, lines, origin_s)
    rows = chains.of_plan(call.plan, hops, verdict.checks, call.addresses) if planned else []
    versions, versions_of = _versions(call.folder)
    recordings = {listener.wav.name: f"what {listener.node.name} heard" for listener in call.listeners}
    return View(
        name=call.folder.name,
        outcome=verdict.outcome,
        reason=verdict.reason,
        facts=_facts(call),
        chains=rows[: chains.MOST],
        rows_left_out=max(0, len(rows) - chains.MOST),
        findings=findings(verdict.checks, drawn),
        tracks=drawn.tracks,
        strips=drawn.strips,
        hops_left_out=sum(hop.stream is not None for hop in hops) - len(drawn.strips),
        stalls=[Mark(stall.start_s - origin_s, stall.length_s, "stall") for stall in call.stalls],
        phases=[Mark(phase.start_s - origin_s, phase.end_s - phase.start_s, phase.name) for phase in phases(call)],
        impaired=[Mark(deed.at_s - origin_s, 0.0, _done(deed)) for deed in call.impaired.deeds[:MOST_DEEDS]],
        legs=[{"name": hop.title, **chains.figures(hop)} for hop in hops],
        without_legs=call.capture["refusal"],
        digits={listener.node.name: listener.digits for listener in call.listeners if _is_readable(listener)},
        ladder=ladder.ladder(call.wire.sip, call.addresses, origin_s, rows),
        charts=charts.charts(call.metrics, origin_s),
        log=lines,
        log_left_out=left_out,
        others_logs=log.of_nodes(call.folder),
        plan=(call.folder / RESOLVED).read_text("utf-8", errors="replace") if planned else "",
        versions=versions,
        versions_of=versions_of,
        downloads=[*judged, *files.downloads(call.folder, {**NAMES, **recordings}, page)],
        commands=_commands(call),
        start_s=start_s,
        end_s=end_s,
        origin_s=origin_s if call.events else None,
    )


def _done(deed: Deed) -> str:
    """Say what the plan did to a packet."""
    did = [
        f"lost ({deed.lost})" if deed.lost else "",
        f"delayed by {deed.delay_ms:.0f} ms" if deed.delay_ms else "",
        "doubled" if deed.copies > 1 else "",
        "overtaken" if deed.overtaken else "",
        "corrupted" if deed.flipped_bit is not None else "",
    ]
    return f"{deed.message or deed.kind} {deed.direction}: {', '.join(one for one in did if one)}"


def _extent(call: Call, drawn: Drawn, lines: Sequence[LogLine], origin_s: float) -> tuple[float, float]:
    """Return from when to when the timeline goes: around the sound, as far as something happened."""
    happened_s = [
        *(line.at_s for line in lines if line.at_s is not None),
        *(phase.start_s - origin_s for phase in phases(call)),
        *(sighting.time_s - origin_s for sighting in call.wire.sip),
    ]
    start_s, end_s = min([drawn.start_s, *happened_s]), max([drawn.end_s, *happened_s])
    return max(start_s, drawn.start_s - AROUND_S), min(end_s, drawn.end_s + AROUND_S)


def _without_verdict(call: Call) -> str:
    if failed := call.summary["failed_first"]:
        return f"{failed['node']} failed: {failed['reason']}"
    return "nothing was expected of this call" if call.was_made else "there was no call"


def _origin(call: Call) -> float:
    """Return what is 0 on the axis, in seconds since the epoch: the answer, or else whatever came first."""
    if call.answered_at_s is not None:
        return call.answered_at_s
    if call.wire.sip:
        return call.wire.sip[0].time_s
    return float(call.events[0]["wall_s"]) if call.events else 0.0


def _hops(call: Call, origin_s: float) -> Iterator[Hop]:
    """Yield the legs in the plan's order: first there, then back, then what else was captured."""
    pairs = [(node.name, callee) for node in call.plan.nodes for callee in node.callees] if call.legs else []
    wanted = [*pairs, *((dst, src) for src, dst in pairs)]
    place = {pair: at for at, pair in enumerate(wanted)}
    for leg in sorted(call.legs, key=lambda leg: place.get((leg.src or "", leg.dst or ""), len(wanted))):
        src, _, dst = leg.name.partition(" -> ")
        yield Hop(
            name=leg.name, title=leg.name.replace("->", "→"), src=src, dst=dst, leg=leg, stream=leg.stream,
            audio=call.audio(leg), origin_s=origin_s,
        )  # fmt: skip


def _ways(call: Call, hops: Sequence[Hop], origin_s: float) -> Iterator[Way]:
    """Yield for each listener what its source played, each hop that was captured, and the recording."""
    shown: set[str] = set()
    for at, listener in enumerate(call.listeners):
        names = [*(node.name for node in listener.chain), listener.node.name]
        pairs = list(itertools.pairwise(names))
        crossed = [hop for pair in pairs for hop in hops if (hop.src, hop.dst) == pair and hop.name not in shown]
        shown |= {hop.name for hop in crossed}
        sounds = [sound for n, hop in enumerate(crossed) if (sound := of_hop(hop, f"hop-{at}-{n}", origin_s))]
        yield Way(_file(listener, f"file-{at}"), [*sounds, _recording(call, listener, f"heard-{at}", origin_s)])


def _file(listener: Listener, id: str) -> Sound | None:
    if listener.played is None:
        return None
    name = listener.chain[0].name if listener.chain else listener.played.name
    samples, why = _read(lambda: listener.sent)
    track = Track(id=id, title=f"{name} played", kind=PLAYED, file=listener.played.name, why=why)
    return Sound(track=track, samples=samples)


def _recording(call: Call, listener: Listener, id: str, origin_s: float) -> Sound:
    name = listener.node.name
    samples, why = _read(lambda: listener.samples)
    hearing = listener.hearing if not why and not _read(lambda: listener.sent)[1] else None
    answered = (event["wall_s"] for event in call.events if (event["event"], event["node"]) == (ANSWERED, name))
    return tracks.of_recording(
        samples,
        Track(
            id=id, title=f"{name} heard", kind=RECORDING, start_s=next(answered, origin_s) - origin_s,
            file=listener.wav.name, why=why,
        ),
        where=name,
        digits=listener.digits if len(samples) else (),
        hearing=hearing,
    )  # fmt: skip


def _is_readable(listener: Listener) -> bool:
    """Whether there is a recording that can be read."""
    return not _read(lambda: listener.samples)[1]


def _read(sound: Callable[[], Samples | None]) -> tuple[Samples, str]:
    """Return a sound, and why there is none."""
    try:
        samples = sound()
    except (B2bError, OSError) as error:
        return tracks.NOTHING, str(error)
    return tracks.NOTHING if samples is None else samples, ""


def _facts(call: Call) -> dict[str, str]:
    """Return what a stranger asks first."""
    summary = call.summary
    began = next((clock.timestamp(event["wall_s"]) for event in call.events), "")
    return {
        "made": f"{began[:19].replace('T', ' ')} {began[23:]}" if began else "unknown",
        "call": f"{summary['duration_s']:.1f} s" if call.was_made else "none",
        "network": summary["network"] or "unknown",
        **({"speed": f"{call.speed:g}: all times are the call's"} if call.speed != 1 else {}),
        "stalls of this machine": str(len(call.stalls)),
        **({"by the plan": "; ".join(call.impaired.summary())} if call.impaired.deeds else {}),
    }


def _versions(folder: Path) -> tuple[Mapping[str, str], str]:
    """Return what the run was made with, as it noted down; of one that noted nothing, what judges it now."""
    return (then, "of the run") if (then := noted(folder)) else (environment(), HERE)


def _commands(call: Call) -> dict[str, str]:
    """Return how to repeat the run and how to judge it again, as they can be typed."""
    if not (call.folder / RESOLVED).exists():
        return {}
    plan = ["b2b", "--role", "orchestrator", "--plan", str(call.folder / RESOLVED)]
    lengths = [_after(event.get("command", []), "--duration-s") for event in call.events if event["event"] == "started"]
    length = next((length for length in lengths if length), "")
    network = ["--network", call.summary["network"]] if call.summary["network"] else []
    repeat = [*plan, *(["--duration-s", length] if length else []), *network]
    return {"repeat the run": shlex.join(repeat), "judge it again": shlex.join(["b2b", "judge", str(call.folder)])}


def _after(command: Sequence[str], option: str) -> str:
    return next((value for name, value in itertools.pairwise(command) if name == option), "")
