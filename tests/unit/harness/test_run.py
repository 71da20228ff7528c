"""What hangs itself into a run: the verdict, the versions, the page; none of them at another's expense."""

from __future__ import annotations

import json
import shutil

import pytest

from b2b.plan.load import load_plan
from b2b.plan.resolve import resolve
from calls.synthetic import make_run
from harness.run import around


@pytest.fixture
def run(tmp_path):
    """Return a function that has a run leave what a run leaves, and returns its folder."""
    left, folder = tmp_path / "left", tmp_path / "run"
    left.mkdir()
    folder.mkdir()
    make_run(left)

    def run():
        plan = resolve(load_plan(left / "plan.toml", known_tables={"expect"}), host_ip="127.0.0.1")
        with around(plan, folder):
            for path in left.iterdir():
                if path.suffix != ".pcap":  # the capture of this run is being written
                    shutil.copy(path, folder)
        return folder

    return run


def test_a_run_leaves_a_page_with_its_verdict(run):
    """And what it was made with."""
    folder = run()
    verdict = json.loads((folder / "verdict.json").read_text())
    assert verdict["outcome"] in ("fail", "unknown"), "nothing of it was captured"
    page = (folder / "report.html").read_text()
    assert ("Failed</h1>" if verdict["outcome"] == "fail" else "Could not tell</h1>") in page
    assert json.loads((folder / "versions.json").read_text())["b2b"] in page


def test_a_page_that_cannot_be_made_costs_no_verdict(run, monkeypatch, caplog):
    """A line says so, and the run goes on to its end."""

    def fail(views):
        raise ZeroDivisionError("nothing to draw on")

    monkeypatch.setattr("harness.report.page.write.page", fail)
    folder = run()
    assert (folder / "verdict.json").exists()
    assert not (folder / "report.html").exists()
    (warning,) = [record for record in caplog.records if record.name == "b2b.run"]
    assert warning.levelname == "WARNING"
    assert warning.getMessage().startswith(f"there is no {folder / 'report.html'}: ")
    assert "nothing to draw on" in warning.getMessage()


def test_a_run_keeps_its_figures(run):
    """For whoever compares it with others, which is then a matter of milliseconds."""
    figures = json.loads((run() / "figures.json").read_text())
    assert figures["sinks"]["sink"]["digits"] == "1"


def test_figures_that_cannot_be_measured_cost_no_verdict(run, monkeypatch):
    """Whatever it was that could not be read."""

    def fail(call):
        raise LookupError("half a file")

    monkeypatch.setattr("harness.run.figures_of", fail)
    folder = run()
    assert (folder / "verdict.json").exists()
    assert (folder / "report.html").exists()
