"""`b2b compare`: shows two runs side by side, what got worse and what better; of more runs their history."""

from __future__ import annotations

from pathlib import Path

import click

from b2b.errors import UsageError
from harness.commands.judge import EXIT_CODES

PAGE = Path("reports/compare.html")


@click.command(epilog="Exit codes: 0 nothing got worse, 1 something did, 2 if nobody can tell, 64 for no run.")
@click.argument("runs", metavar="RUN RUN [RUN…]", nargs=-1, type=click.Path(path_type=Path))
@click.option("-o", "--output", metavar="PAGE.html", type=click.Path(path_type=Path), default=PAGE, show_default=True,
              help="Where to write the page.")  # fmt: skip
def compare(runs: tuple[Path, ...], output: Path) -> int:
    """Compare runs: the first is the one before, the second the one to be judged by it.

    A figure counts as worse where it differs by more than two good calls of one plan do. With more than two runs the
    page is their history, as `b2b history` has it.
    """
    if len(runs) < 2:
        raise UsageError(f"wanted at least two run folders, came {len(runs)}; `b2b history` takes a folder of runs")
    from harness.compare import pages, text
    from harness.compare.difference import difference
    from harness.compare.runs import run_of
    from harness.compare.telling import tell, tell_histories

    found = [run_of(folder) for folder in runs]
    if len(found) > 2:
        return tell_histories(sorted(found, key=lambda run: run.began_s), output)
    differs = difference(*found)
    tell(text.of_difference(differs), lambda: pages.of_difference(differs, output), output)
    return EXIT_CODES[differs.verdict]
