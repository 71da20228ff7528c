"""Runs every benchmark and writes docs/benchmarks.md out of what they came to, with a picture of each.

    python benchmarks/page.py [--only NAME,…] [--write]

One that fails, takes too long or is left out leaves what it came to the last time; all are tried. Results are kept in
reports/benchmarks; `--write` only makes the page of them. Exits with 1 where one missed a goal, and with 2 where one
did not run to its end.
"""

from __future__ import annotations

import argparse
import json
import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any, NamedTuple

from result import Row, picture, table

ROOT = Path(__file__).parents[1]
RESULTS, PICTURES, PAGE = ROOT / "reports" / "benchmarks", ROOT / "docs" / "pictures", ROOT / "docs" / "benchmarks.md"

PATIENCE_S = 20.0  # for one that is told to end

HEAD = """\
# Benchmarks

`make bench` runs them all and writes this page. Each measures b2b and a peer in turns, in the same run on the same
machine; a ratio is b2b's figure over the peer's, the median over the turns with its spread (and their number)."""


class Benchmark(NamedTuple):
    """A script, what it is about, and with which flags it takes a few minutes."""

    name: str
    title: str
    flags: tuple[str, ...] = ()
    most_s: float = 600.0


BENCHMARKS = (
    Benchmark("speed", "A minute in seconds", ("--runs", "3", "--length-s", "15"), 1200.0),
    Benchmark("cost", "Cost of a call"),
    Benchmark("many", "How many at once", ("--curve", str(PICTURES / "bench-many-curve.svg")), 900.0),
    Benchmark("overhead", "Overhead of a test"),
    Benchmark("rtp", "Analysis of RTP"),
    Benchmark("dtmf", "Analysis of digits", most_s=1200.0),
    Benchmark("analysis", "A run of ten minutes"),
)


def run(benchmark: Benchmark) -> int:
    """Run one, and keep what it prints; return 0, 1 where it missed a goal, and 2 where it came to nothing."""
    script, kept = ROOT / "benchmarks" / f"{benchmark.name}.py", RESULTS / f"{benchmark.name}.json"
    fresh = kept.with_suffix(".new")
    fresh.unlink(missing_ok=True)
    print(f"{benchmark.name}: {benchmark.title}", flush=True)
    command = [sys.executable, str(script), "--json", str(fresh), *benchmark.flags]
    why = ""
    with subprocess.Popen(command, cwd=script.parent, start_new_session=True) as process:
        try:
            process.wait(benchmark.most_s)
        except subprocess.TimeoutExpired:
            why = f"took more than {benchmark.most_s:g} s"
        finally:
            stop(process)
    if not why and not fresh.exists():
        why = f"ended with {process.returncode}, and without a result"
    if why:
        print(f"{benchmark.name}: {why}; the page keeps what it came to the last time", file=sys.stderr, flush=True)
        return 2
    fresh.replace(kept)
    return int(process.returncode != 0)


def stop(process: subprocess.Popen[bytes]) -> None:
    """End a benchmark that has not ended, with all that it started: politely, for calls have to be hung up."""
    for signum in (signal.SIGINT, signal.SIGKILL):
        if process.poll() is not None:
            return
        os.killpg(process.pid, signum)
        try:
            process.wait(PATIENCE_S)
        except subprocess.TimeoutExpired:
            continue


def section(benchmark: Benchmark, kept: dict[str, Any]) -> str:
    """Return a benchmark's part of the page, and draw its picture."""
    rows = [Row(**row) for row in kept["rows"]]
    drawn = f"bench-{benchmark.name}.svg"
    (PICTURES / drawn).write_text(picture(rows))
    about = (ROOT / "benchmarks" / f"{benchmark.name}.py").read_text().split('"""')[1].partition("\n\n")[0]
    parts = [f"## {benchmark.title}", " ".join(about.split()), f"`python benchmarks/{benchmark.name}.py`", table(rows)]
    if kept.get("text"):
        parts.append(kept["text"])
    parts.append(f"![Ratios of each turn](pictures/{drawn})")
    if "--curve" in benchmark.flags:
        parts.append("![Against how many there are](pictures/bench-many-curve.svg)")
    return "\n\n".join(parts)


def page() -> str:
    """Return the page of all that was kept."""
    kept = {
        one: json.loads(path.read_text())
        for one in BENCHMARKS if (path := RESULTS / f"{one.name}.json").exists()
    }  # fmt: skip
    machines = [f"{value}" if name in ("processors", "memory") else f"{name} {value}"
                for name, value in next(iter(kept.values()))["machine"].items()]  # fmt: skip
    head = f"{HEAD}\n\nThe machine, which is a virtual one that others share: {', '.join(machines)}."
    return "\n\n".join([head, *(section(one, found) for one, found in kept.items())]) + "\n"


def main() -> int:
    """Run, and write."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--only", type=lambda text: text.split(","), default=[one.name for one in BENCHMARKS])
    parser.add_argument("--write", action="store_true")
    asked = parser.parse_args()
    RESULTS.mkdir(parents=True, exist_ok=True)
    worst = 0
    for one in BENCHMARKS:
        if one.name in asked.only and not asked.write:
            worst = max(worst, run(one))
            if any(RESULTS.glob("*.json")):
                PAGE.write_text(page())  # after each: the next one may be interrupted
    if not any(RESULTS.glob("*.json")):
        parser.exit(2, f"wanted a result of some benchmark in {RESULTS}, there is none\n")
    PAGE.write_text(page())
    return worst


if __name__ == "__main__":
    sys.exit(main())
