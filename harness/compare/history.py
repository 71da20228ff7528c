"""Many runs over time, plan by plan: how the newest was, and which was the first bad one after the last good one."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass

from harness.compare.difference import Difference, difference
from harness.compare.runs import Run
from harness.verdict import Outcome


@dataclass(frozen=True, slots=True, kw_only=True)
class Trend:
    """A figure of whole runs: the worst of any leg or sink."""

    key: str
    title: str
    unit: str
    digits: int
    of: Callable[[Run], float | None]
    worst: Callable[[Iterable[float]], float] = max

    def text(self, value: float | None) -> str:
        """Return a value as it is shown."""
        return "–" if value is None else f"{value:.{self.digits}f}{f' {self.unit}' if self.unit else ''}"


def _worst_gap(run: Run) -> float | None:
    return _max(run, "max_gap_arrival_ms", "max_gap_timestamp_ms")


def _max(run: Run, *keys: str) -> float | None:
    return max(_values(run, keys), default=None)


def _values(run: Run, keys: Sequence[str]) -> Iterator[float]:
    """Yield what is known of these figures, of every leg and sink."""
    for values in (*run.figures.legs.values(), *run.figures.sinks.values()):
        yield from (value for key in keys if (value := values.get(key)) is not None)


GAP = Trend(key="gap", title="worst gap", unit="ms", digits=1, of=_worst_gap)
TRENDS = (
    GAP,
    Trend(key="jitter", title="jitter p95", unit="ms", digits=2, of=lambda run: _max(run, "jitter_p95_ms")),
    Trend(key="delay", title="delay", unit="ms", digits=0, of=lambda run: _max(run, "delay_ms")),
    Trend(
        key="mos", title="MOS", unit="", digits=2, worst=min,
        of=lambda run: min(_values(run, ("mos_lqe",)), default=None),
    ),
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Day:
    """The runs of a plan on one day, and the worst of them by each trend's key."""

    day: str
    runs: int
    good: int
    worst: dict[str, float | None]


@dataclass(frozen=True, slots=True, kw_only=True)
class History:
    """The runs of one plan in the order in which they began."""

    plan: str
    runs: Sequence[Run]

    @property
    def decided(self) -> Run | None:
        """The newest run of which we could tell."""
        return next((run for run in reversed(self.runs) if run.outcome != Outcome.UNKNOWN.value), None)

    @property
    def bad(self) -> bool:
        """Whether that one was no good."""
        return self.decided is not None and not self.decided.good

    @property
    def last_good(self) -> Run | None:
        """The newest good run."""
        return next((run for run in reversed(self.runs) if run.good), None)

    @property
    def first_bad(self) -> Run | None:
        """The first bad run after the last good one; of a plan that is all right now there is none."""
        later = self.runs[self.runs.index(self.last_good) + 1 :] if self.last_good else self.runs
        return next((run for run in later if not run.good and run.outcome != Outcome.UNKNOWN.value), None)

    @property
    def got_worse(self) -> Difference | None:
        """What changed from the last good run to the first bad one; None unless there are both."""
        return difference(self.last_good, self.first_bad) if self.last_good and self.first_bad else None

    @property
    def drifted(self) -> Difference | None:
        """What changed between the last two good runs, where the newest is good."""
        good = [run for run in self.runs if run.good]
        return None if self.bad or len(good) < 2 else difference(good[-2], good[-1])

    @property
    def days(self) -> list[Day]:
        """The same runs day by day."""
        days = []
        for day, grouped in itertools.groupby(self.runs, key=lambda run: run.day):
            runs = list(grouped)
            worst = {trend.key: _worst(trend, runs) for trend in TRENDS}
            days.append(Day(day, len(runs), sum(run.good for run in runs), worst))
        return days


def histories(runs: Iterable[Run]) -> list[History]:
    """Return the runs by plan, those that are bad now first, each plan's in the order given."""
    plans: dict[str, list[Run]] = {}
    for run in runs:
        plans.setdefault(run.plan, []).append(run)
    found = [History(plan=plan, runs=plans[plan]) for plan in sorted(plans)]
    return sorted(found, key=lambda history: not history.bad)


def _worst(trend: Trend, runs: Sequence[Run]) -> float | None:
    values = [value for run in runs if (value := trend.of(run)) is not None]
    return trend.worst(values) if values else None
