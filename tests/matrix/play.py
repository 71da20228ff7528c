"""Makes the call of a story, lets happen what happens in it, and looks at what became of it."""

from __future__ import annotations

import contextlib
import json
import os
import re
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from calls.places import PATIENCE_S, REPOSITORY, SAMPLE
from calls.processes import processes_of
from harness.jsonl import read_lines
from matrix import examine
from matrix.faults import FAULTS
from matrix.stories import (
    AGENTS,
    CANARY,
    ENDING,
    IMPAIRER,
    IN_CALL,
    JUDGING,
    ORCHESTRATOR,
    RINGING,
    ROLES,
    RUN_QUEUE,
    STARTING,
    UNREADY,
    WORKER,
    Story,
)

GRACE_MS, KILL_MS = 2000, 6000
CALL_S, INTO_CALL_S = 3.0, 1.0
END_S = 60.0  # for all of it: nothing may hang
POLL_S = 0.01
MODULES = {CANARY: "harness.canary", RUN_QUEUE: "harness.runqueue", IMPAIRER: "harness.impair.process"}
XDIST = "exec(eval(sys.stdin"  # in the command line of a worker


@dataclass(slots=True)
class Outcome:
    """What became of a story: the exit code, the verdict, what was said, and what is wrong with that."""

    story: str
    code: int | None
    verdict: str | None
    said: str
    gone_s: float
    hit: bool
    problems: list[str] = field(default_factory=list)


def play(story: Story, folder: Path) -> Outcome:
    """Make the call in a folder that is empty."""
    run, temporary = folder / "run", folder / "tmp"
    temporary.mkdir()
    run.mkdir()
    with (folder / "output").open("w") as output:
        process = subprocess.Popen(
            _command(story, folder),
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            env={**os.environ, "TMPDIR": str(temporary)},
            cwd=folder,
            preexec_fn=os.setpgrp,  # in our session, whose processes share their time: see `starve`
        )
    began = time.monotonic()
    hit, networks = _happen(story, folder, process)
    problems = []
    try:
        code: int | None = process.wait(max(0.0, began + END_S - time.monotonic()))
    except subprocess.TimeoutExpired:
        problems.append(f"still there after {END_S:g} s")
        code = None
    gone_s, left = examine.gone_after_s(str(temporary), KILL_MS / 1000 + PATIENCE_S * (code is None))
    if code is None:
        process.kill()
        process.wait()
    kept = folder / "run.kept"
    run = _run_folder(story, folder) or (kept if kept.exists() else run)
    problems += [f"left behind: {name}" for name in left.values()]
    with contextlib.closing(networks):
        problems += [f"somebody is left in {network}" for network in networks.still_used()]
    problems += [f"left behind: {name}" for name in examine.leftover_files(temporary, run)]
    problems += examine.unreadable(run)
    text = (folder / "output").read_text(errors="replace")
    for pid in left:
        FAULTS["killed"](pid)
    verdict = _verdict(run)
    summary = next(read_lines_of(run / "summary.json"), {})
    problems += _unexpected(story, code, verdict, summary, text, run, hit=hit)
    return Outcome(story.name, code, verdict, _said(summary, run, text), round(gone_s, 1), hit, problems)


def read_lines_of(path: Path) -> Iterator[dict[str, Any]]:
    """Yield what a JSON file has, if it is there and whole."""
    try:
        yield json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return


def _command(story: Story, folder: Path) -> list[str]:
    plan = folder / "matrix.plan.toml"
    text = (REPOSITORY / "plans" / "smk.plan.toml").read_text().partition("[expect]")[0]
    text = text.replace("../fixtures/sample.mp3", str(SAMPLE))
    tables = story.tables if story.tables.startswith("[") else ""
    keys = "" if tables else story.tables
    plan.write_text(f"{text}{keys}\n[expect]\nduration_s = {CALL_S}\n{tables}")
    if story.victim == WORKER:
        pytest = [sys.executable, "-m", "pytest", "-q", "-n", "1", "-p", "no:cacheprovider"]
        return [*pytest, "--b2b-keep", "all", "--basetemp", str(folder / "basetemp"), str(plan)]
    orchestrator = [sys.executable, "-m", "b2b", "orchestrator", "--plan", str(plan), "--run-dir", str(folder / "run")]
    orchestrator += ["--grace-ms", str(GRACE_MS), "--kill-ms", str(KILL_MS)]
    return [str(folder / "run") if word == "RUN" else word for word in story.prefix] + orchestrator


def _run_folder(story: Story, folder: Path) -> Path | None:
    """Return the newest folder of a run that pytest made; None where it was not pytest."""
    if story.victim != WORKER:
        return None
    return max((folder / "reports" / "runs").glob("*"), default=folder / "run")


