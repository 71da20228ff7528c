"""`b2b selftest`: makes faults on purpose, and shows that the checks find each of them and nothing else."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import click

from b2b.errors import ExitCode

if TYPE_CHECKING:
    from harness.selftest.fault import Finding


@click.command(epilog="Exit codes: 0 when every fault was found and nothing else, 1 otherwise.")
@click.option("--seeds", type=click.IntRange(min=1), default=1, show_default=True,
              help="How often to make them all, each time at other places of other calls.")  # fmt: skip
def selftest(seeds: int) -> int:
    """Check the checks: on clean streams and recordings, and on the same with each fault made at a known place."""
    found = list(_findings(seeds))
    click.echo("\n".join(_table(found[: len(found) // seeds])))
    wrong = [finding for finding in found if finding.objections]
    for finding in wrong:
        click.echo(f"✗ {finding.fault.name}, seed {finding.seed}: {'; '.join(finding.objections)}")
    click.echo(f"{len(found) - len(wrong)} of {len(found)} as they should be")
    return int(ExitCode.CHECK_FAILED if wrong else ExitCode.OK)


def _findings(seeds: int) -> Iterator[Finding]:
    from harness.selftest import sound, wire

    for seed in range(seeds):
        yield from wire.findings(seed)
        yield from sound.findings(seed)


def _table(found: list[Finding]) -> list[str]:
    rows = [("", "fault", "injected", "reported")]
    rows += [("✗" if f.objections else "✓", f.fault.name, f.fault.injected, f.reported) for f in found]
    widths = [max(len(row[column]) for row in rows) for column in range(3)]
    return ["  ".join((*(cell.ljust(width) for cell, width in zip(row, widths, strict=False)), row[3])) for row in rows]
