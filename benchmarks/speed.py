"""Whether a call that goes faster than its sound is judged as at speed 1: clean calls, and faults made on purpose.

    python benchmarks/speed.py [--runs 10] [--speeds 1,4,10] [--length-s 20] [--cases clean,…]

Makes the call of plans/smk.plan.toml so many times for each case and speed. A verdict is the same where exactly the
checks fail that must; where some of them could not tell, nor could it. Prints a table, with the median wall time from
the command to the report. Exits with 1 where a verdict was another one.
"""

from __future__ import annotations

import itertools
import os
import statistics
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

from result import Row, flags, hand_over

from harness.topology import make_call
from harness.verdict import Outcome, Verdict

PLAN = Path(__file__).parents[1] / "plans" / "smk.plan.toml"
THERE, ON, SINK = "source -> mixer", "mixer -> sink", "sink"
Checks = frozenset[tuple[str, str]]


class Case(NamedTuple):
    """What is changed in the plan, and the checks that must fail for it, by leg or node and name.

    What a fault on the wire does to the sound is up to the buffers: `heard` says that the sink's checks may fail too.
    """

    changes: Mapping[str, Mapping[str, Any]]
    failing: Checks = frozenset()
    heard: bool = False


CASES = {
    "clean": Case({}),
    "two packets lost": Case(
        {"impair": {THERE: {"lose": ["300-301"]}}}, frozenset({(THERE, "lost"), (THERE, "gap")}), heard=True
    ),
    "five lost in a row": Case(
        {"impair": {ON: {"lose": ["300-304"]}}}, frozenset({(ON, "lost"), (ON, "gap")}), heard=True
    ),
    "jitter of 120 ms": Case({"impair": {ON: {"jitter_ms": 120}}}, frozenset({(ON, "gap")}), heard=True),
    "cut after 10 s": Case({"impair": {ON: {"cut_after_s": 10}}}, frozenset({(ON, "end")}), heard=True),
    "another digit": Case({"mixer": {"dtmf_seq": "124#"}}, frozenset({("sink", "dtmf")})),
}
SPEEDS = [1.0, 4.0, 10.0]
FASTEST, MINUTE_S, MOST_S = 10.0, 60.0, 8.0
SAME, UNKNOWN, ANOTHER = "same", "could not tell", "another verdict"


def judged(verdict: Verdict, case: Case) -> str:
    """Return what a verdict is worth: exactly those checks fail, or some of them could not tell, or it is another."""
    of = {
        outcome: {(check.where, check.name) for check in verdict.checks if check.outcome is outcome}
        for outcome in Outcome
    }
    failed = {check for check in of[Outcome.FAIL] if check in case.failing or not (case.heard and check[0] == SINK)}
    if failed - case.failing or case.failing - failed - of[Outcome.UNKNOWN]:
        return ANOTHER
    return SAME if failed == case.failing and (failed or not of[Outcome.UNKNOWN]) else UNKNOWN


def call(case: Case, speed: float, length_s: float) -> tuple[Verdict, float]:
    """Make one call; return its verdict, and the seconds from the command to the report."""
    with tempfile.TemporaryDirectory() as folder:
        began = time.monotonic()
        changes = {**case.changes, "run": {"speed": speed}}
        verdict = make_call(PLAN, Path(folder) / "run", changes=changes, duration_s=length_s).verdict
        assert verdict
        return verdict, time.monotonic() - began


def main() -> int:
    """Measure, and print."""
    parser = flags(__doc__)
    parser.add_argument("--runs", type=int, default=10)
    parser.add_argument("--speeds", type=lambda text: [float(word) for word in text.split(",")], default=SPEEDS)
    parser.add_argument("--length-s", type=float, default=20.0)
    parser.add_argument("--cases", type=lambda text: text.split(","), default=[*CASES])
    parser.add_argument("--minutes", type=int, default=5, help="calls of a minute, whose wall time is compared")
    wanted = parser.parse_args()
    lines = ["| case | speed | same | could not tell | another verdict | wall, s | load |", "|---|" + "--:|" * 6]
    print(*lines, sep="\n")
    wrong = 0
    for name, speed in itertools.product(wanted.cases, wanted.speeds):
        runs = [call(CASES[name], speed, wanted.length_s) for _ in range(wanted.runs)]
        counts = Counter(judged(verdict, CASES[name]) for verdict, _ in runs)
        wall_s, load = statistics.median(wall_s for _, wall_s in runs), os.getloadavg()[0]
        cells = " | ".join(str(counts[outcome]) for outcome in (SAME, UNKNOWN, ANOTHER))
        lines.append(f"| {name} | {speed:g} | {cells} | {wall_s:.1f} | {load:.1f} |")
        print(lines[-1], flush=True)
        wrong += counts[ANOTHER]
        for verdict, _ in runs:
            if judged(verdict, CASES[name]) == ANOTHER:
                failed = [str(check) for check in verdict.checks if check.outcome is Outcome.FAIL]
                print(f"    {name} at {speed:g}: {verdict.outcome.value}", *failed, sep="\n      ", flush=True)
    minutes = [call(CASES["clean"], FASTEST, MINUTE_S)[1] for _ in range(wanted.minutes)]
    what = f"{MINUTE_S:g} s at speed {FASTEST:g}, judged and reported"
    row = Row(what=what, unit="s", peer="the goal", ours=minutes, theirs=[MOST_S] * len(minutes), most=1)
    return max(hand_over([row], wanted, {"text": "\n".join(lines)}), int(bool(wrong)))


if __name__ == "__main__":
    sys.exit(main())
