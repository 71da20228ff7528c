"""A figure of many runs as a picture: where in it each run, each day and the limit lie. Pure geometry."""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from harness.compare.history import History, Trend
from harness.compare.runs import Run

WIDTH, HEIGHT = 600, 170
LEFT, RIGHT, TOP, BOTTOM = 52, 10, 12, 24  # beside the field
DAY_WIDTH = 44  # that the name of a day takes
TICKS = 4
ROOM = 0.12  # above and below, as a share of the range
FROM_ZERO = 0.5  # of the largest: where the smallest is below that, the axis begins at 0


@dataclass(frozen=True, slots=True)
class Point:
    """One run in the picture."""

    x: float
    y: float
    run: Run
    text: str
    href: str


@dataclass(frozen=True, slots=True)
class Mark:
    """A line across the picture, and what stands beside it; "" for nothing."""

    at: float
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Chart:
    """A trend of one plan's runs, in units of its own width and height."""

    title: str
    unit: str
    about: str  # in words, what it shows
    points: Sequence[Point]
    lines: Sequence[str]  # between runs that have the figure, as SVG's polylines want them
    ticks: Sequence[Mark]
    days: Sequence[Mark]
    limit: Mark | None = None
    first_bad: Mark | None = None


def chart(history: History, trend: Trend, *, limit: float | None, href: Callable[[Run], str]) -> Chart | None:
    """Draw a trend; None where no run of the plan has the figure."""
    values = [trend.of(run) for run in history.runs]
    known = [value for value in values if value is not None]
    if not known:
        return None
    low, high = _range(known if limit is None or limit > 4 * max(known) else [*known, limit])
    step = (WIDTH - LEFT - RIGHT) / len(values)

    def x(place: float) -> float:
        return round(LEFT + step * place, 1)

    def y(value: float) -> float:
        return round(HEIGHT - BOTTOM - (HEIGHT - TOP - BOTTOM) * (value - low) / (high - low), 1)

    points = [
        Point(x(at + 0.5), y(value), run, trend.text(value), href(run))
        for at, (run, value) in enumerate(zip(history.runs, values, strict=True))
        if value is not None
    ]
    bad = history.first_bad
    least, most, newest = (trend.text(value) for value in (min(known), max(known), known[-1]))
    return Chart(
        title=trend.title,
        unit=trend.unit,
        about=f"{least} to {most}, newest {newest}",
        points=points,
        lines=list(_lines(values, x, y)),
        ticks=[Mark(y(tick), f"{tick:g}") for tick in _ticks(low, high)],
        days=list(_days(history.runs, x)),
        limit=Mark(y(limit), trend.text(limit)) if limit is not None and low <= limit <= high else None,
        first_bad=Mark(x(history.runs.index(bad) + 0.5), "first bad run") if bad and history.last_good else None,
    )


def _range(values: Sequence[float]) -> tuple[float, float]:
    """Return what the axis reaches from and to."""
    low, high = min(values), max(values)
    if 0 <= low < FROM_ZERO * high or high == 0:
        return 0.0, (high or 1.0) * (1 + ROOM)
    room = (high - low) * ROOM or abs(high) * ROOM
    return low - room, high + room


def _ticks(low: float, high: float) -> Iterator[float]:
    """Yield round values in the range."""
    rough = (high - low) / TICKS
    magnitude = 10.0 ** math.floor(math.log10(rough))
    step = next(factor * magnitude for factor in (1, 2, 5, 10) if factor * magnitude >= rough)
    at = math.ceil(low / step)
    while at * step <= high:
        yield round(at * step, 9)
        at += 1


def _lines(
    values: Sequence[float | None], x: Callable[[float], float], y: Callable[[float], float]
) -> Iterator[str]:
    """Yield the lines between neighbours; a run without the figure breaks them."""
    for known, group in itertools.groupby(enumerate(values), key=lambda pair: pair[1] is not None):
        if known:
            yield " ".join(f"{x(at + 0.5)},{y(value)}" for at, value in group if value is not None)


def _days(runs: Sequence[Run], x: Callable[[float], float]) -> Iterator[Mark]:
    """Yield where each day begins; its name only where there is room for it."""
    free_from, at = 0.0, 0
    for day, group in itertools.groupby(runs, key=lambda run: run.day):
        place = x(at)
        named = free_from <= place <= WIDTH - DAY_WIDTH
        yield Mark(place, day[5:] if named else "")
        if named:
            free_from = place + DAY_WIDTH
        at += sum(1 for _ in group)
