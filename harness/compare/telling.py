"""Says in a terminal what was found, and writes the page of it."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path

import click

from b2b.errors import ExitCode, UsageError
from harness.compare import pages, text
from harness.compare.history import histories
from harness.compare.runs import Run
from harness.figures import FILE


def tell(lines: Iterable[str], make: Callable[[], str], page: Path) -> None:
    """Print the lines, write the page, and say where it is. Raises UsageError where it cannot be written."""
    click.echo("\n".join(lines))
    try:
        page.parent.mkdir(parents=True, exist_ok=True)
        page.write_text(make(), encoding="utf-8")
    except OSError as error:
        raise UsageError(f"--output: cannot write {page}: {error.strerror}") from None
    click.echo(f"page: {page}")


def _measure(runs: Sequence[Run]) -> None:
    """Let whoever waits see how far it is, where nobody has measured the runs yet."""
    pending = [run for run in runs if not (run.folder / FILE).exists()]
    if pending and sys.stderr.isatty():
        with click.progressbar(pending, label="measuring, once", file=sys.stderr) as bar:
            for run in bar:
                _ = run.figures


def tell_histories(runs: Sequence[Run], page: Path) -> int:
    """Tell of many runs, plan by plan; return the exit code."""
    if not runs:
        raise UsageError("wanted runs that are over, all of these go on")
    _measure(runs)
    found = histories(runs)
    tell(text.of_histories(found), lambda: pages.of_histories(found, page), page)
    return int(ExitCode.CHECK_FAILED if any(history.bad for history in found) else ExitCode.OK)
