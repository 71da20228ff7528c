"""`b2b judge`: the verdict on a run folder, a capture or a recording, at any time and on any machine."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import click

from b2b.errors import UsageError
from b2b.plan.load import EXPECT, load_plan
from b2b.plan.resolve import LOOPBACK, resolve
from harness.call import RESOLVED, Call
from harness.expect import Expectations, SinkExpectation, expectations
from harness.verdict import Outcome, Verdict

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
@click.option("--json", "as_json", is_flag=True, help="Print the verdict as verdict.json has it.")
def judge(what: Path, reference: Path | None, plan_file: Path | None, as_json: bool) -> int:
    """Judge a call that has been made: every check, with what was wanted and what came."""
    verdict = _judged(what, reference, plan_file)
    if as_json:
        click.echo(verdict.to_json(), nl=False)
    else:
        for check in verdict.checks:
            click.echo(f"{MARKS[check.outcome]} {check}")
        click.echo(f"{verdict.outcome.value}: {verdict.reason}")
    return EXIT_CODES[verdict.outcome]


def _judged(what: Path, reference: Path | None, plan_file: Path | None) -> Verdict:
    """Find out what it is, and judge that. Raises UsageError for what is none of it."""
    if what.is_dir():
        return _run(what, reference, plan_file)
    head = _head(what)
    from harness.judging.files import judge_capture, judge_recording

    if head[:4] in CAPTURES:
        try:
            return judge_capture(what, _expected(plan_file))
        except ValueError as error:
            raise UsageError(str(error)) from None
    if head[:4] == b"RIFF":
        return judge_recording(what, reference, _expected_of_sink(what, plan_file))
    raise UsageError(f"{what}: wanted {WANTED}, and it is none of them")


def _run(folder: Path, reference: Path | None, plan_file: Path | None) -> Verdict:
    if not (folder / RESOLVED).exists():
        raise UsageError(f"{folder}: wanted {WANTED}; this folder has no {RESOLVED}, so it is no run")
    from harness.judging.run import judge as judge_run

    call = Call(folder, reference=reference)
    wanted = _expected(plan_file) if plan_file else expectations(call.plan) or Expectations()
    sinks = {listener.node.name: SinkExpectation() for listener in call.listeners}
    return judge_run(call, replace(wanted, sinks={**sinks, **wanted.sinks}))


def _expected(plan_file: Path | None) -> Expectations:
    """Return what a plan expects; the defaults without one. Raises UsageError for a plan that expects nothing."""
    if plan_file is None:
        return Expectations()
    plan = resolve(load_plan(plan_file, known_tables={EXPECT}, to_run=False), host_ip=LOOPBACK)
    if (wanted := expectations(plan)) is None:
        raise UsageError(f"{plan_file}: wanted a table [expect], came none, so there is nothing to judge by")
    return wanted


def _expected_of_sink(recording: Path, plan_file: Path | None) -> SinkExpectation:
    """Return what the plan expects of the sink that a recording is named after, or of its only one."""
    sinks = _expected(plan_file).sinks
    if plan_file and recording.stem not in sinks and len(sinks) != 1:
        raise UsageError(f"{recording}: wanted the name of a sink of {plan_file} ({', '.join(sinks)}), as NAME.wav")
    return sinks.get(recording.stem) or next(iter(sinks.values()), SinkExpectation())


def _head(path: Path) -> bytes:
    try:
        with path.open("rb") as file:
            return file.read(12)
    except OSError as error:
        raise UsageError(f"{path}: wanted {WANTED}, but it cannot be read: {error.strerror}") from None
