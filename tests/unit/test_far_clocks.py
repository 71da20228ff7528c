"""How far another clock is ahead: from answers, the quickest of which says it best."""

from __future__ import annotations

import pytest

from b2b.far.clocks import Clocks, Offset

AHEAD_S = 3600.25


def asked(clocks: Clocks, at_s: float, *, there_s: float = 0.0, back_s: float = 0.0, ahead_s: float = AHEAD_S) -> None:
    """Ask at a time, and have the question and the answer take so long."""
    clocks.add(asked_s=at_s, there_s=at_s + there_s + ahead_s, answered_s=at_s + there_s + back_s)


def test_before_any_answer_nothing_is_known():
    assert Clocks().offset is None


def test_the_quickest_answer_counts():
    """A slow one is wrong by the half of what its two ways differ by."""
    clocks = Clocks()
    asked(clocks, 1000, there_s=0.4)
    asked(clocks, 1001, there_s=0.001, back_s=0.001)
    asked(clocks, 1002, back_s=0.3)
    assert clocks.offset
    assert clocks.offset.ahead_s == pytest.approx(AHEAD_S, abs=1e-6)
    assert clocks.offset.uncertain_s == pytest.approx(0.001, abs=1e-6)
    assert clocks.offset.here(1001 + AHEAD_S) == pytest.approx(1001, abs=1e-6)


@pytest.mark.parametrize("way_s", [0.0005, 0.02])
def test_a_way_that_is_slower_in_one_direction_is_within_what_is_said_to_be_uncertain(way_s):
    clocks = Clocks()
    asked(clocks, 1000, there_s=way_s)
    assert clocks.offset
    assert abs(clocks.offset.ahead_s - AHEAD_S) <= clocks.offset.uncertain_s + 1e-6


def test_a_clock_that_goes_faster_is_followed():
    """By 50 ppm, in an hour 180 ms; between the first answers and the last, and beyond them."""
    clocks = Clocks()
    for at_s in range(0, 3600, 5):
        asked(clocks, at_s, ahead_s=AHEAD_S + 50e-6 * at_s)
    assert clocks.offset
    for at_s in (0, 1800, 3600):
        assert clocks.offset.here(at_s + AHEAD_S + 50e-6 * at_s) == pytest.approx(at_s, abs=1e-3)


@pytest.mark.parametrize(("ahead_s", "says"), [
    (0.0123, "12.3 ms ahead of ours (± 0.2 ms)"), (-2.04, "2.0 s behind ours (± 0.2 ms)"),
])  # fmt: skip
def test_what_a_person_reads(ahead_s, says):
    assert str(Offset(at_s=0, ahead_s=ahead_s, uncertain_s=0.0002)) == says
