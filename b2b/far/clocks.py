"""How far the clock of another machine is ahead of ours: from questions that it answers with its time.

As NTP has it (RFC 5905 section 8): the time there is taken to be that in the middle between question and answer, which
is wrong by half of the way's time at most. The quickest answers say it best.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

LEAST_APART_S = 10.0  # between two answers that say how much faster one clock goes


@dataclass(frozen=True, slots=True)
class Answer:
    """One answer; times are seconds since the epoch on our clock."""

    here_s: float
    ahead_s: float
    uncertain_s: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Offset:
    """At `at_s` of our clock the other one was `ahead_s` ahead, and gains `rate` seconds in each of ours since."""

    at_s: float
    ahead_s: float
    rate: float = 0.0
    uncertain_s: float = math.inf

    def here(self, there_s: float) -> float:
        """Return a time of the other clock in ours."""
        return there_s - self.ahead_s - self.rate * (there_s - self.ahead_s - self.at_s)

    def __str__(self) -> str:
        """Return it for a person."""
        way = "ahead of" if self.ahead_s >= 0 else "behind"
        return f"{_short(abs(self.ahead_s))} {way} ours (± {_short(self.uncertain_s)})"


class Clocks:
    """Gathers answers."""

    def __init__(self) -> None:
        self._answers: list[Answer] = []

    def add(self, *, asked_s: float, there_s: float, answered_s: float) -> None:
        """Take in an answer: when it was asked for and when it came, by our clock, and the time that it told."""
        here_s = (asked_s + answered_s) / 2
        self._answers.append(Answer(here_s, there_s - here_s, (answered_s - asked_s) / 2))

    @property
    def offset(self) -> Offset | None:
        """What all answers come to: the best of the first third and the best of the last; None before there is one."""
        if not self._answers:
            return None
        third = (len(self._answers) + 2) // 3
        first, last = (min(some, key=_doubt) for some in (self._answers[:third], self._answers[-third:]))
        apart_s = last.here_s - first.here_s
        if apart_s < LEAST_APART_S:
            best = min(self._answers, key=_doubt)
            return Offset(at_s=best.here_s, ahead_s=best.ahead_s, uncertain_s=best.uncertain_s)
        return Offset(
            at_s=first.here_s,
            ahead_s=first.ahead_s,
            rate=(last.ahead_s - first.ahead_s) / apart_s,
            uncertain_s=max(first.uncertain_s, last.uncertain_s),
        )


def _doubt(answer: Answer) -> float:
    return answer.uncertain_s


def _short(seconds: float) -> str:
    return f"{seconds:.1f} s" if seconds >= 1 else f"{1000 * seconds:.1f} ms"
