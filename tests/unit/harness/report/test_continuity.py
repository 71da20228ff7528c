"""The audio-continuity report: one table for people, the same for machines."""

from __future__ import annotations

import json

import pytest

from harness.report import continuity
from harness.report.row import Row

GOOD = Row(
    test="plans/smk.plan.toml::smk", plan="plans/smk.plan.toml", attempt=1, outcome="pass", reason="all passed",
    began_s=1.0, duration_s=60.0, network="private", host="lab", packets=6000, max_gap_ms=22.5, max_gap_leg="a -> b",
    jitter_p95_ms=1.234, digits={"sink": "123#" * 29 + "12"}, folder="",
)  # fmt: skip
BAD = Row(
    test="test_x.py::test_<b>", plan="p", attempt=2, outcome="unknown", reason="host | stalled", began_s=2.0,
    duration_s=0.0, network="host", host="lab", folder="reports/runs/x",
)  # fmt: skip


def test_the_table_has_a_row_for_each_call_and_a_sentence_for_each_that_did_not_pass():
    """Ready for a job's summary; what a plan's author wrote cannot break it."""
    text = continuity.to_markdown([GOOD, BAD]).splitlines()
    assert text[0] == "## Audio continuity: 1 of 2 calls passed"
    table = [line for line in text if line.startswith("|")]
    assert len({line.replace("\\|", "").count("|") for line in table}) == 1
    assert "| 60.0 s | 6000 | 22.5 ms | 0 | 1.23 ms | 29 × 123# + 12 | (not kept) |" in table[2]
    assert table[3].startswith(r"| test\_x.py::test\_\<b\> (attempt 2) | ? could not tell | 0.0 s | 0 | - | 0 | - |")
    assert r"- **test\_x.py::test\_\<b\> (attempt 2)**: host \| stalled" in text
    assert text[-1].startswith("b2b ")


def test_a_call_that_went_faster_says_so():
    """Its duration is the call's, not the machine's."""
    fast = Row(**{**GOOD.as_json(), "speed": 10.0})
    assert "| 60.0 s at speed 10 | 6000 |" in continuity.to_markdown([fast])


def test_the_json_has_every_figure(tmp_path):
    """And reads back to the same rows."""
    continuity.write(tmp_path / "reports", [GOOD, BAD])
    values = json.loads((tmp_path / "reports" / continuity.JSON).read_text())
    assert [Row(**row) for row in values["rows"]] == [GOOD, BAD]
    assert values["calls"] == 2
    assert values["outcomes"] == {"pass": 1, "unknown": 1}
    assert {"b2b", "baresip", "Python", "kernel"} <= set(values["environment"])
    assert (tmp_path / "reports" / continuity.MARKDOWN).exists()


def test_a_line_for_the_terminal_has_the_reason_below_it_where_there_is_one():
    """In columns."""
    good, bad = continuity.lines([GOOD, BAD])
    assert "✓ pass" in good
    assert "\n" not in good
    assert bad.splitlines()[1] == "    host | stalled"
    assert good.index("✓") == bad.index("?")


@pytest.mark.parametrize(("digits", "shown"), [
    ("123#" * 4, "4 × 123#"),
    ("1" * 5, "5 × 1"),
    ("123#123#", "123#123#"),
    ("1212121", "3 × 12 + 1"),
    ("1234567", "1234567"),
    ("", "-"),
])  # fmt: skip
def test_a_repeated_sequence_is_counted(digits, shown):
    """Nobody counts thirty repetitions by eye."""
    row = Row(**{**GOOD.as_json(), "digits": {"sink": digits}})
    assert f" {shown} | (not kept)" in continuity.to_markdown([row])
