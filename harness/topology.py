"""Makes the call of a plan and hands it over to be looked at: the context manager below the pytest fixtures."""

from __future__ import annotations

import contextlib
import os
import selectors
import shutil
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from subprocess import Popen
from typing import Any

from b2b import child, clock
from b2b.errors import ExitCode, UsageError
from b2b.orchestrator.folder import RUNS
from b2b.plan.change import changes_of, format_change
from harness.call import Call
from harness.errors import NoCallError
from harness.verdict import Outcome

PATIENCE_S = (30.0, 10.0)  # the orchestrator needs --kill-ms to end what does not want to end
TICK_S = 1.0
CHUNK = 65536
LAST_LINES = 5

Watch = Callable[[str | None], None]


@contextlib.contextmanager
def topology(
    plan: str | Path,
    *,
    run_dir: Path | None = None,
    duration_s: float | None = None,
    network: str = "auto",
    keep: str = "all",
    **changes: Mapping[str, Any],
) -> Iterator[Call]:
    """Make the call of a plan, and let the block look at it once it is over.

        with topology("plans/smk.plan.toml", duration_s=10, mixer={"mix_gain_in": 0.25}) as call:
            assert call.sink.dtmf == "123#" * 4

    `changes` are the plan's tables and nodes with the keys to change. `run_dir` is the run folder, by default a new
    one below reports/runs/; `keep` says whether it stays: "all", "failed" for a call that did not pass or a block that
    raised, or "none". Raises UsageError for a plan that cannot be used, NoCallError where there was no call.
    """
    folder = run_dir or new_folder(RUNS, Path(plan).name.partition(".")[0])
    good = False
    try:
        call = make_call(plan, folder, changes=changes, duration_s=duration_s, network=network)
        yield call
        good = call.verdict is None or call.verdict.outcome is Outcome.PASS
    finally:
        if not kept(keep, good=good):
            shutil.rmtree(folder, ignore_errors=True)


def kept(keep: str, *, good: bool) -> bool:
    """Whether a run folder stays."""
    return keep == "all" or (keep == "failed" and not good)


def new_folder(runs: Path, name: str) -> Path:
    """Make an empty folder, named after the time and what is run, that nobody else has."""
    for number in range(1000):
        folder = runs / f"{clock.stamp()}-{name}{f'-{number}' if number else ''}"
        with contextlib.suppress(FileExistsError):
            runs.mkdir(parents=True, exist_ok=True)
            folder.mkdir(mode=0o700)
            return folder
    raise UsageError(f"cannot make a folder of its own for {name} below {runs}")


def make_call(
    plan: str | Path,
    folder: Path,
    *,
    changes: Mapping[str, Mapping[str, Any]] | None = None,
    duration_s: float | None = None,
    network: str = "auto",
    watch: Watch = lambda line: None,
) -> Call:
    """Run a plan to its end and return the call; `watch` gets each line of the log, and None once a second.

    Raises UsageError for a plan that cannot be used, NoCallError where there was no call, or nobody could judge it.
    """
    command = [*child.python_command("b2b"), "orchestrator", "--plan", str(plan), "--run-dir", str(folder)]
    command += ["--network", network, "--free-ports", "--color", "never"]
    command += ["--duration-s", repr(float(duration_s))] if duration_s is not None else []
    for keys, value in changes_of(changes or {}):
        command += ["--set", format_change(keys, value)]
    code, lines = _follow(child.start(command), watch)
    if code == ExitCode.USAGE:
        raise UsageError(_sentence(lines))
    call = Call(folder)
    judged = code in (ExitCode.OK, ExitCode.CHECK_FAILED) or call.verdict is not None
    if not call.was_made or not judged:
        raise NoCallError(_why(call, lines), code)
    return call


def _follow(process: Popen[bytes], watch: Watch) -> tuple[int, list[str]]:
    """Pass on what a process says until it ends; it is stopped when whoever watches raises."""
    lines: list[str] = []
    try:
        for line in _lines(process):
            if line is not None:
                lines.append(line)
            watch(line)
        return process.wait(), lines
    finally:
        child.stop(process, patience_s=PATIENCE_S)


def _lines(process: Popen[bytes]) -> Iterator[str | None]:
    """Yield each line of a process's output as it comes, and None in each second without one."""
    assert process.stdout
    rest = b""
    with process.stdout as pipe, selectors.DefaultSelector() as selector:
        selector.register(pipe, selectors.EVENT_READ)
        while True:
            if not selector.select(TICK_S):
                yield None
                continue
            if not (read := os.read(pipe.fileno(), CHUNK)):
                return
            *whole, rest = (rest + read).split(b"\n")
            yield from (line.decode(errors="replace") for line in whole)


def _why(call: Call, lines: Sequence[str]) -> str:
    if failed := call.summary["failed_first"]:
        return f"{failed['node']}: exit {failed['code']}: {failed['reason']}; look into {call.folder}"
    return f"{_sentence(lines)}; look into {call.folder}"


def _sentence(lines: Sequence[str]) -> str:
    """Return the error among the last lines, or else all of them."""
    errors = [line.removeprefix("Error: ") for line in lines if line.startswith("Error: ")]
    return errors[-1] if errors else " / ".join(lines[-LAST_LINES:]) or "the orchestrator said nothing"
