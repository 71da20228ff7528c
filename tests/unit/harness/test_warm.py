"""What is loaded while a call lasts, so that nobody waits for it afterwards."""

from __future__ import annotations

import sys

import pytest

from calls.synthetic import make_run
from harness import warm
from harness.sound import files


@pytest.fixture
def loaded(monkeypatch):
    """Load beside a run, and return the names of the files that are decoded by then."""
    decoded = []
    monkeypatch.setattr(files, "decode", lambda path: decoded.append(path.name))
    monkeypatch.setattr("os.setpriority", lambda *_: None)  # or all that comes after it would be last as well

    def load(run):
        warm._load(("harness.verdict",), False, run)
        return decoded

    return load


def test_the_sound_that_is_played_is_decoded(loaded, tmp_path):
    make_run(tmp_path)
    assert loaded(tmp_path) == ["played.wav"]
    assert "harness.verdict" in sys.modules


def test_a_long_one_is_left_for_later(loaded, tmp_path, monkeypatch):
    """For a call is going on."""
    monkeypatch.setattr(warm, "LARGEST", 1000)
    make_run(tmp_path)
    assert loaded(tmp_path) == []


@pytest.mark.parametrize("plan", ["[topology]", "nonsense", ""])
def test_nothing_is_said_of_what_cannot_be_read(loaded, tmp_path, plan):
    """Whoever judges the call will."""
    assert loaded(tmp_path / "nowhere") == []
    (tmp_path / "plan.toml").write_text(plan)
    assert loaded(tmp_path) == []


def test_nor_of_a_file_that_has_gone(loaded, tmp_path):
    make_run(tmp_path)
    (tmp_path / "played.wav").unlink()
    assert loaded(tmp_path) == []
