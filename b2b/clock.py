"""The one door that time comes through."""

from __future__ import annotations

import datetime
import time
from collections.abc import Iterator
from dataclasses import dataclass


def now() -> float:
    """Seconds on the monotonic clock."""
    return time.monotonic()


def wall() -> float:
    """Seconds since the epoch."""
    return time.time()


def sleep_until(instant: float) -> None:
    """Return once `now()` has reached the instant; at once when it has passed."""
    if (left := instant - now()) > 0:
        time.sleep(left)


def timestamp(wall_s: float | None = None) -> str:
    """Local time in ISO 8601 with milliseconds and offset, as the log lines carry it."""
    seconds = wall() if wall_s is None else wall_s
    return datetime.datetime.fromtimestamp(seconds).astimezone().isoformat(timespec="milliseconds")


def stamp() -> str:
    """Local time to the millisecond, as it can stand in a file's name."""
    return datetime.datetime.fromtimestamp(wall()).strftime("%Y%m%d-%H%M%S-%f")[:-3]


@dataclass(frozen=True, slots=True)
class Deadline:
    """An instant that several waits share."""

    at: float

    @classmethod
    def after(cls, seconds: float) -> Deadline:
        """Return the deadline that many seconds from now."""
        return cls(now() + seconds)

    @property
    def left(self) -> float:
        """Seconds until the deadline, never negative."""
        return max(0.0, self.at - now())

    @property
    def passed(self) -> bool:
        """Whether the deadline lies behind us."""
        return now() >= self.at


def every(period_s: float, until: Deadline) -> Iterator[None]:
    """Yield at once and then each period, for a condition that can only be polled, until the deadline."""
    while True:
        yield
        if until.passed:
            return
        sleep_until(min(now() + period_s, until.at))
