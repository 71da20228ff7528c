"""Two runs beside each other: what is worse, what is better, and what only seems to be."""

from __future__ import annotations

import pytest

from calls.many_runs import made_up
from calls.places import REPOSITORY
from harness.compare import text
from harness.compare.difference import LEG, SINK, Change, difference
from harness.verdict import Outcome

MEASURES = {measure.key: measure for measure in (*LEG, *SINK)}


@pytest.fixture
def pair(tmp_path):
    """Return a function that makes a good run and another one, and compares them."""

    def compare(**other):
        return difference(made_up(tmp_path / "one"), made_up(tmp_path / "other", **other))

    return compare


def test_a_run_like_the_one_before_is_no_worse(pair):
    """Everything is the same."""
    found = pair()
    assert found.verdict is Outcome.PASS
    assert {one.change for one in (*found.checks, *found.figures)} == {Change.SAME}
    assert list(text.of_difference(found))[-2:] == [
        "15 of 15 checks and figures are the same", "other is no worse",
    ]  # fmt: skip


def test_a_check_that_fails_now_is_named_with_what_it_got(pair):
    """And the figures behind it."""
    found = pair(outcome="fail", leg={"missing": 2, "max_gap_timestamp_ms": 60.0})
    assert found.verdict is Outcome.FAIL
    assert found.outcome is Change.WORSE
    assert [str(one) for one in found.changed(Change.WORSE)] == [
        "source -> sink: gap: pass before, fail now: 64.1 ms",
        "source -> sink: packets lost: 0 before, 2 now",
        "source -> sink: worst gap by timestamp: 20.0 ms before, 60.0 ms now",
    ]
    lines = list(text.of_difference(found))
    assert lines[0] == "✓ pass            one: all 2 checks passed"
    assert lines[1] == "✗ fail            other: source -> sink: gap: wanted at most 40 ms, got more"
    assert lines[2] == "worse:"
    assert lines[-1] == "other is worse"


@pytest.mark.parametrize(
    ("before", "after", "change"),
    [
        ("pass", "fail", Change.WORSE), ("pass", "unknown", Change.WORSE), ("unknown", "fail", Change.WORSE),
        ("fail", "unknown", Change.BETTER), ("fail", "pass", Change.BETTER), ("unknown", "pass", Change.BETTER),
        ("unknown", "unknown", Change.SAME), ("pass", "error", Change.WORSE), ("none", "error", Change.WORSE),
        ("fail", "error", Change.WORSE), ("none", "pass", Change.SAME), ("error", "none", Change.BETTER),
    ],
)  # fmt: skip
def test_outcomes_have_an_order(tmp_path, before, after, change):
    """Could not tell is between passed and failed, and no call at all is the worst."""
    found = difference(made_up(tmp_path / "one", outcome=before), made_up(tmp_path / "other", outcome=after))
    assert found.outcome is change
    worse = Outcome.UNKNOWN if after == "unknown" else Outcome.FAIL
    assert found.verdict is (worse if change is Change.WORSE else Outcome.PASS)


@pytest.mark.parametrize(
    ("key", "before", "after", "change"),
    [
        ("missing", 0, 1, Change.WORSE),
        ("missing", 3, 2, Change.BETTER),
        ("max_gap_arrival_ms", 22.0, 31.9, Change.SAME),
        ("max_gap_arrival_ms", 22.0, 32.1, Change.WORSE),
        ("max_gap_arrival_ms", 100.0, 124.0, Change.SAME),
        ("max_gap_arrival_ms", 100.0, 126.0, Change.WORSE),
        ("jitter_p95_ms", 1.1, 2.0, Change.SAME),
        ("jitter_p95_ms", 1.1, 2.2, Change.WORSE),
        ("mos_lqe", 4.41, 4.37, Change.SAME),
        ("mos_lqe", 4.41, 4.3, Change.WORSE),
        ("mos_lqe", 4.3, 4.41, Change.BETTER),
        ("level_db", -0.1, 0.2, Change.SAME),
        ("level_db", 0.1, -0.7, Change.WORSE),
        ("level_db", -6.0, 0.1, Change.BETTER),
        ("delay_ms", 420.0, 439.0, Change.SAME),
        ("delay_ms", 420.0, 600.0, Change.WORSE),
        ("snr_db", 36.0, 30.0, Change.WORSE),
    ],
)
def test_a_figure_is_worse_only_beyond_what_two_good_calls_differ_by(key, before, after, change):
    """In its own direction."""
    assert MEASURES[key].change(before, after) is change


def test_what_only_one_run_has_is_told_but_is_no_worse(tmp_path):
    """Another plan expects other things; that does not make the call worse."""
    one = made_up(tmp_path / "one", sink={"delay_ms": None})
    other = made_up(tmp_path / "other", outcome="none", leg={"mos_lqe": None})
    found = difference(one, other)
    assert found.verdict is Outcome.PASS
    assert [str(check) for check in found.checks] == [
        "source -> sink: lost: pass before, not checked now", "source -> sink: gap: pass before, not checked now",
    ]  # fmt: skip
    assert [str(one) for one in found.changed(Change.NEW)] == ["sink: delay from the source: – before, 420 ms now"]
    gone = [str(one) for one in found.changed(Change.GONE)]
    assert "source -> sink: MOS: 4.41 before, – now" in gone


def test_a_run_of_which_nobody_could_tell_only_seems_worse(pair):
    """What a stall of the host did is not held against anybody."""
    found = pair(outcome="unknown", leg={"max_gap_arrival_ms": 52.0})
    assert found.verdict is Outcome.UNKNOWN
    assert list(text.of_difference(found))[-1] == "other seems worse, but nobody could tell of it"


def test_every_measure_is_one_that_runs_keep():
    """A figure that nobody measures would always be the same."""
    from calls.many_runs import LEG as LEG_FIGURES
    from calls.many_runs import SINK as SINK_FIGURES

    assert {measure.key for measure in LEG} <= set(LEG_FIGURES)
    assert {measure.key for measure in SINK} <= set(SINK_FIGURES)


@pytest.mark.parametrize("measure", [*LEG, *SINK], ids=lambda measure: measure.key)
def test_the_documentation_has_every_measure_with_its_step(measure):
    """What counts as worse is for whoever reads the result to know."""
    of = "leg" if measure in LEG else "sink"
    step = f"{measure.by:g}{f' {measure.unit}' if measure.unit and measure.by else ''}"
    share = f"{100 * measure.share:.0f} % " if measure.share else ""
    assert f"| {measure.title} | {step} | {share}| {of} |" in (REPOSITORY / "docs" / "compare.md").read_text()
