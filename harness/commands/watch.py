"""`b2b watch`: shows live in the terminal how a call is doing while it runs."""

from __future__ import annotations

import os
from pathlib import Path

import click

NICENESS = 10  # whoever only looks gives way to the call


@click.command(epilog="Exit codes: 0 when the run has ended or after Ctrl-C, 64 where there is no such run.")
@click.argument("run", metavar="[RUN]", required=False, type=click.Path(path_type=Path))
@click.option("--lines", metavar="N", type=click.IntRange(min=0), default=10, show_default=True,
              help="Show so many lines of what was logged before.")  # fmt: skip
@click.option("--color", type=click.Choice(("auto", "always", "never")), default="auto", show_default=True,
              help="Colours in the terminal.")  # fmt: skip
def watch(run: Path | None, lines: int, color: str) -> int:
    """Show live what a run is doing: its roles, its legs, and what each sink hears.

    RUN is a run folder; without it the newest run below reports/runs/ that goes on. Ends with the run, and shows one
    that is over as it ended. Where standard output is no terminal, the run's log is printed as it grows.
    """
    for library in ("OPENBLAS", "OMP"):  # whose threads would wait for work, busily
        os.environ.setdefault(f"{library}_NUM_THREADS", "1")
    os.nice(NICENESS)
    from harness.watch.show import show
    from harness.watch.watched import Watched, run_folder

    show(Watched(run_folder(run)), color=color, lines=lines)
    return 0
