"""What a benchmark came to: rows of ours against a peer's in the same run, as a table, as JSON and as a picture."""

from __future__ import annotations

import argparse
import json
import os
import platform
import statistics
import subprocess
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

HEAD = ("what", "ours", "beside", "ratio", "spread", "goal", "")
WIDTH, STRIP, LEFT, RIGHT = 720, 46, 250, 30
OURS, GOAL, INK = "#2563eb", "#b91c1c", "#444"


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One figure of ours and of a peer, measured in turns; a ratio is ours divided by the peer's, of each turn.

    `most` is the goal for the median ratio; where less is worse `least` is. `note` says what the figures are.
    """

    what: str
    unit: str
    peer: str
    ours: Sequence[float]
    theirs: Sequence[float]
    most: float | None = None
    least: float | None = None

    @property
    def ratios(self) -> list[float]:
        """All ratios, the smallest first."""
        return sorted(own / other for own, other in zip(self.ours, self.theirs, strict=True))

    @property
    def ratio(self) -> float:
        """The median."""
        return statistics.median(self.ratios)

    @property
    def reached(self) -> bool:
        """Whether it is within its goal; a row without one is."""
        return (self.most is None or self.ratio <= self.most) and (self.least is None or self.ratio >= self.least)

    @property
    def goal(self) -> str:
        """Return the goal in words."""
        if self.most is not None:
            return f"at most {self.most:g}"
        return f"at least {self.least:g}" if self.least is not None else ""

    def cells(self) -> tuple[str, ...]:
        """Return the row of the table."""
        ours, theirs = statistics.median(self.ours), statistics.median(self.theirs)
        spread = f"{self.ratios[0]:.2f} to {self.ratios[-1]:.2f} ({len(self.ratios)})"
        mark = ("✓" if self.reached else "✗") if self.goal else ""
        return (self.what, f"{ours:.3g} {self.unit}", f"{self.peer}: {theirs:.3g} {self.unit}", f"{self.ratio:.2f}",
                spread, self.goal, mark)  # fmt: skip


def table(rows: Sequence[Row]) -> str:
    """Return the rows as a table."""
    lines = [HEAD, ("---",) * len(HEAD), *(row.cells() for row in rows)]
    return "\n".join(f"| {' | '.join(cells)} |" for cells in lines)


def picture(rows: Sequence[Row]) -> str:
    """Return the ratios of all turns as SVG, a strip for each row, with its goal."""
    most = max(max(*row.ratios, row.most or 0, row.least or 0, 1.0) for row in rows) * 1.05

    def x(ratio: float) -> float:
        return LEFT + (WIDTH - LEFT - RIGHT) * ratio / most

    drawn = []
    for number, row in enumerate(rows):
        base = STRIP * number + 30
        drawn.append(f'<text x="6" y="{base + 4}">{row.what}</text>')
        drawn.append(f'<text x="6" y="{base + 17}" fill="{INK}" font-size="10">against {row.peer}</text>')
        drawn.append(f'<line x1="{LEFT}" x2="{WIDTH - RIGHT}" y1="{base}" y2="{base}" stroke="#bbb"/>')
        if (goal := row.most if row.most is not None else row.least) is not None:
            drawn.append(f'<line x1="{x(goal):.1f}" x2="{x(goal):.1f}" y1="{base - 14}" y2="{base + 14}" '
                         f'stroke="{GOAL}" stroke-width="2"/>')  # fmt: skip
        drawn += [f'<circle cx="{x(ratio):.1f}" cy="{base}" r="4" fill="{OURS}" fill-opacity=".5"/>'
                  for ratio in row.ratios]  # fmt: skip
        drawn.append(f'<text x="{x(row.ratio):.1f}" y="{base - 9}" text-anchor="middle">{row.ratio:.2f}</text>')
    foot = STRIP * len(rows) + 24
    drawn.append(f'<text x="{LEFT}" y="{foot}" fill="{INK}">ratio, one dot for each turn; red: the goal</text>')
    head = f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {foot + 12}" font-family="sans-serif" '
    head += 'font-size="12">'
    return "\n".join([head, '<rect width="100%" height="100%" fill="#fff"/>', *drawn, "</svg>"]) + "\n"


def machine() -> dict[str, str]:
    """Say what was measured on."""
    model = next(
        (line.partition(":")[2].strip() for line in Path("/proc/cpuinfo").read_text().splitlines()
         if line.startswith("model name")), platform.machine(),
    )  # fmt: skip
    memory_gb = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 1e9
    return {
        "processors": f"{len(os.sched_getaffinity(0))} of {model}",
        "memory": f"{memory_gb:.0f} GB",
        "kernel": platform.release(),
        "python": platform.python_version(),
        "baresip": version("baresip", "-h"),
    }


def version(*command: str) -> str:
    """Return the first line with a number in it that a program says of itself."""
    try:
        said = subprocess.run(command, capture_output=True, text=True, check=False)
    except FileNotFoundError:
        return "not there"
    lines = (said.stdout + said.stderr).splitlines()
    return next((line.strip() for line in lines if any(letter.isdigit() for letter in line)), "unknown")


def flags(about: str | None) -> argparse.ArgumentParser:
    """Return a parser that knows where results go."""
    parser = argparse.ArgumentParser(description=(about or "").partition("\n")[0])
    parser.add_argument("--json", type=Path, help="Keep the rows there.")
    parser.add_argument("--svg", type=Path, help="Draw them there.")
    return parser


def hand_over(rows: Sequence[Row], asked: argparse.Namespace, more: dict[str, Any] | None = None) -> int:
    """Print the rows, and keep them where it was asked for; return 1 where a goal was not reached."""
    print(table(rows))
    if asked.json:
        kept = {"rows": [asdict(row) for row in rows], "machine": machine(), **(more or {})}
        asked.json.write_text(json.dumps(kept, indent=1) + "\n")
    if asked.svg:
        asked.svg.write_text(picture(rows))
    return int(not all(row.reached for row in rows))
