"""`--watch`: whether there is something to be shown, and by whom."""

from __future__ import annotations

import sys

import pytest

from b2b import child, clock
from b2b.orchestrator.view import View

SLEEPS = [sys.executable, "-c", "import time; time.sleep(60)"]


@pytest.fixture
def on_a_terminal(monkeypatch):
    """Let standard output be a terminal."""
    monkeypatch.setattr(sys.stdout, "isatty", lambda: True, raising=False)
    monkeypatch.setattr(sys.stdout, "fileno", lambda: 1, raising=False)
    monkeypatch.setenv("TERM", "xterm")


def test_without_a_terminal_nothing_is_started(monkeypatch, tmp_path):
    """Nor on one that can only print."""
    monkeypatch.setattr(child, "start", lambda *_, **__: pytest.fail("something was started"))
    with View(wanted=True, color="auto") as view:
        view.open(tmp_path)
        assert not view.shows
    monkeypatch.setattr(sys.stdout, "isatty", lambda: True, raising=False)
    monkeypatch.setenv("TERM", "dumb")
    with View(wanted=True, color="auto") as view:
        view.open(tmp_path)
        assert not view.shows


def test_unless_it_is_wanted_nothing_is_started(monkeypatch, on_a_terminal, tmp_path):
    """A terminal alone is no reason."""
    monkeypatch.setattr(child, "start", lambda *_, **__: pytest.fail("something was started"))
    with View(wanted=False, color="auto") as view:
        view.open(tmp_path)
        assert not view.shows


def test_a_viewer_that_does_not_end_is_ended(monkeypatch, on_a_terminal, tmp_path):
    """A terminal that takes nothing any more, say by Ctrl-S, must not hold up the run's end."""
    start = child.start
    monkeypatch.setattr(child, "start", lambda _command, **more: start(SLEEPS, **more))
    monkeypatch.setattr("b2b.orchestrator.view.LAST_LOOK_S", 0.1)
    with View(wanted=True, color="auto") as view:
        view.open(tmp_path)
        assert view.shows
        deadline = clock.Deadline.after(30)
    assert not view.shows
    assert not deadline.passed


def test_one_that_dies_shows_nothing_any_more(monkeypatch, on_a_terminal, tmp_path):
    """Then our lines are ours again."""
    start = child.start
    monkeypatch.setattr(child, "start", lambda _command, **more: start(["false"], **more))
    with View(wanted=True, color="auto") as view:
        view.open(tmp_path)
        deadline = clock.Deadline.after(30)
        while view.shows:
            assert not deadline.passed
            clock.sleep_until(clock.now() + 0.01)
