"""Files that another machine sends home: only to where they belong, and each piece after the one before."""

from __future__ import annotations

import stat
from types import SimpleNamespace

import pytest

from harness.plugin.far import Home


@pytest.fixture
def home(tmp_path):
    """Return what takes files in, with a folder for runs and one for Allure."""
    config = SimpleNamespace(getoption=lambda name, default: tmp_path / "results")
    return Home(config, tmp_path / "reports" / "runs")


def test_a_file_comes_in_pieces(home, tmp_path):
    """An empty piece begins it anew; run folders are their user's own."""
    for data in (b"", b"12", b"34"):
        home.take(("runs/x/a/b.wav", data))
    home.take(("allure/y", b""))
    assert (tmp_path / "reports/runs/x/a/b.wav").read_bytes() == b"1234"
    assert (tmp_path / "results/y").read_bytes() == b""
    assert stat.S_IMODE((tmp_path / "reports/runs/x").stat().st_mode) == 0o700
    home.take(("runs/x/a/b.wav", b""))
    assert (tmp_path / "reports/runs/x/a/b.wav").read_bytes() == b""


@pytest.mark.parametrize(
    "name", ["runs", "runs/../../x", "/etc/x", "elsewhere/x", "", "allure/../x", "allure/x/../../y"]
)
def test_another_machine_has_no_say_beyond_the_folders(home, tmp_path, name):
    """What it names beyond them is not written, and the user is told."""
    home.take((name, b"x"))
    assert not list(tmp_path.rglob("*"))
    said = []
    home.pytest_terminal_summary(SimpleNamespace(line=lambda text, **markup: said.append(text)))
    assert said == [f"{name!r} was not brought home: wanted a file of a run, or of Allure's results"]


def test_a_file_that_cannot_be_written_is_told(home, tmp_path):
    """With the system's reason; the others still come."""
    (tmp_path / "results").write_text("in the way")
    home.take(("allure/x", b"x"))
    home.take(("runs/x/y", b"y"))
    assert (tmp_path / "reports/runs/x/y").exists()
    said = []
    home.pytest_terminal_summary(SimpleNamespace(line=lambda text, **markup: said.append(text)))
    assert said == ["'allure/x' was not brought home: File exists"]
