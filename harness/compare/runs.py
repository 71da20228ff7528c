"""A run as it is compared: what became of it, its checks and its figures, read from its folder in a moment."""

from __future__ import annotations

import contextlib
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from b2b import clock
from b2b.errors import ExitCode, UsageError
from b2b.orchestrator.folder import EVENTS, is_going_on
from harness.call import RESOLVED, Call
from harness.expect import Expectations, expectations
from harness.figures import UNREADABLE, Figures, figures_of
from harness.verdict import Check, Outcome

STAMPED = re.compile(r"\d{8}-\d{6}-\d{3}-(.+)")
NOBODY, ERROR = "none", "error"  # was asked to judge it; there was no call that could have been judged
NOTHING = Figures(legs={}, sinks={})


@dataclass(frozen=True, kw_only=True)
class Run:
    """One run folder. `outcome` is a verdict's, "none" where nobody judged, "error" where there was no call to judge.

    `plan` is the name by which runs belong together, `began_s` in seconds since the epoch, 0 where nothing tells.
    """

    folder: Path
    plan: str
    began_s: float
    outcome: str
    reason: str
    checks: Sequence[Check] = ()
    trouble: str = ""  # what it left cannot be read, and why

    @property
    def call(self) -> Call:
        """The call that was made."""
        return Call(self.folder)

    @property
    def name(self) -> str:
        """The folder's name."""
        return self.folder.resolve().name

    @property
    def began(self) -> str:
        """When it began in local time, to the second."""
        return clock.timestamp(self.began_s)[:19].replace("T", " ")

    @property
    def day(self) -> str:
        """The day that it began on."""
        return self.began[:10]

    @property
    def good(self) -> bool:
        """Whether nothing is amiss."""
        return self.outcome in (Outcome.PASS.value, NOBODY)

    @cached_property
    def figures(self) -> Figures:
        """Its figures, of each leg and sink; none where they cannot be read."""
        try:
            return figures_of(self.call)
        except UNREADABLE:
            return NOTHING

    @cached_property
    def max_gap_ms(self) -> float:
        """The gap that its plan allows."""
        try:
            return (expectations(self.call.plan) or Expectations()).max_gap_ms
        except UNREADABLE:
            return Expectations().max_gap_ms


def read(folder: Path) -> Run:
    """Read a run folder; of one that half a file was left in, what can be known."""
    call, trouble = Call(folder), ""
    outcome, reason = ERROR, ""
    checks: Sequence[Check] = ()
    try:
        checks = call.verdict.checks if call.verdict else ()
        outcome, reason = _outcome(call)
    except UNREADABLE as error:
        trouble = reason = f"what it left cannot be read: {error or type(error).__name__}"
    begun = _begun(call)
    return Run(
        folder=folder,
        plan=_plan(folder, begun.get("plan")) + _at_speed(call),
        began_s=_seconds(begun.get("wall_s")),
        outcome=outcome,
        reason=reason,
        checks=checks,
        trouble=trouble,
    )


def _outcome(call: Call) -> tuple[str, str]:
    """Return what became of a run, and why in one sentence."""
    code, failed = call.summary["exit_code"], call.summary["failed_first"]
    if code in (ExitCode.OK, ExitCode.CHECK_FAILED):
        verdict = call.verdict
        return (verdict.outcome.value, verdict.reason) if verdict else (NOBODY, "nothing was expected of it")
    if failed:
        return ERROR, f"{failed['node']} failed: exit {failed['code']}: {failed['reason']}"
    return ERROR, "it was cut off" if code is None else f"exit {code}"


def _at_speed(call: Call) -> str:
    """Return what sets the runs of a plan apart that went faster than their sound."""
    with contextlib.suppress(*UNREADABLE):
        return "" if call.speed == 1 else f" at speed {call.speed:g}"
    return ""


def _begun(call: Call) -> Mapping[str, Any]:
    """Return a run's first event; nothing where it cannot be read."""
    with contextlib.suppress(*UNREADABLE):
        first = call.events[0]
        return first if isinstance(first, dict) else {}
    return {}


def _plan(folder: Path, noted: object) -> str:
    """Return the plan's name as the run noted it; else the folder's without its time."""
    if isinstance(noted, str) and noted:
        return Path(noted).name.removesuffix(".toml").removesuffix(".plan")
    name = folder.resolve().name
    found = STAMPED.fullmatch(name)
    return found[1] if found else name


def _seconds(value: object) -> float:
    return float(value) if isinstance(value, int | float) else 0.0


def is_run(folder: Path) -> bool:
    """Whether there was a run in that folder; one without a plan ended before it began."""
    return (folder / EVENTS).exists() and (folder / RESOLVED).exists()


def run_of(folder: Path) -> Run:
    """Return the run in a folder. Raises UsageError where there is none, or it goes on, or it cannot be read."""
    if not is_run(folder):
        missing = next(name for name in (EVENTS, RESOLVED) if not (folder / name).exists())
        raise UsageError(f"{folder}: wanted a run folder, but there is no {missing} in it, so it is none")
    if is_going_on(folder):
        raise UsageError(f"{folder}: wanted a run that is over, this one goes on; `b2b watch {folder}` shows it")
    run = read(folder)
    if run.trouble:
        raise UsageError(f"{folder}: {run.trouble}")
    return run


def runs_in(folders: Iterable[Path]) -> Iterator[Run]:
    """Yield the runs that are over, in the order in which they began: the folders themselves, or those right in them.

    Raises UsageError for a folder that is no run and has none in it.
    """
    found: list[Run] = []
    for folder in folders:
        try:
            within = [folder] if is_run(folder) else sorted(one for one in folder.iterdir() if is_run(one))
        except OSError as error:
            raise UsageError(f"{folder}: wanted run folders, but it cannot be read: {error.strerror}") from None
        if not within:
            raise UsageError(f"{folder}: wanted run folders, but it is none and there is none in it")
        found += [read(one) for one in within if not is_going_on(one)]
    yield from sorted(found, key=lambda run: (run.began_s, run.name))
