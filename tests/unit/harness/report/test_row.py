"""One call in one line, also where not much is left of it."""

from __future__ import annotations

import pytest

from calls.synthetic import check, make_run
from harness.errors import CheckError
from harness.plugin import checks
from harness.report.row import Row, row_of

ABOUT = {"test": "t", "plan": "p", "attempt": 1, "folder": "f"}


def test_a_call_in_one_line(tmp_path):
    """What was measured, and the verdict."""
    row = row_of(make_run(tmp_path, lost=(50, 51), checks=[check("gap", "fail")]), **ABOUT)
    assert (row.packets, row.lost, row.max_gap_ms, row.max_gap_leg) == (198, 2, 60.0, "source -> sink")
    assert (row.outcome, row.reason, row.passed, row.digits) == ("fail", "because", False, {"sink": "1"})
    assert Row(**row.as_json()) == row


@pytest.mark.parametrize(("name", "content"), [
    ("capture.pcap", b"\xd4\xc3\xb2\xa1\x02"), ("sink.wav", b"RIFF"), ("plan.toml", b"x"),
])  # fmt: skip
def test_half_a_file_does_not_hide_what_became_of_the_call(tmp_path, name, content):
    """The line is there, and says what cannot be read; an error that was known before is the one that counts."""
    call = make_run(tmp_path, checks=[check("gap", "pass")])
    (tmp_path / name).write_bytes(content)
    row = row_of(call, **ABOUT)
    assert row.outcome == "error"
    assert row.reason.startswith("what it left cannot be read: ")
    assert row_of(call, **ABOUT, error="the sink has died").reason == "the sink has died"


def test_a_call_that_nobody_judged_is_no_success(tmp_path, subtests):
    """A plan's test without a single check must not be green."""
    with pytest.raises(CheckError, match="the call was not judged"):
        checks.report(make_run(tmp_path), subtests)
