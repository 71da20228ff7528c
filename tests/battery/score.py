"""How many trials a detector got right, how many digits it found under sound, and how many where there were none."""

from __future__ import annotations

from collections.abc import Iterable

from battery.peers import Hear
from battery.sound import Samples
from battery.trials import Section


def right(hear: Hear, section: Section, seed: int, count: int) -> float:
    """Return the share of trials whose answer was exactly right."""
    return sum(hear(samples) == answer for samples, answer in section.trials(seed, count)) / count


def wrong(hear: Hear, section: Section, seed: int, count: int) -> list[tuple[str, str]]:
    """Return what was heard and what was wanted, of each trial that was not right."""
    heard = ((hear(samples), answer) for samples, answer in section.trials(seed, count))
    return [(got, answer) for got, answer in heard if got != answer]


def in_common(sent: str, heard: str) -> int:
    """Return the length of the longest sequence that both have, with gaps."""
    row = [0] * (len(heard) + 1)
    for key in sent:
        before = 0
        for at, other in enumerate(heard, 1):
            before, row[at] = row[at], before + 1 if key == other else max(row[at], row[at - 1])
    return row[-1]


def false_digits(hear: Hear, sounds: Iterable[Samples]) -> int:
    """Return how many digits were heard where there are none."""
    return sum(len(hear(sound)) for sound in sounds)
