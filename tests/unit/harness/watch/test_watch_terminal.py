"""`b2b watch` in a terminal, on run folders that the test itself keeps going."""

from __future__ import annotations

import fcntl
import json
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from calls.places import PATIENCE_S
from calls.synthetic import make_run
from calls.terminal import CTRL_C, terminals


@pytest.fixture
def terminal():
    """Return a function that opens a terminal with `b2b …` in it."""
    with terminals() as start:
        yield start


@pytest.fixture
def run(tmp_path):
    """Return the folder of a run that has been made; nobody writes to it."""
    folder = tmp_path / "reports" / "runs" / "20260101-120000-000-sk"
    folder.mkdir(parents=True)
    make_run(folder)
    (folder / "run.log").write_text("".join(f"2026 [ORCH] line {number}\n" for number in range(20)))
    return folder


@pytest.fixture
def going_on(run):
    """Keep the run going: return its events, to write more to."""
    with (run / "events.jsonl").open("a") as events:
        fcntl.flock(events, fcntl.LOCK_EX)
        yield events


def tell(events, **values):
    """Let something happen."""
    events.write(json.dumps(values) + "\n")
    events.flush()


def test_a_run_that_goes_on_is_shown_until_it_ends(terminal, run, going_on, tmp_path):
    """Found by itself as the newest one; what happens appears, and the terminal is left as it was."""
    (tmp_path / "reports/runs/20260101-130000-000-sk").mkdir()
    watching = terminal("watch", cwd=tmp_path)
    watching.wait_for(r"^20260101-120000-000-sk  in call  \d")
    watching.wait_for(r"^sink +ready")
    assert watching.screen.cursor.hidden
    assert "line 19" in watching.shown
    assert "line 9\n" not in watching.shown  # ten lines of those before
    tell(going_on, node="sink", event="CALL_ESTABLISHED")
    watching.wait_for(r"^sink +in call")
    with (run / "run.log").open("a") as log:
        log.write("2026 [SINK] \x1b[2J\x1b]0;owned\x07 hello\n2026 [ORCH] 00:05  sink rx=250\n")
    watching.wait_for(r"^\[SINK\] �\[2J�\]0;owned� hello$")
    assert "rx=250" not in watching.shown
    going_on.close()
    assert watching.wait_exit() == 0
    assert watching.in_order
    assert watching.shown.count("source → sink") == 1


@pytest.mark.parametrize("how", ["key", "signal"])
def test_whoever_stops_watching_gets_the_terminal_back(terminal, run, going_on, how):
    """And the run goes on."""
    watching = terminal("watch", run)
    watching.wait_for("in call")
    if how == "key":
        watching.type(CTRL_C)
    else:
        watching.process.send_signal(signal.SIGTERM)
    assert watching.wait_exit() == 0
    assert watching.in_order
    assert "Traceback" not in watching.all


def test_a_run_that_is_over_is_shown_once(terminal, run):
    """As it ended, in a narrow terminal too, without colours if so wished."""
    watching = terminal("watch", run, width=48, env={"NO_COLOR": "1"})
    assert watching.wait_exit() == 0
    assert watching.in_order
    assert all(words in watching.shown for words in ("finished", "source → sink", "line 19"))
    assert b"\x1b[3" not in watching.raw.replace(b"\x1b[?25", b"")


def test_a_terminal_that_becomes_narrower_has_no_leftovers(terminal, run, going_on):
    """What was on the screen is broken into more lines; the picture is there once."""
    watching = terminal("watch", run, width=100)
    watching.wait_for(r"^source → sink .*━")
    watching.resize(60, 40)
    ends = time.monotonic() + PATIENCE_S
    while [line for line in watching.shown.splitlines() if "─" in line] != ["─" * 60]:
        assert time.monotonic() < ends, watching.shown
        watching.read()
    assert watching.shown.count("jitter") == 1


def command(*arguments, **more):
    """Run `b2b watch …` without a terminal."""
    return subprocess.run(
        [sys.executable, "-m", "b2b", "watch", *map(str, arguments)], capture_output=True, text=True,
        timeout=PATIENCE_S, check=False, **more,
    )  # fmt: skip


def test_without_a_terminal_nothing_is_drawn_twice(run):
    """The log, and the last picture, without an escape."""
    done = command(run, "--lines", "3")
    assert (done.returncode, done.stderr) == (0, "")
    assert "\x1b" not in done.stdout
    assert done.stdout.startswith("[ORCH] line 17\n[ORCH] line 18\n[ORCH] line 19\n───")
    assert done.stdout.count("source → sink") == 1


@pytest.mark.parametrize(
    ("there", "says"),
    [
        (False, "Error: no run goes on below reports/runs/; start one, or say which folder\n"),
        (True, "Error: no run goes on below reports/runs/; `b2b watch reports/runs/20260101-120000-000-sk` shows how "
               "the newest ended\n"),
    ],
)  # fmt: skip
def test_no_run_to_watch(tmp_path, request, there, says):
    """One sentence, and what to do."""
    if there:
        request.getfixturevalue("run")
    done = command(cwd=tmp_path)
    assert (done.returncode, done.stdout, done.stderr) == (64, "", says)


@pytest.mark.parametrize("name", ["nowhere", "."])
def test_a_folder_that_is_no_run(tmp_path, name):
    """Said in one sentence."""
    done = command(Path(name), cwd=tmp_path)
    assert done.returncode == 64
    assert done.stderr == f"Error: {name}: wanted a run folder, but there is no events.jsonl in it, so it is none\n"
