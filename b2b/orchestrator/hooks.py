"""What other installed packages hang into a run: they come in by entry point, and own the plan's table of that name.

An entry point of the group `b2b.run` is called with the resolved plan and the run folder's path and returns a context
manager, which is entered before the first role starts and left after the last has stopped. A judge leaves its verdict
in the folder's `verdict.json` and a page in its `report.html`; what the user should read in the log goes to Python's
logger `b2b.run`, and what cannot go on says so there as CRITICAL, which stops the run, and makes its exit code 70. One
of the group `b2b.dry_run` is called with the resolved plan and returns the lines that `--dry-run` shows of the table.
One of `b2b.elsewhere` is called on another machine, on which roles of a run are, with their addresses and a folder;
what its context manager has left there when they have stopped comes home.
"""

from __future__ import annotations

import contextlib
import importlib.metadata
import json
import logging
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

from b2b.errors import ExitCode
from b2b.orchestrator.console import Console
from b2b.plan.model import Plan

GROUP, DRY_RUN, ELSEWHERE = "b2b.run", "b2b.dry_run", "b2b.elsewhere"
VERDICT = "verdict.json"
REPORT = "report.html"


def table_names() -> set[str]:
    """Return the top-level tables of a plan that somebody reads."""
    return {entry.name for entry in importlib.metadata.entry_points(group=GROUP)}


@contextlib.contextmanager
def around(plan: Plan, folder: Path) -> Iterator[None]:
    """Enter every hook, and leave them in reverse order."""
    with _entered(GROUP, plan, folder):
        yield


@contextlib.contextmanager
def elsewhere(addresses: Sequence[str], folder: Path) -> Iterator[None]:
    """Do the same on another machine, for roles on these addresses of it."""
    folder.mkdir(mode=0o700)
    with _entered(ELSEWHERE, addresses, folder):
        yield


@contextlib.contextmanager
def _entered(group: str, *arguments: object) -> Iterator[None]:
    with contextlib.ExitStack() as stack:
        for entry in sorted(importlib.metadata.entry_points(group=group), key=lambda entry: entry.name):
            stack.enter_context(entry.load()(*arguments))
        yield


def dry_run(plan: Plan) -> Iterator[str]:
    """Yield what the tables of a plan mean to those who own them. Raises UsageError for one that cannot be used."""
    for entry in sorted(importlib.metadata.entry_points(group=DRY_RUN), key=lambda entry: entry.name):
        yield from entry.load()(plan)


@contextlib.contextmanager
def heard(console: Console, stop: Callable[[str], None]) -> Iterator[None]:
    """Show what the hooks have to say; `stop` is told why one cannot go on."""
    handler, logger = _Teller(console, stop), logging.getLogger(GROUP)
    logger.setLevel(logging.INFO)
    logger.addHandler(handler)
    try:
        yield
    finally:
        logger.removeHandler(handler)


class _Teller(logging.Handler):
    def __init__(self, console: Console, stop: Callable[[str], None]) -> None:
        super().__init__()
        self._console, self._stop = console, stop

    def emit(self, record: logging.LogRecord) -> None:
        if record.levelno >= logging.CRITICAL:
            self._stop(record.getMessage())
            return
        self._console.say(record.getMessage(), level=record.levelname)


def verdict(folder: Path) -> tuple[ExitCode, str]:
    """Return what a judge said of the call: OK too where there was none."""
    try:
        judged = json.loads((folder / VERDICT).read_text(encoding="utf-8"))
        outcome, reason = judged["outcome"], judged.get("reason", "")
    except FileNotFoundError:
        return ExitCode.OK, ""
    except (OSError, ValueError, LookupError, TypeError, AttributeError, RecursionError) as error:
        return ExitCode.CHECK_FAILED, f"unknown: {VERDICT} cannot be read ({type(error).__name__}: {error})"
    return (ExitCode.OK, str(reason)) if outcome == "pass" else (ExitCode.CHECK_FAILED, f"{outcome}: {reason}")
