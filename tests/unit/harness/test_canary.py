"""The scheduling canary."""

from __future__ import annotations

import os
import signal
import time

import pytest

from harness import canary
from harness.canary import Stall, longest_within

STALLS = [Stall(start_s=10.0, length_s=0.05), Stall(start_s=20.0, length_s=0.2)]


@pytest.mark.parametrize(
    ("start_s", "end_s", "length_s"),
    [
        (9.0, 11.0, 0.05),
        (9.0, 10.02, 0.02),
        (10.03, 11.0, 0.02),
        (20.05, 20.15, 0.1),
        (9.0, 21.0, 0.2),
        (11.0, 12.0, 0.0),
    ],
)
def test_only_what_lies_inside_the_gap_counts(start_s, end_s, length_s):
    """A stall before or after a gap is no excuse for it."""
    assert longest_within(STALLS, start_s, end_s) == pytest.approx(length_s)


def test_no_stalls():
    """On a machine that never stalled nothing is the host's doing."""
    assert longest_within([], 0, 100) == 0


def test_a_stall_is_noticed(tmp_path):
    """A canary that was stopped for a while says when, and for how long; no process of it is left."""
    path = tmp_path / canary.FILE
    with canary.watching(path) as process:
        while not path.exists():
            time.sleep(0.01)
        time.sleep(0.1)
        os.kill(process.pid, signal.SIGSTOP)
        stopped_at = time.time()
        time.sleep(0.3)
        os.kill(process.pid, signal.SIGCONT)
        continued_at = time.time()
        while longest_within(canary.read(path), stopped_at, continued_at) < 0.25:
            time.sleep(0.01)
    assert process.poll() is not None


def test_a_line_that_was_cut_off(tmp_path):
    """A run that was killed may leave one; what came before it counts."""
    path = tmp_path / canary.FILE
    path.write_text('{"start_s": 1.0, "length_s": 0.1}\n{"start_s": 2.0, "len')
    assert canary.read(path) == [Stall(start_s=1.0, length_s=0.1)]
    assert canary.read(tmp_path / "none") == []


@pytest.mark.parametrize("module", ["harness.canary", "harness.runqueue"])
def test_a_watcher_that_was_killed(tmp_path, module):
    """Nobody knows then what the machine did; one that is ended with the block says nothing of the kind."""
    path = tmp_path / canary.FILE
    with canary.beside(module, path):
        pass
    assert not canary.blind(path)
    path.write_text('{"start_s": 2.0, "len')
    with canary.beside(module, path) as process:
        process.kill()
        process.wait()
    assert canary.blind(path) == f"{module} ended by itself: killed by SIGKILL"


@pytest.mark.parametrize("step_s", [3600.0, -1.0])
def test_a_clock_that_is_set(monkeypatch, step_s):
    """Forwards or back; by how much is told, once. A clock that is slewed by a millisecond is not one that was set."""
    offsets_s = iter([0.0, 0.001, 0.002, 0.002 + step_s, 0.002 + step_s, 0.002 + step_s])
    monkeypatch.setattr(canary, "_wall_ahead_s", lambda: next(offsets_s))
    monkeypatch.setattr(canary, "LOOK_S", 0.0)
    steps = canary.clock_steps()
    assert next(steps) == pytest.approx(step_s)
    with pytest.raises(RuntimeError):  # the offsets are used up, and none of them was a step
        next(steps)


def test_what_is_said_of_a_clock_that_was_set(tmp_path):
    """In one sentence, however often it was."""
    path = tmp_path / canary.FILE
    path.write_text('{"start_s": 1.0, "length_s": 0.1}\n')
    assert not canary.clock_set(path)
    path.write_text(path.read_text() + '{"clock_set_s": 3600.0}\n{"clock_set_s": -3600.0}\n')
    assert canary.clock_set(path) == "the clock was set by +3600.000 s, then by -3600.000 s"
    assert len(canary.read(path)) == 1


def test_a_clock_that_runs(monkeypatch):
    """The two clocks of this machine are read as they are."""
    assert canary._wall_ahead_s() == pytest.approx(time.time() - time.monotonic(), abs=canary.SET_S)
