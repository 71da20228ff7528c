"""A call that is watched in a terminal while it runs."""

from __future__ import annotations

import json
import os
import re
from pathlib import Path

import pytest

from calls.places import SAMPLE
from calls.terminal import CTRL_C, terminals

PLAN = """
[topology]
source = {{ sip_target = "sip:127.0.0.1:5063", audio_file = "{sample}" }}
mixer = {{ sip_bind = "127.0.0.1:5063", sip_target = "sip:127.0.0.1:5062", dtmf_seq = "4#" }}
sink.sip_bind = "127.0.0.1:5062"
"""
HEARD = r"^sink .* (4#)+4?  \(\d+\)"
LEG = r"^mixer → sink +\d{2,} +0 +\d+\.\d ms"


@pytest.fixture
def terminal():
    """Return a function that opens a terminal with `b2b …` in it."""
    with terminals() as start:
        yield start


@pytest.fixture
def run(terminal, tmp_path):
    """Start the orchestrator in a terminal; its run folder is `tmp_path / "run"`."""
    (tmp_path / "own.plan.toml").write_text(PLAN.format(sample=SAMPLE))

    def start(*arguments):
        return terminal(
            "--role", "orchestrator", "--plan", tmp_path / "own.plan.toml", "--run-dir", tmp_path / "run", *arguments
        )

    return start


def without_blanks(text: str) -> str:
    """Return text whose lines a terminal may have broken anywhere."""
    return re.sub(r"\s", "", text)


def test_a_call_is_watched_while_it_runs(run, terminal, tmp_path):
    """By its own terminal and by another one: states, packets and digits; both see its end and leave all in order."""
    own = run("--watch", "--duration-s", "8")
    own.wait_for(r"^mixer +in call")
    other = terminal("watch", tmp_path / "run", width=60)
    for one in (own, other):
        one.wait_for(r"^run  in call  00:0\d of 00:08")
        one.wait_for(LEG)
        one.wait_for(HEARD)
    assert own.wait_exit() == 0
    assert other.wait_exit() == 0
    for one in (own, other):
        assert one.in_order
        assert re.search(r"^run  finished  00:08", one.shown, re.MULTILINE)
        assert re.search(r"^sink +ended, exit 0", one.shown, re.MULTILINE)
        assert "exit 0: finished; everything is in" in one.all
        assert one.all.count("[ORCH] the call lasted") == 1
    logged = [line.partition(" ")[2] for line in (tmp_path / "run" / "run.log").read_text().splitlines()]
    told = [line for line in logged if not re.match(r"\[ORCH\] \d\d:\d\d ", line)]
    assert [line for line in told if without_blanks(line) not in without_blanks(own.all)] == []


def test_ctrl_c_ends_the_run_and_the_view_sees_it_through(run, tmp_path):
    """As without --watch: everybody hangs up, and the code is 0."""
    own = run("--watch")
    own.wait_for(HEARD)
    own.type(CTRL_C)
    assert own.wait_exit() == 0
    assert own.in_order
    assert "exit 0: finished; everything is in" in own.all
    assert re.search(r"^sink +ended, exit 0", own.shown, re.MULTILINE)
    assert json.loads((tmp_path / "run" / "summary.json").read_text())["exit_code"] == 0


def test_a_view_that_dies_takes_nothing_with_it(run, tmp_path):
    """The lines go on, as they would without it."""
    own = run("--watch", "--duration-s", "4")
    own.wait_for(r"^mixer +in call")
    (viewer,) = [
        int(process.name)
        for process in Path("/proc").glob("[0-9]*")
        if f"watch\0{tmp_path}/run" in (process / "cmdline").read_text()
    ]
    os.kill(viewer, 9)
    assert own.wait_exit() == 0
    assert own.in_order
    assert "exit 0: finished; everything is in" in own.all


def test_without_a_terminal_watch_changes_nothing(b2b, run, tmp_path):
    """No escape, no picture; the lines are those that there always are."""
    (tmp_path / "own.plan.toml").write_text(PLAN.format(sample=SAMPLE))
    command = b2b("--role", "orchestrator", "--plan", tmp_path / "own.plan.toml", "--run-dir", tmp_path / "run",
                  "--watch", "--duration-s", "2")  # fmt: skip
    assert command.wait_exit() == 0
    logged = [line.partition(" ")[2] for line in (tmp_path / "run" / "run.log").read_text().splitlines()]
    assert command.lines == logged
