"""Makes the fault matrix, or the table of it.

    python -m matrix [--only WORDS] [--part K/N] [--jobs N]
    python -m matrix --table

The first plays stories, whose results are kept in reports/faults.jsonl; the second prints the newest result of each. To
be started in tests/, or with it in PYTHONPATH.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import asdict
from pathlib import Path

from calls.places import REPOSITORY
from matrix import play
from matrix.stories import Story, stories
from matrix.table import table

RESULTS = REPOSITORY / "reports" / "faults.jsonl"


def main(arguments: Sequence[str]) -> int:
    """Play the stories that are asked for; return 0 when all came out as they are to."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--only", default="")
    parser.add_argument("--part", default="1/1")
    parser.add_argument("--jobs", type=int, default=3)
    parser.add_argument("--keep", type=Path, help="Keep the folders of stories that went wrong there.")
    parser.add_argument("--table", action="store_true")
    asked = parser.parse_args(arguments)
    if asked.table:
        newest = {values["story"]: play.Outcome(**values) for values in play.read_lines(RESULTS)}
        print("\n".join(table(stories(), newest)))
        return int(any(outcome.problems for outcome in newest.values()) or len(newest) < len(stories()))
    part, parts = map(int, asked.part.split("/"))
    chosen = [story for story in stories() if asked.only in story.name][part - 1 :: parts]
    RESULTS.parent.mkdir(exist_ok=True)
    wrong = 0
    with RESULTS.open("a") as results:
        for outcome in outcomes(chosen, asked.jobs, asked.keep):
            results.write(json.dumps(asdict(outcome)) + "\n")
            results.flush()
            wrong += bool(outcome.problems)
            mark, late = "✗" if outcome.problems else "✓", "" if outcome.hit else " (came too late)"
            print(f"{mark} {outcome.story}: exit {outcome.code}, {outcome.verdict}; {outcome.said}{late}",
                  *outcome.problems, sep="\n    ", flush=True)  # fmt: skip
    print(f"{len(chosen) - wrong} of {len(chosen)} as they are to be")
    return int(bool(wrong))


def outcomes(chosen: Sequence[Story], jobs: int, keep: Path | None = None) -> Iterator[play.Outcome]:
    """Yield what became of stories as they end, several at a time."""
    with tempfile.TemporaryDirectory(prefix="matrix-") as scratch, ThreadPoolExecutor(jobs) as pool:

        def one(number: int) -> play.Outcome:
            folder = Path(scratch) / str(number)
            folder.mkdir()
            outcome = play.play(chosen[number], folder)
            if outcome.problems and keep:
                kept = keep / chosen[number].name.replace(" ", "-").replace(",", "")
                play.clean(kept)
                folder.rename(kept)
            else:
                play.clean(folder)
            return outcome

        for future in as_completed([pool.submit(one, number) for number in range(len(chosen))]):
            yield future.result()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
