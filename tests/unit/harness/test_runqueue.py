"""What the user agents' threads waited for a processor."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import time

import pytest

from harness import canary, runqueue
from harness.canary import Stall
from harness.runqueue import Wait, Watch

SPIN = "while True: pass"
SLEEP = "import time\nwhile True: time.sleep(0.002)"
ROLE = "import subprocess, sys; subprocess.run([sys.executable, '-c', sys.argv[1]])"
WAIT = Wait(start_s=10.0, end_s=10.2, length_s=0.05, group=1, thread=1)


@contextlib.contextmanager
def role(agent):
    """Start what looks like a role: a process that leads its group, and a user agent in it."""
    process = subprocess.Popen([sys.executable, "-c", ROLE, agent], start_new_session=True)
    try:
        yield process
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()


@contextlib.contextmanager
def one_processor():
    """Let this process, and all that it starts, run on one processor only."""
    before = os.sched_getaffinity(0)
    os.sched_setaffinity(0, {min(before)})
    try:
        yield
    finally:
        os.sched_setaffinity(0, before)


def agents_of(watch):
    """Return the threads of user agents that are watched, once there are any."""
    while not (agents := [number for number, thread in watch.threads.items() if not thread.of_role]):
        watch.look_around()
        time.sleep(0.01)
    return agents


@pytest.mark.parametrize(
    ("start_s", "end_s", "length_s"),
    [(9, 11, 0.05), (10.1, 10.12, 0.02), (10.19, 11, 0.01), (9, 10.01, 0.01), (10.2, 11, 0), (8, 9, 0)],
)
def test_how_much_of_a_wait_may_lie_in_a_gap(start_s, end_s, length_s):
    """It is known how long it was, and between which instants."""
    assert WAIT.within(start_s, end_s) == pytest.approx(length_s)


def test_two_that_want_one_processor():
    """Each waits about half of the time; the wait is the agent's, under its role."""
    with one_processor(), role(SPIN) as one, subprocess.Popen([sys.executable, "-c", SPIN]) as other:
        try:
            watch = Watch(os.getpid())
            agents_of(watch)
            waits = list[Wait]()
            while sum(wait.length_s for wait in waits) < 0.3:
                waits += watch.waits()
                time.sleep(0.01)
            assert {wait.group for wait in waits} == {one.pid}
            assert other.pid not in watch.threads
            assert all(wait.length_s <= wait.end_s - wait.start_s + 1e-5 for wait in waits)
        finally:
            other.kill()


def test_an_agent_that_was_stopped_did_not_wait():
    """Somebody stopped it: that is not the machine's doing."""
    with role(SLEEP):
        watch = Watch(os.getpid())
        (agent,) = agents_of(watch)
        list(watch.waits())
        os.kill(agent, signal.SIGSTOP)
        time.sleep(0.5)
        os.kill(agent, signal.SIGCONT)
        time.sleep(0.1)
        assert sum(wait.length_s for wait in watch.waits()) < 0.4


def test_an_agent_that_ended_is_forgotten():
    """Its files are closed, and so are its role's, which ended with it."""
    with role(SLEEP) as one:
        watch = Watch(os.getpid())
        (agent,) = agents_of(watch)
        os.kill(agent, signal.SIGKILL)
        one.wait()
        while watch.threads:
            list(watch.waits())
        watch.look_around()
        assert not watch.threads


def test_beside_a_run(tmp_path):
    """A process of its own, which writes to the canary's file; each reads its own lines there, cut off ones aside."""
    path = tmp_path / canary.FILE
    with one_processor(), role(SPIN) as one, role(SPIN), runqueue.watching(path) as process:
        while not (waits := runqueue.read(path)):
            time.sleep(0.01)
    assert process.poll() is not None
    assert waits[0].group >= one.pid
    path.write_text('{"start_s": 1.0, "length_s": 0.1}\n' + path.read_text() + '{"start_s": 2.0, "len')
    assert canary.read(path) == [Stall(start_s=1.0, length_s=0.1)]
    assert len(runqueue.read(path)) >= len(waits)


def test_a_roles_own_threads():
    """They are told apart from its user agent's: a role has sound ahead."""
    with role(SLEEP) as one:
        watch = Watch(os.getpid())
        agents_of(watch)
        assert [number for number, thread in watch.threads.items() if thread.of_role] == [one.pid]


def test_what_an_older_run_tells(tmp_path):
    """It does not say whose a wait was, so it was a user agent's."""
    path = tmp_path / canary.FILE
    path.write_text('{"start_s": 1.0, "end_s": 1.2, "length_s": 0.1, "group": 1, "thread": 2}\n')
    assert runqueue.read(path) == [Wait(start_s=1.0, end_s=1.2, length_s=0.1, group=1, thread=2)]
