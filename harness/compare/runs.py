"""A run as it is compared: what became of it, its checks and its figures, read from its folder in a moment."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from b2b import clock
from b2b.errors import B2bError, ExitCode, UsageError
from b2b.orchestrator.folder import EVENTS, is_going_on
from harness.call import RESOLVED, Call
from harness.figures import Figures, figures_of
from harness.verdict import Check, Outcome

STAMPED = re.compile(r"\d{8}-\d{6}-\d{3}-(.+)")
NOBODY, ERROR = "none", "error"  # was asked to judge it; there was no call that could have been judged
NONE = Figures(legs={}, sinks={})


@dataclass(frozen=True)
class Run:
    """One run folder. Nothing is measured before it is asked for."""

    folder: Path

    @cached_property
    def call(self) -> Call:
        """The call that was made."""
        return Call(self.folder)

    @property
    def name(self) -> str:
        """The folder's name."""
        return self.folder.resolve().name

    @cached_property
    def plan(self) -> str:
        """The plan's name, by which runs belong together; where none was noted, the folder's without its time."""
        noted = next((event.get("plan") for event in self.call.events if event.get("event") == "begun"), None)
        if isinstance(noted, str) and noted:
            return Path(noted).name.removesuffix(".toml").removesuffix(".plan")
        found = STAMPED.fullmatch(self.name)
        return found[1] if found else self.name

    @cached_property
    def began_s(self) -> float:
        """When it began, in seconds since the epoch; 0 where nothing tells."""
        return next((float(event["wall_s"]) for event in self.call.events if "wall_s" in event), 0.0)

    @property
    def began(self) -> str:
        """The same in local time, to the second."""
        return clock.timestamp(self.began_s)[:19].replace("T", " ")

    @property
    def day(self) -> str:
        """The day that it began on."""
        return self.began[:10]

    @cached_property
    def outcome(self) -> str:
        """A verdict's outcome, "none" where nobody judged, "error" where a role failed or the run was cut off."""
        code, verdict = self.call.summary["exit_code"], self.call.verdict
        if code not in (ExitCode.OK, ExitCode.CHECK_FAILED):
            return ERROR
        return verdict.outcome.value if verdict else NOBODY

    @property
    def good(self) -> bool:
        """Whether nothing is amiss."""
        return self.outcome in (Outcome.PASS.value, NOBODY)

    @cached_property
    def reason(self) -> str:
        """Why it was good or not, in one sentence."""
        if self.outcome != ERROR:
            return self.call.verdict.reason if self.call.verdict else "nothing was expected of it"
        if failed := self.call.summary["failed_first"]:
            return f"{failed['node']} failed: exit {failed['code']}: {failed['reason']}"
        code = self.call.summary["exit_code"]
        return "it was cut off" if code is None else f"exit {code}"

    @property
    def checks(self) -> Sequence[Check]:
        """Every check of its verdict."""
        return self.call.verdict.checks if self.call.verdict else ()

    @cached_property
    def figures(self) -> Figures:
        """Its figures, of each leg and sink; none where what it left cannot be read."""
        try:
            return figures_of(self.call)
        except (B2bError, ValueError, OSError, LookupError):
            return NONE


def is_run(folder: Path) -> bool:
    """Whether there was a run in that folder; one without a plan ended before it began."""
    return (folder / EVENTS).exists() and (folder / RESOLVED).exists()


def run_of(folder: Path) -> Run:
    """Return the run in a folder. Raises UsageError where there is none, or it has not ended yet."""
    if not is_run(folder):
        missing = next(name for name in (EVENTS, RESOLVED) if not (folder / name).exists())
        raise UsageError(f"{folder}: wanted a run folder, but there is no {missing} in it, so it is none")
    if is_going_on(folder):
        raise UsageError(f"{folder}: wanted a run that is over, this one goes on; `b2b watch {folder}` shows it")
    return Run(folder)


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
        found += [Run(one) for one in within if not is_going_on(one)]
    yield from sorted(found, key=lambda run: (run.began_s, run.name))
