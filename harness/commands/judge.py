"""`b2b judge`: the verdict on a run folder, a capture or a recording, at any time and on any machine."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import click

from b2b.errors import UsageError
from b2b.logs import printable
from b2b.plan.load import EXPECT, load_plan
from b2b.plan.resolve import LOOPBACK, resolve
from harness.call import RESOLVED, Call
from harness.expect import AS_AGREED, Expectations, SinkExpectation, expectations
from harness.heard_by import heard_by
from harness.listener import Listener
from harness.memory import keep_freed
from harness.report.page import making
from harness.verdict import Outcome, Verdict

if TYPE_CHECKING:
    from b2b.plan.model import Plan
    from harness.report.page.view import View

Gather = Callable[[Path], "View"]
EXIT_CODES = {Outcome.PASS: 0, Outcome.FAIL: 1, Outcome.UNKNOWN: 2}
MARKS = {Outcome.PASS: "✓", Outcome.FAIL: "✗", Outcome.UNKNOWN: "?"}
CAPTURES = {b"\xd4\xc3\xb2\xa1", b"\xa1\xb2\xc3\xd4", b"\x4d\x3c\xb2\xa1", b"\xa1\xb2\x3c\x4d", b"\x0a\x0d\x0d\x0a"}
WANTED = "a run folder, a capture (pcap, pcapng) or a recording (WAV)"


@click.command(epilog="Exit codes: 0 pass, 1 fail, 2 could not tell, 64 for what cannot be judged at all.")
@click.argument("what", metavar="RUN|FILE.pcap|FILE.wav", type=click.Path(path_type=Path))
@click.option("--reference", metavar="FILE", type=click.Path(path_type=Path),
              help="The sound that was played, for a recording by itself.")  # fmt: skip
@click.option("--plan", "plan_file", metavar="PLAN", type=click.Path(path_type=Path),
              help="Take [expect] from this plan; default: the run's own, else the defaults.")  # fmt: skip
@click.option("--report", metavar="PAGE.html", type=click.Path(path_type=Path),
              help="Write the page about it there; default: a run's own report.html, for a file none.")  # fmt: skip
@click.option("--json", "as_json", is_flag=True, help="Print the verdict as verdict.json has it.")
def judge(what: Path, reference: Path | None, plan_file: Path | None, as_json: bool, report: Path | None) -> int:
    """Judge a call that has been made: every check, with what was wanted and what came."""
    keep_freed()
    verdict, gather = _judged(what, reference, plan_file)
    page = report or (what / making.PAGE if what.is_dir() else None)
    trouble = making.make(gather, page) if page else ""
    if as_json:
        click.echo(verdict.to_json(), nl=False)
    else:
        for check in verdict.checks:
            click.echo(printable(f"{MARKS[check.outcome]} {check}"))
        if page and not trouble:
            click.echo(printable(f"report: {page}"))
        click.echo(printable(f"{verdict.outcome.value}: {verdict.reason}"))
    if trouble:
        click.echo(printable(f"Warning: {trouble}"), err=True)
    return EXIT_CODES[verdict.outcome]


def _judged(what: Path, reference: Path | None, plan_file: Path | None) -> tuple[Verdict, Gather]:
    """Find out what it is, and judge that; also return what gathers a page of it. Raises UsageError for none of it."""
    if what.is_dir():
        return _run(what, reference, plan_file)
    head = _head(what)
    if head[:4] in CAPTURES:
        if reference:
            click.echo("Warning: a capture is not compared with --reference; a run or a recording is", err=True)
        wanted = _expected(plan_file) if plan_file else Expectations(codec=AS_AGREED)
        for sink in [name for name, expected in wanted.sinks.items() if expected.dtmf is not None]:
            click.echo(f"Warning: what {sink} is to hear is judged by a run or a recording, not by a capture", err=True)
        return _capture(what, wanted)
    if head[:4] == b"RIFF":
        return _recording(what, reference, *_expected_of_sink(what, plan_file))
    raise UsageError(f"{what}: wanted {WANTED}, and it is none of them")


def _run(folder: Path, reference: Path | None, plan_file: Path | None) -> tuple[Verdict, Gather]:
    if not (folder / RESOLVED).exists():
        raise UsageError(f"{folder}: wanted {WANTED}; this folder has no {RESOLVED}, so it is no run")
    from harness.judging.run import judge as judge_run

    call = Call(folder, reference=reference)
    wanted = _expected(plan_file) if plan_file else expectations(call.plan) or Expectations()
    sinks = {listener.node.name: SinkExpectation() for listener in call.listeners}
    verdict = judge_run(call, replace(wanted, sinks={**sinks, **wanted.sinks}))
    return verdict, making.of_run(call, verdict)


def _capture(path: Path, wanted: Expectations) -> tuple[Verdict, Gather]:
    from harness.judging.files import judge_capture

    try:
        verdict = judge_capture(path, wanted)
    except ValueError as error:
        raise UsageError(str(error)) from None

    def gather(page: Path) -> View:
        from harness.report.page.of_file import view_of_capture

        return view_of_capture(path, verdict, wanted, page)

    return verdict, gather


def _recording(
    path: Path, reference: Path | None, wanted: SinkExpectation, gains: Sequence[float]
) -> tuple[Verdict, Gather]:
    from harness.judging.files import judge_recording

    verdict = judge_recording(path, reference, wanted, gains)

    def gather(page: Path) -> View:
        from harness.report.page.of_file import view_of_recording

        return view_of_recording(path, reference, verdict, page, gains)

    return verdict, gather


def _expected(plan_file: Path | None) -> Expectations:
    """Return what a plan expects; the defaults without one. Raises UsageError for a plan that expects nothing."""
    if plan_file is None:
        return Expectations()
    plan = _resolved(plan_file)
    if (wanted := expectations(plan)) is None:
        raise UsageError(f"{plan_file}: wanted a table [expect], came none, so there is nothing to judge by")
    return wanted


def _resolved(plan_file: Path) -> Plan:
    return resolve(load_plan(plan_file, known_tables={EXPECT}, to_run=False), host_ip=LOOPBACK)


def _expected_of_sink(recording: Path, plan_file: Path | None) -> tuple[SinkExpectation, Sequence[float]]:
    """Return what the plan expects of the sink that a recording is named after, or of its only one, and its gains."""
    if plan_file is None:
        return SinkExpectation(), [1.0]
    sinks = _expected(plan_file).sinks
    if recording.stem not in sinks and len(sinks) != 1:
        known = ", ".join(sinks) or "it has none"
        raise UsageError(f"{recording}: wanted the name of a sink of {plan_file} ({known}), as NAME.wav")
    name = recording.stem if recording.stem in sinks else next(iter(sinks))
    plan = _resolved(plan_file)
    node = plan.node(name)
    return sinks[name], Listener(node, heard_by(node, plan), recording).gains


def _head(path: Path) -> bytes:
    try:
        if path.exists() and not path.is_file():  # for a pipe or a device we might wait for ever
            raise UsageError(f"{path}: wanted {WANTED}, and it is no file")
        with path.open("rb") as file:
            return file.read(12)
    except OSError as error:
        raise UsageError(f"{path}: wanted {WANTED}, but it cannot be read: {error.strerror}") from None
