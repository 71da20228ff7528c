"""The one door that time comes through."""

from __future__ import annotations

import datetime
import re
import time

import pytest

from b2b import clock
from b2b.clock import Deadline


def test_a_timestamp_has_milliseconds_and_its_offset() -> None:
    """ISO 8601, so that logs of two machines can be laid side by side."""
    text = clock.timestamp(1_759_053_600.9876)
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}[+-]\d\d:\d\d", text)
    assert datetime.datetime.fromisoformat(text).timestamp() == pytest.approx(1_759_053_600.987)


def test_a_timestamp_is_of_now_unless_said_otherwise(monkeypatch: pytest.MonkeyPatch) -> None:
    """By the wall clock."""
    monkeypatch.setattr(clock, "wall", lambda: 1_000_000_000.5)
    assert clock.timestamp() == clock.timestamp(1_000_000_000.5)


def test_a_deadline_comes_nearer_and_passes(monkeypatch: pytest.MonkeyPatch) -> None:
    """What is left of it is never negative."""
    moments = {"now": 100.0}
    monkeypatch.setattr(clock, "now", lambda: moments["now"])
    deadline = Deadline.after(5)
    seen = []
    for moments["now"] in (100.0, 104.0, 105.0, 200.0):
        seen.append((deadline.left, deadline.passed))
    assert seen == [(5.0, False), (1.0, False), (0.0, True), (0.0, True)]


def test_polling_looks_once_more_at_the_deadline(monkeypatch: pytest.MonkeyPatch) -> None:
    """At once, each period, and a last time when it has passed; so that a condition is never missed by a hair."""
    moments = [0.0]
    monkeypatch.setattr(clock, "now", lambda: moments[-1])
    monkeypatch.setattr(clock, "sleep_until", moments.append)
    looked = [moments[-1] for _ in clock.every(2.0, Deadline(5.0))]
    assert looked == [0.0, 2.0, 4.0, 5.0]


def test_polling_looks_at_least_once() -> None:
    """Also where the deadline is behind us."""
    assert len(list(clock.every(1.0, Deadline(clock.now() - 10)))) == 1


def test_an_instant_that_has_passed_is_not_slept_for(monkeypatch: pytest.MonkeyPatch) -> None:
    """Only what is left is."""
    slept: list[float] = []
    monkeypatch.setattr(clock, "now", lambda: 10.0)
    monkeypatch.setattr(time, "sleep", slept.append)
    for instant in (9.0, 10.0, 10.25):
        clock.sleep_until(instant)
    assert slept == [0.25]
