"""`b2b history`: shows many runs over time, plan by plan, and the first bad one after the last good one."""

from __future__ import annotations

from pathlib import Path

import click

from b2b.orchestrator.folder import RUNS

PAGE = Path("reports/history.html")


@click.command(epilog="Exit codes: 0 when the newest run of each plan is good, 1 when one is not, 64 for no runs.")
@click.argument("folders", metavar="[FOLDER…]", nargs=-1, type=click.Path(path_type=Path))
@click.option("-o", "--output", metavar="PAGE.html", type=click.Path(path_type=Path), default=PAGE, show_default=True,
              help="Where to write the page.")  # fmt: skip
def history(folders: tuple[Path, ...], output: Path) -> int:
    """Show how the runs in these folders were over time; by default those below reports/runs/.

    A run of which nobody could tell is neither good nor bad.
    """
    from harness.compare.runs import runs_in
    from harness.compare.telling import tell_histories

    return tell_histories(list(runs_in(folders or (RUNS,))), output)
