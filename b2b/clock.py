"""The one door that time comes through.

A run may go faster than the machine's clocks: its speed says how many seconds of a call pass in one of theirs. All
times here, and all that is written down of a run, are call times; where a wait must last for a time of the machine's
own, as patience with a process must, it says so. The orchestrator sets the speed, and what it starts has it from the
environment, with the instant at which both kinds of time were the same.
"""

from __future__ import annotations

import datetime
import os
import time
from collections.abc import Iterator
from dataclasses import dataclass

VARIABLE = "B2B_CLOCK"  # speed, monotonic and wall-clock origin


@dataclass(frozen=True, slots=True)
class Rate:
    """How the call's time follows from the machine's: they were equal at the origins, in seconds of its two clocks."""

    speed: float = 1.0
    steady_s: float = 0.0
    wall_s: float = 0.0

    @classmethod
    def parse(cls, text: str) -> Rate:
        """Read what `str` wrote; the machine's own time where that is nothing."""
        return cls(*map(float, text.split()))

    def __str__(self) -> str:
        """Return it as it is handed down."""
        return f"{self.speed!r} {self.steady_s!r} {self.wall_s!r}"


_rate = Rate.parse(os.environ.get(VARIABLE, ""))


def set_speed(speed: float) -> None:
    """Let time go that fast from here on, for us and for every process that we start."""
    global _rate
    _rate = Rate(speed, time.monotonic(), time.time())
    os.environ[VARIABLE] = str(_rate)


def follow(rate: str) -> None:
    """Let our time be that of a run on this machine, which noted its `rate()`."""
    global _rate
    _rate = Rate.parse(rate)


def rate() -> str:
    """Return how the time goes here, for those who want to follow."""
    return str(_rate)


def speed() -> float:
    """Return how many seconds of a call pass in one second of the machine."""
    return _rate.speed


def now() -> float:
    """Seconds on the monotonic clock."""
    return _fast(machine_now(), _rate.steady_s)


def wall() -> float:
    """Seconds since the epoch."""
    return wall_at(machine_wall())


def wall_at(machine_wall_s: float) -> float:
    """Return a time of the machine's wall clock, such as the kernel stamps on a packet, as `wall()` would have."""
    return _fast(machine_wall_s, _rate.wall_s)


def machine_now() -> float:
    """Seconds on the machine's own monotonic clock, for whatever has nothing to do with a call's time."""
    return time.monotonic()


def in_call(machine_s: float) -> float:
    """Return how much of a call passes in that many seconds of the machine."""
    return machine_s * _rate.speed


def on_machine(seconds: float) -> float:
    """Return how long the machine takes for so much of a call: what to tell a wait of the operating system."""
    return seconds / _rate.speed


def machine_wall() -> float:
    """Seconds since the epoch on the machine's own clock."""
    return time.time()


def sleep_until(instant: float) -> None:
    """Return once `now()` has reached the instant; at once when it has passed."""
    if (left := instant - now()) > 0:
        time.sleep(on_machine(left))


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
        """Return the deadline that many seconds of the call from now."""
        return cls(now() + seconds)

    @classmethod
    def patience(cls, machine_s: float) -> Deadline:
        """Return the deadline for something that does not get faster with the call, such as the end of a process."""
        return cls(now() + in_call(machine_s))

    @property
    def left(self) -> float:
        """Seconds until the deadline, never negative."""
        return max(0.0, self.at - now())

    @property
    def machine_left(self) -> float:
        """Seconds until the deadline on the machine's clock, never negative."""
        return on_machine(self.left)

    @property
    def passed(self) -> bool:
        """Whether the deadline lies behind us."""
        return now() >= self.at


def every(machine_s: float, until: Deadline) -> Iterator[None]:
    """Yield at once and then each period, for a condition that can only be polled, until the deadline."""
    while True:
        yield
        if until.passed:
            return
        sleep_until(min(now() + in_call(machine_s), until.at))


def _fast(machine_s: float, origin_s: float) -> float:
    return origin_s + (machine_s - origin_s) * _rate.speed
