"""The phases of a run, from its events."""

from __future__ import annotations

import json

import pytest

from harness.call import Call
from harness.phases import phases

PLAN = """
[topology]
source = { sip_target = "sip:sink", audio_file = "a.wav" }
sink = {}
"""
GOOD = [
    (1, "begun"), (2, "started"), (3, "started"), (4, "ready"), (5, "ready"), (6, "CALL_ESTABLISHED"), (20, "stopping"),
    (21, "exited"), (22, "exited"), (23, "played"), (24, "judged"),
]  # fmt: skip


@pytest.fixture
def run(tmp_path):
    """Return a function that makes a run of these events."""

    def make(events, *, duration_s=14.0):
        (tmp_path / "a.wav").touch()
        (tmp_path / "plan.toml").write_text(PLAN)
        lines = [{"wall_s": wall_s, "event": name, "began_s": 0.5, "node": "x"} for wall_s, name in events]
        (tmp_path / "events.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))
        (tmp_path / "summary.json").write_text(json.dumps({"duration_s": duration_s}))
        return [(p.name, p.start_s, p.end_s, p.done) for p in phases(Call(tmp_path))]

    return make


def test_a_whole_run(run):
    """Each phase begins where the one before it ended."""
    assert run(GOOD) == [
        ("network", 0.5, 1, True), ("start", 1, 3, True), ("ready", 3, 5, True), ("call", 5, 20, True),
        ("stop", 20, 23, True), ("judge", 23, 24, True),
    ]  # fmt: skip


def test_a_role_that_was_never_ready(run):
    """The phase that was cut off is told as such, and the call that did not come is none."""
    events = [event for event in GOOD if event[0] not in (5, 6)]
    assert run(events, duration_s=0.0) == [
        ("network", 0.5, 1, True), ("start", 1, 3, True), ("ready", 3, 20, False), ("stop", 20, 23, True),
        ("judge", 23, 24, True),
    ]  # fmt: skip


def test_a_call_that_nobody_answered(run):
    """There was a phase of it, but it was not done."""
    assert ("call", 5, 20, False) in run(GOOD, duration_s=0.0)


def test_a_run_that_was_cut_off(run):
    """The last phase ends with the last that was heard."""
    assert run(GOOD[:6])[-1] == ("call", 5, 6, False)


def test_a_run_that_never_began(tmp_path):
    """There is nothing to tell."""
    assert phases(Call(tmp_path)) == []
