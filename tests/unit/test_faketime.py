"""libfaketime in front of a program: found, told the speed, and nothing of it left behind."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from b2b import clock
from b2b.baresip import faketime

LONG = """
import time
wall, steady = time.time(), time.monotonic()
time.sleep(5)
print(wall, time.time() - wall, time.monotonic() - steady)
"""
needs_faketime = pytest.mark.skipif(faketime.library() is None, reason="libfaketime is not installed")


@pytest.fixture
def ten_times(monkeypatch):
    """Ten times the speed, since a second ago."""
    rate = clock.Rate(10.0, time.monotonic() - 1, time.time() - 1)
    monkeypatch.setattr(clock, "_rate", rate)


@pytest.mark.parametrize("place", ["x86_64-linux-gnu/faketime", "faketime"])
def test_it_is_found_where_distributions_put_it(tmp_path, monkeypatch, place):
    """Below the processor's folder, as Debian does, or without one."""
    monkeypatch.setattr(faketime, "FOLDERS", (str(tmp_path),))
    assert faketime.library() is None
    (tmp_path / place).mkdir(parents=True)
    (tmp_path / place / "libfaketime.so.1").touch()
    assert faketime.library() == tmp_path / place / "libfaketime.so.1"


def test_at_speed_1_nothing_is_in_front():
    """The call is what it always was."""
    assert faketime.environment() == {}


@needs_faketime
@pytest.mark.usefixtures("ten_times")
def test_a_programs_clocks_and_sleeps_go_with_ours():
    """It reads the run's time of day, and five seconds of sleep are half a second."""
    began = time.monotonic()
    command, environment = [sys.executable, "-c", LONG], {**os.environ, **faketime.environment()}
    before = clock.wall()
    said = subprocess.run(command, env=environment, capture_output=True, check=True, text=True).stdout
    wall, slept, steady = map(float, said.split())
    took = time.monotonic() - began
    assert before - 1 < wall < clock.wall()
    assert 5 <= slept <= 10 * took
    assert 5 <= steady <= 10 * took


@pytest.mark.usefixtures("ten_times")
def test_what_it_shares_with_nobody_is_removed(tmp_path, monkeypatch):
    """Only that of the process in question."""
    monkeypatch.setattr(faketime, "SHARED", tmp_path)
    for name in ("faketime_shm_17", "sem.faketime_sem_17", "faketime_shm_18"):
        (tmp_path / name).touch()
    faketime.tidy(17)
    faketime.tidy(17)
    assert [path.name for path in tmp_path.iterdir()] == ["faketime_shm_18"]


def test_at_speed_1_shared_memory_is_not_touched(tmp_path, monkeypatch):
    """What is there belongs to somebody else."""
    monkeypatch.setattr(faketime, "SHARED", tmp_path)
    Path(tmp_path / "faketime_shm_17").touch()
    faketime.tidy(17)
    assert list(tmp_path.iterdir())
