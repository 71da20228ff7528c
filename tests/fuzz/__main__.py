"""`python -m fuzz`: gives each target its inputs, one process for each, and prints what came of it as a table.

    python -m fuzz [--count N] [--seconds S] [--seed N] [TARGET…]
    python -m fuzz --table

The second prints the newest result of each, as reports/fuzz.jsonl has them. What is found is kept as a file below
tests/fuzz/corpus/TARGET/, which the unit tests read from then on.
"""

from __future__ import annotations

import argparse
import json
import sys
from dataclasses import asdict

from calls.places import REPOSITORY
from fuzz.campaign import HEAD, Result, campaign_in_a_process
from fuzz.targets import BY_NAME, TARGETS

RESULTS = REPOSITORY / "reports" / "fuzz.jsonl"


def main() -> int:
    """Run the campaign; 1 where something was found."""
    parser = argparse.ArgumentParser(prog="python -m fuzz", description=__doc__.partition("\n")[0])
    parser.add_argument("targets", nargs="*", metavar="TARGET", help=f"of {', '.join(BY_NAME)}; default: all")
    parser.add_argument("--count", type=int, help="inputs for each; default: a million, ten thousand of the slow ones")
    parser.add_argument("--seconds", type=float, default=float("inf"), help="at most so long for each")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--table", action="store_true", help="print what came of the last campaigns")
    wanted = parser.parse_args()
    if wanted.table:
        kept = {found["target"]: Result(**found) for found in map(json.loads, RESULTS.read_text().splitlines())}
        print(HEADER, *(line(kept[name].row()) for name in BY_NAME if name in kept), sep="\n")
        return int(len(kept) < len(BY_NAME) or any(result.findings for result in kept.values()))
    if unknown := set(wanted.targets) - set(BY_NAME):
        parser.error(f"no target {', '.join(sorted(unknown))}; there is {', '.join(BY_NAME)}")
    print(HEADER, flush=True)
    RESULTS.parent.mkdir(exist_ok=True)
    found = False
    for target in [BY_NAME[name] for name in wanted.targets] or TARGETS:
        try:
            result = campaign_in_a_process(
                target, count=wanted.count or target.count, seconds=wanted.seconds, seed=wanted.seed
            )
        except EOFError:
            print(f"| {target.name} | its process died |", flush=True)
            found = True
            continue
        print(line(result.row()), flush=True)
        with RESULTS.open("a", encoding="utf-8") as kept_in:
            kept_in.write(json.dumps(asdict(result)) + "\n")
        for place, trace in result.findings.items():
            found = True
            print(f"{target.name}: {place}\n{trace}", file=sys.stderr, flush=True)
    return int(found)


def line(cells: tuple[str, ...]) -> str:
    """Return a line of the table."""
    return f"| {' | '.join(cells)} |"


HEADER = f"{line(HEAD)}\n|{' --- |' * len(HEAD)}"


if __name__ == "__main__":
    sys.exit(main())
