"""What two runs differ in: checks that ended otherwise, and figures that are better or worse.

A figure is only called better or worse where it differs by more than two calls of one plan do on a machine that is
idle; `MEASURES` says by how much that is.
"""

from __future__ import annotations

import enum
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from harness.compare.runs import Run
from harness.verdict import Check, Outcome

RANKS = {Outcome.PASS: 0, Outcome.UNKNOWN: 1, Outcome.FAIL: 2}
RUN_RANKS = {"none": 0, "pass": 0, "unknown": 1, "fail": 2, "error": 3}


class Change(str, enum.Enum):
    """What became of something from one run to the other."""

    SAME = "same"
    BETTER = "better"
    WORSE = "worse"
    NEW = "new"  # the first run has none of it
    GONE = "gone"  # the second run has none of it


@dataclass(frozen=True, slots=True, kw_only=True)
class Measure:
    """A figure that may get worse: by more than `by` and more than that `share` of what it was."""

    key: str
    title: str
    unit: str = ""
    digits: int = 0
    by: float = 0.0
    share: float = 0.0
    more_is_better: bool = False
    magnitude: bool = False  # the distance from 0 counts, on either side

    def change(self, before: float, after: float) -> Change:
        """Say what became of it."""
        step = abs(after) - abs(before) if self.magnitude else after - before
        if abs(step) <= max(self.by, self.share * abs(before)):
            return Change.SAME
        return Change.BETTER if (step > 0) == self.more_is_better else Change.WORSE

    def text(self, value: Any) -> str:
        """Return a value as it is shown."""
        if not isinstance(value, int | float):
            return "–"
        return f"{value:.{self.digits}f}{f' {self.unit}' if self.unit else ''}"


LEG = (
    Measure(key="missing", title="packets lost"),
    Measure(key="max_gap_arrival_ms", title="worst gap by arrival", unit="ms", digits=1, by=10, share=0.25),
    Measure(key="max_gap_timestamp_ms", title="worst gap by timestamp", unit="ms", digits=1, by=10),
    Measure(key="jitter_p95_ms", title="jitter p95", unit="ms", digits=2, by=1, share=0.5),
    Measure(key="late", title="packets over 40 ms late"),
    Measure(key="reordered", title="packets reordered"),
    Measure(key="duplicates", title="packets duplicated"),
    Measure(key="mos_lqe", title="MOS", digits=2, by=0.05, more_is_better=True),
)
SINK = (
    Measure(key="delay_ms", title="delay from the source", unit="ms", by=20, share=0.05),
    Measure(key="worst_gap_ms", title="worst gap heard", unit="ms", by=10, share=0.25),
    Measure(key="level_db", title="level against what it should be", unit="dB", digits=2, by=0.5, magnitude=True),
    Measure(key="snr_db", title="signal to noise", unit="dB", digits=1, by=3, more_is_better=True),
    Measure(key="clipped", title="samples clipped"),
)


@dataclass(frozen=True, slots=True)
class CheckDifference:
    """One check in both runs; None where a run has none of it."""

    where: str
    name: str
    before: Check | None
    after: Check | None
    change: Change

    def __str__(self) -> str:
        """Return it as one sentence."""
        before, after = (check.outcome.value if check else "not checked" for check in (self.before, self.after))
        return f"{self.where}: {self.name}: {before} before, {after} now{f': {self.after.got}' if self.after else ''}"


@dataclass(frozen=True, slots=True)
class FigureDifference:
    """One figure of a leg or sink in both runs."""

    where: str
    measure: Measure
    before: float | None
    after: float | None
    change: Change

    def __str__(self) -> str:
        """Return it as one sentence."""
        before, after = self.measure.text(self.before), self.measure.text(self.after)
        return f"{self.where}: {self.measure.title}: {before} before, {after} now"


@dataclass(frozen=True, slots=True, kw_only=True)
class Difference:
    """All that two runs differ in, and what is the same."""

    before: Run
    after: Run
    outcome: Change
    checks: Sequence[CheckDifference]
    figures: Sequence[FigureDifference]

    @property
    def verdict(self) -> Outcome:
        """Whether the later run is no worse, in its outcome, a check or a figure.

        Where nobody could tell of it, say because the host had stalled, nobody can tell whether it is really worse.
        """
        if self.outcome is not Change.WORSE and not self.changed(Change.WORSE):
            return Outcome.PASS
        return Outcome.UNKNOWN if self.after.outcome == Outcome.UNKNOWN.value else Outcome.FAIL

    def changed(self, change: Change) -> list[CheckDifference | FigureDifference]:
        """Return what changed that way, checks first."""
        checks = [check for check in self.checks if check.change is change]
        return [*checks, *(one for one in self.figures if one.change is change)]


def difference(before: Run, after: Run) -> Difference:
    """Compare two runs."""
    steps = RUN_RANKS[after.outcome] - RUN_RANKS[before.outcome]
    return Difference(
        before=before,
        after=after,
        outcome=_step(steps),
        checks=list(_checks(before.checks, after.checks)),
        figures=[
            *_figures(before.figures.legs, after.figures.legs, LEG),
            *_figures(before.figures.sinks, after.figures.sinks, SINK),
        ],
    )


def _step(steps: int) -> Change:
    return Change.WORSE if steps > 0 else Change.BETTER if steps < 0 else Change.SAME


def _checks(before: Sequence[Check], after: Sequence[Check]) -> Iterator[CheckDifference]:
    """Yield each check of either run once, in the order of the later run."""
    old, new = ({(check.where, check.name): check for check in checks} for checks in (before, after))
    for key in dict.fromkeys((*new, *old)):
        one, other = old.get(key), new.get(key)
        if one is None or other is None:
            change = Change.NEW if one is None else Change.GONE
        else:
            change = _step(RANKS[other.outcome] - RANKS[one.outcome])
        yield CheckDifference(*key, one, other, change)


def _figures(
    before: Mapping[str, Mapping[str, Any]], after: Mapping[str, Mapping[str, Any]], measures: Sequence[Measure]
) -> Iterator[FigureDifference]:
    """Yield each measure of each leg or sink, without those that neither run knows."""
    for where in dict.fromkeys((*after, *before)):
        for measure in measures:
            one, other = (_number(values.get(where, {}).get(measure.key)) for values in (before, after))
            if one is None and other is None:
                continue
            if one is None or other is None:
                change = Change.NEW if one is None else Change.GONE
            else:
                change = measure.change(one, other)
            yield FigureDifference(where, measure, one, other, change)


def _number(value: Any) -> float | None:
    return value if isinstance(value, int | float) and not isinstance(value, bool) else None