def _happen(story: Story, folder: Path, process: subprocess.Popen[bytes]) -> tuple[bool, examine.Networks]:
    """Wait for the moment and let it happen; return whether it did, and the networks that were there."""
    if story.fault not in FAULTS:
        return True, examine.Networks()

    def events() -> list[dict[str, Any]]:
        return list(read_lines((_run_folder(story, folder) or folder / "run") / "events.jsonl"))

    ends = time.monotonic() + PATIENCE_S
    moment = _moment(story, events)
    while process.poll() is None and time.monotonic() < ends:
        if moment() and (pid := _victim(story, process.pid, events())):
            networks = examine.Networks(processes_of(process.pid))
            try:
                FAULTS[story.fault](pid)
            except OSError:  # it has just gone
                return False, networks
            return True, networks
        time.sleep(POLL_S)
    return False, examine.Networks()


def _moment(story: Story, events: Callable[[], list[dict[str, Any]]]) -> Callable[[], bool]:
    role = story.victim.partition("'")[0]
    role = role if role in ROLES else "sink"

    def happened(name: str, node: str, ago_s: float = 0.0) -> bool:
        return any(
            one["event"] == name and one["node"] == node and one["mono_s"] + ago_s <= time.monotonic()
            for one in events()
        )

    return {
        STARTING: lambda: happened("started", role),
        UNREADY: lambda: _agent(role, events()) is not None,
        RINGING: lambda: happened("dialing", "source"),
        IN_CALL: lambda: happened("streaming", "source", INTO_CALL_S),
        ENDING: lambda: happened("CALL_ESTABLISHED", "source", CALL_S),
        JUDGING: lambda: happened("played", ORCHESTRATOR),
    }[story.phase]


def _victim(story: Story, pid: int, events: list[dict[str, Any]]) -> int | None:
    """Return the process that it happens to; None while, or once, there is none."""
    if story.victim in ROLES:
        return _started(story.victim, events)
    if story.victim in AGENTS:
        return _agent(story.victim.partition("'")[0], events)
    if story.victim == ORCHESTRATOR:
        return pid
    word = XDIST if story.victim == WORKER else MODULES[story.victim]
    return next((one for one, name in processes_of(pid).items() if word in name), None)


def _started(role: str, events: list[dict[str, Any]]) -> int | None:
    return next((one["pid"] for one in events if one["event"] == "started" and one["node"] == role), None)


def _agent(role: str, events: list[dict[str, Any]]) -> int | None:
    pid = _started(role, events)
    below = processes_of(pid) if pid else {}
    return next((one for one, name in below.items() if name.startswith("baresip -f")), None)


def _verdict(run: Path) -> str | None:
    return next((str(judged["outcome"]) for judged in read_lines_of(run / "verdict.json")), None)


def _said(summary: dict[str, Any], run: Path, text: str) -> str:
    """Return the one sentence that tells best what was said of the run."""
    if failed := summary.get("failed_first"):
        return f"{failed['node']}: {failed['reason']}"
    judged = next(read_lines_of(run / "verdict.json"), None)
    if judged and judged["outcome"] != "pass":
        return str(judged["reason"])
    found = (re.search(r"^(?:Error: |\[ORCH\] ✗ |\[ORCH\] ! )(?!exit )(.*)", line) for line in text.splitlines())
    return next((match[1] for match in reversed(list(found)) if match), "")


def _unexpected(
    story: Story, code: int | None, verdict: str | None, summary: dict[str, Any], text: str, run: Path, *, hit: bool
) -> Iterator[str]:
    """Yield what is not as the story has it."""
    codes, verdicts = (story.codes, story.verdicts) if hit else (frozenset({0, 1}), frozenset({"pass", "unknown"}))
    if story.last_words and story.last_words in (summary.get("failed_first") or {}).get("reason", ""):
        codes |= {65}
    if code not in codes:
        yield f"wanted exit code {' or '.join(map(str, sorted(codes)))}, got {code}"
    if verdict not in verdicts:
        judged = next(read_lines_of(run / "verdict.json"), {"reason": ""})
        yield f"wanted verdict {' or '.join(sorted(map(str, verdicts)))}, got {verdict}: {judged['reason']}"
    if code == 1 and verdict == "pass" and story.victim != WORKER:
        yield "exit code 1 with a verdict that passed"
    if hit and story.blamed and (summary.get("failed_first") or {}).get("node") != story.blamed:
        yield f"wanted {story.blamed} to have failed first, got {summary.get('failed_first')}"
    if summary and code is not None and code >= 0 and story.victim != WORKER and summary.get("exit_code") != code:
        yield f"summary.json has exit code {summary.get('exit_code')}, the run ended with {code}"
    run_log = run / "run.log"  # a role's own log, in JSON, may have one as a field
    if "Traceback" in text + (run_log.read_text(errors="replace") if run_log.exists() else ""):
        yield "a traceback was shown"


def clean(folder: Path) -> None:
    """Remove what a story left on purpose."""
    shutil.rmtree(folder, ignore_errors=True)
