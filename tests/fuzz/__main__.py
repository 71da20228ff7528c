"""`python -m fuzz`: gives each target its inputs, one process for each, and prints what came of it as a table.

    python -m fuzz [--count N] [--seconds S] [--seed N] [TARGET…]

What is found is kept as a file below tests/fuzz/corpus/TARGET/, which the unit tests read from then on.
"""

from __future__ import annotations

import argparse
import sys

from fuzz.campaign import HEAD, campaign_in_a_process
from fuzz.targets import BY_NAME, TARGETS


def main() -> int:
    """Run the campaign; 1 where something was found."""
    parser = argparse.ArgumentParser(prog="python -m fuzz", description=__doc__.partition("\n")[0])
    parser.add_argument("targets", nargs="*", metavar="TARGET", help=f"of {', '.join(BY_NAME)}; default: all")
    parser.add_argument("--count", type=int, help="inputs for each; default: a million, ten thousand of the slow ones")
    parser.add_argument("--seconds", type=float, default=float("inf"), help="at most so long for each")
    parser.add_argument("--seed", type=int, default=1)
    wanted = parser.parse_args()
    if unknown := set(wanted.targets) - set(BY_NAME):
        parser.error(f"no target {', '.join(sorted(unknown))}; there is {', '.join(BY_NAME)}")
    print("| " + " | ".join(HEAD) + " |\n|" + " --- |" * len(HEAD), flush=True)
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
        print("| " + " | ".join(result.row()) + " |", flush=True)
        for place, trace in result.findings.items():
            found = True
            print(f"{target.name}: {place}\n{trace}", file=sys.stderr, flush=True)
    return int(found)


if __name__ == "__main__":
    sys.exit(main())
