"""What a call costs beyond itself: from `pytest` to the report, one of 5 s and each further one; and what help costs.

    python benchmarks/overhead.py [--rounds 5] [--calls 50] [--workers 2] [--helps 20]

The time of a call is that from its answer to its end, as its summary has it; all else is overhead, from the start of
pytest to its end, Allure's results and our own page included. Of many calls, which pytest-xdist's workers make side by
side, what each further one costs is counted in the worker that makes it, whose first one has been taken off. Beside
both pytest sleeps as long, with Allure as well. The start of `b2b --help` is compared with a click program of one
option, and with Python that does nothing.
"""

from __future__ import annotations

import json
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path

from result import Row, flags, hand_over

PLAN = Path(__file__).parents[1] / "plans" / "smk.plan.toml"
CALL_S = 5.0
ATTEMPTS = 3
FIRST_S, FURTHER_S, TIMES_CLICK, TIMES_PYTHON = 1.5, 0.7, 1.3, 6.0
SLEEPS = "import time\n\ndef test_{number}():\n    time.sleep({seconds})\n"
WITHOUT = ("-p", "no:hypothesispytest")  # a plugin that is here for our own tests, and takes 0.15 s at the end
ONE_OPTION = "import click\n@click.command()\n@click.option('--a')\ndef main(a): pass\nmain(['--help'])\n"


def timed(command: Sequence[str], folder: Path) -> float:
    """Run a command to its end, and return how long it took."""
    began = time.monotonic()
    finished = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    seconds = time.monotonic() - began
    if finished.returncode:
        raise SystemExit(f"{' '.join(command)} ended with {finished.returncode}:\n{finished.stdout}{finished.stderr}")
    return seconds


def pytest_in(folder: Path, workers: int) -> float:
    """Run what tests there are in a folder; without workers one after the other in pytest's own process."""
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "--alluredir", "allure", "."]
    command += ["--b2b-keep", "all", "-n", str(workers), *WITHOUT]
    return timed(command, folder)


def calls(count: int, workers: int = 0) -> tuple[float, float]:
    """Return how long a session of so many calls took, and a call itself; one that made a call again is done again."""
    for _ in range(ATTEMPTS):
        seconds, lasted_s = session(count, workers)
        if len(lasted_s) == count:
            return seconds, statistics.mean(lasted_s)
    raise SystemExit(f"in each of {ATTEMPTS} sessions of {count} calls the machine stalled, so that one was made again")


def session(count: int, workers: int) -> tuple[float, list[float]]:
    """Return how long a session of so many calls took, and each of them itself."""
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        text = PLAN.read_text().replace("../fixtures", str(PLAN.parents[1] / "fixtures"))
        text = text.replace("duration_s = 60", f"duration_s = {CALL_S:g}").replace("gap_ms = 40", "gap_ms = 400")
        for number in range(count):
            (folder / f"call{number}.plan.toml").write_text(text)
        seconds = pytest_in(folder, workers)
        summaries = (folder / "reports" / "runs").glob("*/summary.json")
        return seconds, [json.loads(path.read_text())["duration_s"] for path in summaries]


def sleeps(count: int, workers: int = 0) -> tuple[float, float]:
    """Return how long a session of as many tests that sleep took, and one of them itself."""
    with tempfile.TemporaryDirectory() as scratch:
        for number in range(count):
            path = Path(scratch) / f"test_{number}.py"
            path.write_text(SLEEPS.format(number=number, seconds=CALL_S))
        return pytest_in(Path(scratch), workers), CALL_S


def first(kind: Callable[..., tuple[float, float]]) -> float:
    """Return the overhead of one."""
    seconds, lasted_s = kind(1)
    return seconds - lasted_s


def further(kind: Callable[..., tuple[float, float]], count: int, workers: int) -> float:
    """Return the overhead of each one but the first of each worker."""
    began_s, _ = kind(workers, workers)
    seconds, lasted_s = kind(count, workers)
    return (seconds - began_s) / (count / workers - 1) - lasted_s


def helps(rounds: int) -> list[Row]:
    """Measure starts in turns."""
    b2b = str(Path(sys.executable).with_name("b2b"))
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        (folder / "one.py").write_text(ONE_OPTION)
        commands = ([b2b, "--help"], [sys.executable, "one.py"], [sys.executable, "-c", "pass"])
        turns = [[timed(command, folder) for command in commands] for _ in range(rounds)]
    ours, click, python = (list(column) for column in zip(*turns, strict=True))
    return [
        Row(what="start of b2b --help", unit="s", peer="click, one option", ours=ours, theirs=click, most=TIMES_CLICK),
        Row(what="start of b2b --help", unit="s", peer="python -c pass", ours=ours, theirs=python, most=TIMES_PYTHON),
    ]


def main() -> int:
    """Measure in turns."""
    parser = flags(__doc__)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--calls", type=int, default=50, help="of the longer session")
    parser.add_argument("--workers", type=int, default=2, help="that make those side by side")
    parser.add_argument("--helps", type=int, default=20)
    asked = parser.parse_args()
    if asked.workers < 1 or asked.calls < 2 * asked.workers or asked.calls % asked.workers:
        parser.error("wanted at least two calls for each worker, and as many for one as for another")
    turns = [(first(calls), first(sleeps)) for _ in range(asked.rounds)]
    one, slept = [own for own, _ in turns], [other for _, other in turns]
    more, slept_more = ([further(kind, asked.calls, asked.workers)] for kind in (calls, sleeps))
    each = f"of each further one of {asked.calls}, -n {asked.workers}"
    rows = [
        Row(what="overhead of one call", unit="s", peer="a test that sleeps", ours=one, theirs=slept),
        Row(what="overhead of one call", unit="s", peer="the goal", ours=one, theirs=[FIRST_S] * len(one), most=1),
        Row(what=f"each further one of {asked.calls}, call and all", unit="s", peer="a test that sleeps",
            ours=[CALL_S + own for own in more], theirs=[CALL_S + other for other in slept_more]),
        Row(what=each, unit="s", peer="the goal", ours=more, theirs=[FURTHER_S], most=1),
    ]  # fmt: skip
    return hand_over([*rows, *helps(asked.helps)], asked)


if __name__ == "__main__":
    sys.exit(main())
