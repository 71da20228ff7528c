"""A clock that goes faster than the machine's: here, in what we start, and in what the kernel stamps."""

from __future__ import annotations

import os
import subprocess
import sys
import time

import pytest

from b2b import child, clock
from b2b.clock import Deadline, Rate
from b2b.roles.conversation import answer_by

SLOW_TO_GO = """
import signal, sys, time
signal.signal(signal.SIGTERM, lambda *_: (time.sleep(0.3), sys.exit(0)))
print(flush=True)
time.sleep(60)
"""
ORIGIN = Rate(10.0, 1000.0, 5_000_000.0)


@pytest.fixture
def machine(monkeypatch):
    """The machine's two clocks, which stand still at the origin until a test moves them, at ten times the speed."""
    moments = {"steady": ORIGIN.steady_s, "wall": ORIGIN.wall_s}
    monkeypatch.setattr(clock, "_rate", ORIGIN)
    monkeypatch.setattr(time, "monotonic", lambda: moments["steady"])
    monkeypatch.setattr(time, "time", lambda: moments["wall"])
    return moments


@pytest.fixture
def ten_times(monkeypatch):
    """Ten times the speed, from now on and for this test alone."""
    monkeypatch.setattr(clock, "_rate", clock.Rate())
    monkeypatch.setenv(clock.VARIABLE, "")
    clock.set_speed(10)


def test_both_clocks_go_ten_times_as_fast(machine):
    """From the instant at which they were the machine's."""
    assert (clock.now(), clock.wall(), clock.speed()) == (1000.0, 5_000_000.0, 10.0)
    machine["steady"] += 1.5
    machine["wall"] += 1.5
    assert (clock.now(), clock.wall()) == (1015.0, 5_000_015.0)
    assert clock.machine_now() == 1001.5


def test_the_kernels_stamps_become_the_calls_time(machine):
    """A packet that came 2 ms after another came 20 ms of the call after it, and both before now."""
    machine["wall"] += 3
    first, second = clock.wall_at(5_000_002.000), clock.wall_at(5_000_002.002)
    assert second - first == pytest.approx(0.02, abs=1e-6)
    assert second < clock.wall() == 5_000_030.0


def test_a_wait_is_shorter_on_the_machine(machine, monkeypatch):
    """What is waited for is a time of the call; the operating system is told its own."""
    slept: list[float] = []
    monkeypatch.setattr(time, "sleep", slept.append)
    clock.sleep_until(clock.now() + 5)
    assert slept == [0.5]
    assert (clock.on_machine(5), clock.in_call(0.5)) == (0.5, 5)


def test_a_deadline_is_of_the_call_and_patience_of_the_machine(machine):
    """A dial timeout of 10 s is a second; ten seconds for a process to end stay ten."""
    timeout, patience = Deadline.after(10), Deadline.patience(10)
    assert (timeout.left, timeout.machine_left) == (10, 1)
    assert (patience.left, patience.machine_left) == (100, 10)
    machine["steady"] += 1
    assert timeout.passed
    assert not patience.passed
    machine["steady"] += 9
    assert patience.passed


def test_a_call_is_given_a_moment_of_the_machine_to_be_answered(machine, monkeypatch):
    """Of a dial timeout of 10 s that is 3 s at least, of one of 100 s it is 10; at speed 1 each is all."""
    assert [answer_by(seconds).machine_left for seconds in (0.5, 10, 100)] == [0.5, 3, 10]
    monkeypatch.setattr(clock, "_rate", Rate())
    assert [answer_by(seconds).machine_left for seconds in (0.5, 10, 100)] == [0.5, 10, 100]


def test_polling_goes_by_the_machine(machine, monkeypatch):
    """Else it would be busy with nothing but looking."""
    slept: list[float] = []

    def sleep(seconds):
        slept.append(seconds)
        machine["steady"] += seconds

    monkeypatch.setattr(time, "sleep", sleep)
    assert len(list(clock.every(0.25, Deadline.patience(1)))) == 5
    assert slept == pytest.approx([0.25] * 4)


@pytest.mark.usefixtures("ten_times")
def test_what_we_start_has_the_same_time():
    """Its clocks read between ours before and after."""
    command = [sys.executable, "-c", "from b2b import clock; print(clock.speed(), clock.now(), clock.wall())"]
    before = clock.now(), clock.wall()
    speed, now, wall = map(float, subprocess.run(command, capture_output=True, check=True, text=True).stdout.split())
    assert speed == 10
    assert before[0] < now < clock.now()
    assert before[1] < wall < clock.wall()


@pytest.mark.usefixtures("ten_times")
def test_time_passes_ten_times_as_fast():
    """Of the machine's own clock a tenth passes meanwhile."""
    began, machine_began = clock.now(), clock.machine_now()
    clock.sleep_until(began + 1)
    assert clock.now() - began == pytest.approx(10 * (clock.machine_now() - machine_began), rel=0.01)


@pytest.mark.usefixtures("ten_times")
def test_a_process_has_its_patience_in_full():
    """It has as long to go as at any speed: one that needs a moment is not killed."""
    process = child.start([sys.executable, "-c", SLOW_TO_GO])
    assert process.stdout
    process.stdout.readline()
    assert child.stop(process, patience_s=(20,))
    assert process.returncode == 0
    process.stdout.close()


def test_without_a_speed_nothing_is_handed_down():
    """A run as fast as its sound leaves no trace in the environment of what it starts."""
    assert clock.speed() == 1
    assert clock.VARIABLE not in os.environ


def test_who_looks_on_follows_the_runs_time(machine):
    """By what the run noted of it, and goes as the machine's again where a run noted nothing."""
    noted = clock.rate()
    clock.follow("")
    machine["steady"] += 1
    assert (clock.speed(), clock.now()) == (1, 1001)
    clock.follow(noted)
    assert (clock.speed(), clock.now()) == (10, 1010)
