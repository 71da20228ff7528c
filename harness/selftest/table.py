"""What was found as a table: for a terminal, for a page, for a program."""

from __future__ import annotations

import itertools
import json
import textwrap
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass

from harness.selftest.fault import Finding

HEAD = ("fault", "injected", "reported", "verdict")
WIDTH = 120
INJECTED_WIDTH = 36


@dataclass(frozen=True, slots=True)
class Row:
    """One fault over all seeds: what the first of them did and got, and how many were as they should be."""

    fault: str
    injected: str
    reported: str
    verdict: str
    mark: str


def rows(found: Sequence[Finding]) -> list[Row]:
    """Return a row for each fault, in the order in which they were first made; what went wrong is shown before all."""
    by_name: dict[str, list[Finding]] = {}
    for finding in found:
        by_name.setdefault(finding.fault.name, []).append(finding)
    return [_row(name, several) for name, several in by_name.items()]


def _row(name: str, several: Sequence[Finding]) -> Row:
    good = [finding for finding in several if finding.is_good]
    doubtful = [finding for finding in several if not finding.is_good and not finding.objections]
    shown = next((finding for finding in several if finding.objections), (doubtful or several)[0])
    word = shown.verdict
    if len(several) > 1:
        word = f"{'found' if shown.fault.expects else 'clean'} {len(good)} of {len(several)}"
        word += f", could not tell {len(doubtful)}" if doubtful else ""
    return Row(name, shown.fault.injected, shown.reported, word, _mark(several))


def _mark(several: Sequence[Finding]) -> str:
    if any(finding.objections for finding in several):
        return "✗"
    return "✓" if all(finding.is_good for finding in several) else "?"


def text(found: Sequence[Finding]) -> Iterator[str]:
    """Yield the lines of an aligned table that is as wide as a page."""
    table = rows(found)
    names = max(len(word) for word in (HEAD[0], *(row.fault for row in table)))
    verdicts = max(len(word) for word in (HEAD[-1], *(row.verdict for row in table)))
    widths = (names, INJECTED_WIDTH, WIDTH - names - INJECTED_WIDTH - verdicts - 9, verdicts)
    yield "   " + _line(HEAD, widths)
    for row in table:
        injected, reported = textwrap.wrap(row.injected, widths[1]), textwrap.wrap(row.reported, widths[2])
        lines = itertools.zip_longest([row.fault], injected, reported, [row.verdict], fillvalue="")
        for number, line in enumerate(lines):
            yield f"{'' if number else row.mark:<3}{_line(line, widths)}".rstrip()


def markdown(found: Sequence[Finding]) -> Iterator[str]:
    """Yield the lines of the same table as Markdown has it."""
    yield f"| {' | '.join(HEAD)} |"
    yield f"|{'---|' * len(HEAD)}"
    for row in rows(found):
        cells = (row.fault, row.injected, row.reported, f"{row.mark} {row.verdict}")
        yield f"| {' | '.join(cell.replace('|', chr(92) + '|').replace('*', chr(92) + '*') for cell in cells)} |"


def as_json(found: Sequence[Finding]) -> str:
    """Return everything of every finding."""
    return json.dumps([_plain(finding) for finding in found], indent=2, ensure_ascii=False)


def _plain(finding: Finding) -> dict[str, object]:
    return {
        "fault": finding.fault.name, "seed": finding.seed, "injected": finding.fault.injected,
        "reported": finding.reported, "verdict": finding.verdict,
        "objections": list(finding.objections), "doubts": list(finding.doubts),
        "checks": [asdict(check) for check in finding.checks],
    }  # fmt: skip


def _line(cells: Sequence[str], widths: Sequence[int]) -> str:
    return "  ".join(cell.ljust(width) for cell, width in zip(cells, widths, strict=True)).rstrip()
