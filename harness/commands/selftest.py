"""`b2b selftest`: makes faults on purpose, and shows that the checks find each of them and nothing else."""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Generator, Sequence
from typing import TYPE_CHECKING

import click

from b2b.errors import ExitCode, UsageError

if TYPE_CHECKING:
    from harness.selftest.fault import Finding

EPILOG = """\
Without --calls the faults are made in captures and recordings, and judged as `b2b judge` judges anybody's. With it they
are made in real calls: packets are dropped, held back, doubled, overtaken or sent to the wrong call inside the run's
own network, the source plays a damaged file, the mixer sends other digits. That takes baresip, nft and a network
namespace, no root, and about ten seconds a call.

A call during which this machine was stalled is made once more, a few times; then the verdict is "could not tell".

Exit codes: 0 when every fault was found at its place and in its size and nothing else was; 1 otherwise.
"""


@click.command(epilog=EPILOG)
@click.option("--seeds", type=click.IntRange(min=1), default=1, show_default=True,
              help="How often to make them all, each time at other places of other calls.")  # fmt: skip
@click.option("--seed", "first", type=click.IntRange(min=0), default=0, show_default=True,
              help="Begin with this one: what went wrong with a seed is made again by it.")  # fmt: skip
@click.option("--calls", is_flag=True, help="Make them in real calls instead of files.")
@click.option("--jobs", type=click.IntRange(min=1), default=2, show_default=True,
              help="How many calls are made at a time.")  # fmt: skip
@click.option("--only", metavar="FAULT", multiple=True, help="Only this fault, by its name; may be repeated.")
@click.option("--markdown", is_flag=True, help="Print the table as Markdown.")
@click.option("--json", "as_json", is_flag=True, help="Print every finding with all of its checks as JSON.")
def selftest(
    seeds: int, first: int, calls: bool, jobs: int, only: Sequence[str], markdown: bool, as_json: bool
) -> int:
    """Check the checks: make each fault on purpose, and see that they find it and nothing else.

    The table shows each fault, what was injected, what was reported, and the verdict on that; with several seeds how
    many of them were as they should be. Clean files and calls are among them: they must raise no alarm.
    """
    from harness.selftest import table

    found: list[Finding] = []
    names = _chosen(only, calls)
    wanted = seeds * len(names)
    making = _findings(range(first, first + seeds), names, calls, jobs)
    with contextlib.suppress(KeyboardInterrupt), contextlib.closing(making):
        for finding in making:
            found.append(finding)
            _show_progress(f"{len(found)} of {wanted} done, {finding.fault.name}, seed {finding.seed}")
    _show_progress("")
    found.sort(key=lambda finding: (names.index(finding.fault.name), finding.seed))
    wrong = [finding for finding in found if not finding.is_good]
    if as_json:
        click.echo(table.as_json(found))
    else:
        click.echo("\n".join(table.markdown(found) if markdown else table.text(found)))
        click.echo()
        for finding in wrong:
            why = "; ".join([*finding.objections, *finding.doubts])
            click.echo(f"{'✗' if finding.objections else '?'} {finding.fault.name}, seed {finding.seed}: {why}")
        cut_off = f"; interrupted, so {wanted - len(found)} were not made" if len(found) < wanted else ""
        click.echo(f"{len(found) - len(wrong)} of {len(found)} as they should be{cut_off}")
    return int(ExitCode.CHECK_FAILED if wrong or len(found) < wanted else ExitCode.OK)


def _findings(seeds: range, names: Sequence[str], calls: bool, jobs: int) -> Generator[Finding, None, None]:
    if calls:
        from harness.selftest import calls as in_calls

        yield from in_calls.findings(seeds, names, jobs=jobs)
    else:
        from harness.selftest import files

        for seed in seeds:
            yield from files.findings(seed, names)


def _chosen(only: Sequence[str], calls: bool) -> Sequence[str]:
    """Return the faults that were asked for, all if none was. Raises UsageError for one that there is not."""
    from harness.selftest import files, in_calls

    names = in_calls.NAMES if calls else files.NAMES
    if strange := [name for name in only if name not in names]:
        raise UsageError(f"--only: wanted one of {', '.join(names)}; came {strange[0]!r}")
    return [name for name in names if name in only] or names


def _show_progress(words: str) -> None:
    """Show on a terminal how far we are; elsewhere say nothing."""
    if sys.stderr.isatty():
        click.echo(f"\r\x1b[K{words[:79]}", err=True, nl=False)
