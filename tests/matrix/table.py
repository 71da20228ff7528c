"""The fault matrix as a table for people."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence

from matrix.play import Outcome
from matrix.stories import Story

MOST_WORDS = 110
SCRATCH = re.compile(r"/\S*/matrix-\w+/\d+/")  # where a story was played


def table(stories: Sequence[Story], outcomes: Mapping[str, Outcome]) -> Iterator[str]:
    """Yield the lines of a table in Markdown."""
    yield "| who | what | when | exit code | verdict | what was said | all gone after | |"
    yield "|---|---|---|---|---|---|---|---|"
    for story in stories:
        if (outcome := outcomes.get(story.name)) is None:
            continue
        mark = "✗ " + "; ".join(outcome.problems) if outcome.problems else "✓"
        said = outcome.said if outcome.hit else f"it was over already; {outcome.said}"
        cells = (
            story.victim, story.fault, story.phase, outcome.code, outcome.verdict or "none", _short(said),
            f"{outcome.gone_s:.1f} s", mark,
        )  # fmt: skip
        yield f"| {' | '.join(map(str, cells))} |"
    played = [outcomes[story.name] for story in stories if story.name in outcomes]
    good = sum(not outcome.problems for outcome in played)
    yield ""
    yield f"{len(played)} of {len(stories)} stories were played, {good} of them came out as they are to."


def _short(words: str) -> str:
    words = SCRATCH.sub("", words).replace("|", "\\|").strip()
    return words if len(words) <= MOST_WORDS else words[: MOST_WORDS - 1].rstrip() + "…"
