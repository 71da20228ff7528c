"""A run in which somebody set the clock."""

from __future__ import annotations

from calls.synthetic import make_run
from harness.call import Call
from harness.expect import expectations
from harness.judging.run import judge
from harness.verdict import Outcome


def checks_of(folder):
    """Judge a run folder; return the outcome of each check of the leg."""
    call = Call(folder)
    return {
        check.name: check for check in judge(call, expectations(call.plan)).checks if check.where == "source -> sink"
    }


def test_a_clock_that_was_set_leaves_the_wire_open(tmp_path):
    """Its packets carry the wall clock's time: no gap can be measured, so none is blamed on anybody, or missed."""
    make_run(tmp_path)
    assert checks_of(tmp_path)["gap"].outcome is Outcome.PASS
    (tmp_path / "host.jsonl").write_text('{"clock_set_s": 3600.0}\n')
    gap = checks_of(tmp_path)["gap"]
    assert gap.outcome is Outcome.UNKNOWN
    assert gap.got == "the clock was set by +3600.000 s"
