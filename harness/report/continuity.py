"""The audio-continuity report of many calls: a table for people, the same as JSON, and one line each for a terminal."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from b2b import clock
from harness.report.environment import environment
from harness.report.row import Row

JSON, MARKDOWN = "continuity.json", "continuity.md"
MARKS = {"pass": "✓ pass", "none": "✓ made", "fail": "✗ fail", "unknown": "? could not tell", "error": "✗ no call"}
HEAD = ("call", "verdict", "duration", "packets", "worst gap", "lost", "jitter p95", "digits", "run folder")
NUMBERS = HEAD[2:7]
MANY = 3  # repetitions, from which on a sequence is counted rather than written out


def write(folder: Path, rows: Sequence[Row], made_on: Mapping[str, str] | None = None) -> None:
    """Write continuity.json and continuity.md into a folder; `made_on` is the calls' environment, unless it is ours."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / JSON).write_text(to_json(rows, made_on), encoding="utf-8")
    (folder / MARKDOWN).write_text(to_markdown(rows, made_on), encoding="utf-8")


def to_json(rows: Sequence[Row], made_on: Mapping[str, str] | None = None) -> str:
    """Return what was measured, with where and when."""
    values = {
        "generated": clock.timestamp(),
        "calls": len(rows),
        "outcomes": dict(Counter(row.outcome for row in rows)),
        "environment": dict(made_on or environment()),
        "rows": [row.as_json() for row in rows],
    }
    return json.dumps(values, indent=2, ensure_ascii=False) + "\n"


def to_markdown(rows: Sequence[Row], made_on: Mapping[str, str] | None = None) -> str:
    """Return one table, ready for a job's summary, and a sentence on each call that did not pass."""
    good = sum(row.passed for row in rows)
    head, cells = _table(rows)
    amiss = [f"- **{_escaped(row.name)}**: {_escaped(row.reason)}" for row in rows if not row.passed]
    lines = [
        f"## Audio continuity: {good} of {len(rows)} calls passed",
        "",
        f"| {' | '.join(head)} |",
        f"|{'|'.join('--:' if column in NUMBERS else '---' for column in head)}|",
        *(f"| {' | '.join(map(_escaped, columns))} |" for columns in cells),
        *(["", *amiss] if amiss else []),
        "",
        " · ".join(f"{name} {value}" for name, value in (made_on or environment()).items()),
    ]
    return "\n".join(lines) + "\n"


def lines(rows: Sequence[Row]) -> Iterator[str]:
    """Yield a line for each call, in columns; the reason stands below a call that did not pass."""
    head, cells = _table(rows)
    widths = [max(len(row[column]) for row in cells) for column in range(len(head))]
    for row, columns in zip(rows, cells, strict=True):
        line = "  ".join(cell.ljust(width) for cell, width in zip(columns, widths, strict=True)).rstrip()
        yield line if row.passed else f"{line}\n    {row.reason}"


def _table(rows: Sequence[Row]) -> tuple[tuple[str, ...], list[tuple[str, ...]]]:
    """Return the columns' names, and each row's; the host is among them where there is more than one."""
    if len({row.host for row in rows}) < 2:
        return HEAD, [_cells(row) for row in rows]
    return ("host", *HEAD), [(row.host, *_cells(row)) for row in rows]


def _cells(row: Row) -> tuple[str, ...]:
    return (
        row.name,
        MARKS[row.outcome],
        f"{row.duration_s:.1f} s" + (f" at speed {row.speed:g}" if row.speed != 1 else ""),
        str(row.packets),
        "-" if row.max_gap_ms is None else f"{row.max_gap_ms:.1f} ms",
        str(row.lost),
        "-" if row.jitter_p95_ms is None else f"{row.jitter_p95_ms:.2f} ms",
        ", ".join(_counted(digits) for digits in row.digits.values() if digits) or "-",
        row.folder or "(not kept)",
    )


def _counted(digits: str) -> str:
    """Return a repeated sequence as `29 × 123#`, with what is left over; anything else as it is."""
    for length in range(1, len(digits) // MANY + 1):
        times = len(digits) // length
        if (digits[:length] * (times + 1)).startswith(digits):
            rest = digits[times * length :]
            return f"{times} × {digits[:length]}{f' + {rest}' if rest else ''}"
    return digits


def _escaped(text: str) -> str:
    for mark in "\\|<>*_`[]":
        text = text.replace(mark, f"\\{mark}")
    return text.replace("\n", " ")
