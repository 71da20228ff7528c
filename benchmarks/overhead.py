"""What a call costs beyond itself: from `pytest` to the report, one of 5 s and each further one; and what help costs.

    python benchmarks/overhead.py [--rounds 5] [--more 10] [--helps 20]

The time of a call is that from its answer to its end, as its summary has it; all else is overhead, from the start of
pytest to its end, Allure's results and our own page included. Beside it pytest sleeps as long, with Allure as well. The
start of `b2b --help` is compared with a click program of one option, and with Python that does nothing.
"""

from __future__ import annotations

import json
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

from result import Row, flags, hand_over

PLAN = Path(__file__).parents[1] / "plans" / "smk.plan.toml"
CALL_S = 5.0
FIRST_S, FURTHER_S, TIMES_CLICK, TIMES_PYTHON = 1.5, 0.7, 1.3, 6.0
SLEEPS = "import time\n\ndef test_{number}():\n    time.sleep({seconds})\n"
ONE_OPTION = "import click\n@click.command()\n@click.option('--a')\ndef main(a): pass\nmain(['--help'])\n"


def timed(command: Sequence[str], folder: Path) -> float:
    """Run a command to its end, and return how long it took."""
    began = time.monotonic()
    finished = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    seconds = time.monotonic() - began
    if finished.returncode:
        raise SystemExit(f"{' '.join(command)} ended with {finished.returncode}:\n{finished.stdout}{finished.stderr}")
    return seconds


def pytest_in(folder: Path) -> float:
    """Run what tests there are in a folder, one after the other."""
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "--alluredir", "allure", "."]
    command += ["--b2b-keep", "all"]
    return timed(command, folder)


def calls(count: int) -> float:
    """Return the overhead of so many calls in one session; one in which a call had to be made again is done again."""
    while True:
        seconds, lasted_s = session(count)
        if len(lasted_s) == count:
            return seconds - sum(lasted_s)


def session(count: int) -> tuple[float, list[float]]:
    """Return how long a session of so many calls took, and each of them itself."""
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        text = PLAN.read_text().replace("../fixtures", str(PLAN.parents[1] / "fixtures"))
        text = text.replace("duration_s = 60", f"duration_s = {CALL_S:g}").replace("gap_ms = 40", "gap_ms = 400")
        for number in range(count):
            (folder / f"call{number}.plan.toml").write_text(text)
        seconds = pytest_in(folder)
        summaries = (folder / "reports" / "runs").glob("*/summary.json")
        return seconds, [json.loads(path.read_text())["duration_s"] for path in summaries]


def sleeps(count: int) -> float:
    """Return the overhead of as many tests that sleep."""
    with tempfile.TemporaryDirectory() as scratch:
        for number in range(count):
            path = Path(scratch) / f"test_{number}.py"
            path.write_text(SLEEPS.format(number=number, seconds=CALL_S))
        return pytest_in(Path(scratch)) - count * CALL_S


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
    parser.add_argument("--more", type=int, default=10, help="further calls of the longer session")
    parser.add_argument("--helps", type=int, default=20)
    asked = parser.parse_args()
    turns = [(calls(1), sleeps(1)) for _ in range(asked.rounds)]
    first = [own for own, _ in turns]
    further = [(calls(1 + asked.more) - statistics.median(first)) / asked.more]
    rows = [
        Row(what="overhead of one call", unit="s", peer="a test that sleeps", ours=first,
            theirs=[other for _, other in turns]),
        Row(what="overhead of one call", unit="s", peer="the goal", ours=first, theirs=[FIRST_S] * len(first), most=1),
        Row(what=f"of each of {asked.more} further ones", unit="s", peer="the goal", ours=further,
            theirs=[FURTHER_S], most=1),
    ]  # fmt: skip
    return hand_over([*rows, *helps(asked.helps)], asked)


if __name__ == "__main__":
    sys.exit(main())
