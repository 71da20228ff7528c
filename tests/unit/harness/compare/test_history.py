"""Many runs over time: which was the first bad one after the last good one, and what changed."""

from __future__ import annotations

import pytest

from b2b.errors import UsageError
from calls.many_runs import DAY_S, made_up
from harness.compare import text
from harness.compare.charts import HEIGHT, LEFT, WIDTH, chart
from harness.compare.history import GAP, TRENDS, histories
from harness.compare.runs import run_of, runs_in


@pytest.fixture
def story(tmp_path):
    """Return a function that makes a run for each outcome, half a day apart, and returns their history."""

    def tell(*outcomes, **figures):
        for number, outcome in enumerate(outcomes):
            more = {key: values[number] for key, values in figures.items()}
            made_up(tmp_path / f"{number:02d}", at_s=number * DAY_S / 2, outcome=outcome, **more)
        (history,) = histories(runs_in([tmp_path]))
        return history

    return tell


def names(*runs):
    """Return the names of runs, None for none."""
    return tuple(run.name if run else None for run in runs)


@pytest.mark.parametrize(
    ("outcomes", "bad", "last_good", "first_bad"),
    [
        (["pass", "pass"], False, "01", None),
        (["pass", "fail"], True, "00", "01"),
        (["fail", "pass", "none", "fail", "error"], True, "02", "03"),
        (["pass", "unknown", "fail", "unknown"], True, "00", "02"),
        (["fail", "pass"], False, "01", None),
        (["pass", "unknown"], False, "00", None),
        (["fail", "fail"], True, None, "00"),
        (["cut off"], True, None, "00"),
        (["unknown"], False, None, None),
    ],
    ids=lambda value: "-".join(value) if isinstance(value, list) else None,
)
def test_the_first_bad_run_after_the_last_good_one(story, outcomes, bad, last_good, first_bad):
    """One of which nobody could tell is neither."""
    history = story(*outcomes)
    assert history.bad is bad
    assert names(history.last_good, history.first_bad) == (last_good, first_bad)
    assert (history.got_worse is not None) == (last_good is not None and first_bad is not None)


def test_what_got_worse_is_named(story):
    """From the last good run to the first bad one."""
    slow = [None, {"delay_ms": 900.0}, {"delay_ms": 900.0}]
    history = story("pass", "fail", "fail", sink=slow)
    assert text.sentence(history).startswith("bad since 2001-09-09 1")
    assert text.changes(history) == [
        "source -> sink: gap: pass before, fail now: 64.1 ms",
        "sink: delay from the source: 420 ms before, 900 ms now",
    ]


def test_what_drifts_while_all_is_well_is_named_too(story):
    """Between the last two good runs."""
    history = story("pass", "pass", leg=[None, {"jitter_p95_ms": 9.0}])
    assert text.sentence(history).startswith("good, last 2001-09-09 1")
    assert text.changes(history) == ["source -> sink: jitter p95: 1.10 ms before, 9.00 ms now"]


def test_plans_are_apart_and_bad_ones_come_first(tmp_path):
    """Each by its own name, wherever the plan's file was."""
    plans = [("a/sk.plan.toml", "pass"), ("smk.toml", "fail"), ("b/sk.plan.toml", "pass")]
    for number, (plan, outcome) in enumerate(plans):
        made_up(tmp_path / str(number), at_s=number, plan=plan, outcome=outcome)
    made_up(tmp_path / "20260101-120000-000-odd", at_s=9, plan="")
    found = histories(runs_in([tmp_path]))
    assert [(history.plan, len(history.runs)) for history in found] == [("smk", 1), ("odd", 1), ("sk", 2)]
    lines = list(text.of_histories(found))
    assert lines[0].startswith("smk: never good; the first of 1 runs was 2001-09-09")
    assert sum("✓ pass" in line for line in lines) == 3


def test_days_have_the_worst_of_their_runs(story):
    """Half a day apart, two runs are a day."""
    leg = [{"max_gap_arrival_ms": value, "mos_lqe": mos} for value, mos in [(22.0, 4.4), (31.0, 4.2), (25.0, 4.41)]]
    days = story("pass", "fail", "pass", leg=leg).days
    assert sum(day.runs for day in days) == 3
    assert max(day.worst["gap"] for day in days) == 31.0
    assert min(day.worst["mos"] for day in days) == 4.2
    assert all(day.good <= day.runs for day in days)


def test_runs_are_found_and_ordered_by_when_they_began(tmp_path):
    """Not by their names; a folder may be a run itself."""
    made_up(tmp_path / "runs" / "b", at_s=1)
    made_up(tmp_path / "runs" / "a", at_s=2)
    alone = made_up(tmp_path / "alone", at_s=3)
    (tmp_path / "runs" / "nothing").mkdir()
    assert [run.name for run in runs_in([alone.folder, tmp_path / "runs"])] == ["b", "a", "alone"]


@pytest.mark.parametrize(
    ("where", "says"),
    [("empty", "wanted run folders, but it is none and there is none in it"),
     ("nowhere", "wanted run folders, but it cannot be read: No such file or directory")],
)  # fmt: skip
def test_a_folder_without_runs(tmp_path, where, says):
    """Said in one sentence."""
    (tmp_path / "empty").mkdir()
    with pytest.raises(UsageError) as raised:
        list(runs_in([tmp_path / where]))
    assert str(raised.value) == f"{tmp_path / where}: {says}"


def test_a_run_to_compare_must_be_one(tmp_path):
    """And says what is missing."""
    with pytest.raises(UsageError, match=r"wanted a run folder, but there is no events\.jsonl in it, so it is none"):
        run_of(tmp_path)


@pytest.mark.parametrize("trend", TRENDS, ids=lambda trend: trend.key)
def test_a_chart_has_a_place_for_each_run(story, trend):
    """From left to right, all inside; a run without the figure breaks the line."""
    unknown = {"max_gap_arrival_ms": None, "max_gap_timestamp_ms": None, "jitter_p95_ms": None, "mos_lqe": None}
    legs, sinks = [None, None, unknown, None, None], [None, None, {"delay_ms": None}, None, None]
    history = story("pass", "fail", "pass", "pass", "fail", leg=legs, sink=sinks)
    drawn = chart(history, trend, limit=None, href=lambda run: f"{run.name}/report.html")
    assert [point.href for point in drawn.points] == [f"0{n}/report.html" for n in (0, 1, 3, 4)]
    assert [point.x for point in drawn.points] == sorted(point.x for point in drawn.points)
    assert all(LEFT <= point.x <= WIDTH and 0 <= point.y <= HEIGHT for point in drawn.points)
    assert [line.count(",") for line in drawn.lines] == [2, 2]
    assert drawn.first_bad.at == drawn.points[-1].x
    assert all(0 <= tick.at <= HEIGHT for tick in drawn.ticks)
    assert 2 <= len(drawn.ticks) <= 8
    assert drawn.days[0].text == "09-09"


def test_a_higher_value_is_higher_in_the_chart(story):
    """And the limit is between what keeps it and what does not."""
    leg = [{"max_gap_arrival_ms": value} for value in (22.0, 80.0, 35.0)]
    drawn = chart(story("pass", "fail", "pass", leg=leg), GAP, limit=40.0, href=str)
    low, high, middle = (point.y for point in drawn.points)
    assert high < drawn.limit.at < middle < low


def test_without_a_figure_there_is_no_chart(story):
    """A run that nobody captured has no gaps."""
    leg = [{"max_gap_arrival_ms": None, "max_gap_timestamp_ms": None}]
    assert chart(story("pass", leg=leg), GAP, limit=40.0, href=str) is None
