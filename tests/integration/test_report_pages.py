"""Allure's results, and its page in a real browser."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest

from harness.report import allure_page

PLAN = """
[topology]
source = { sip_target = "sip:sink", audio_file = "speech.wav" }
sink = {}

[expect]
duration_s = 2
max_gap_ms = 400
sink.max_heard_gap_ms = 400
"""


@pytest.fixture(scope="module")
def results(tmp_path_factory):
    """Make two calls with Allure's results, one good and one bad, and return the project's folder."""
    from pydub import AudioSegment

    from calls.places import SAMPLE

    project = tmp_path_factory.mktemp("project")
    AudioSegment.from_file(SAMPLE)[:4000].export(project / "speech.wav", format="wav").close()
    (project / "good.plan.toml").write_text(PLAN)
    (project / "bad.plan.toml").write_text(PLAN + 'sink.dtmf = "5"\nsink.level_db = 9')
    (project / "nobody.plan.toml").write_text(
        PLAN.replace("sip:sink", "sip:127.0.0.1:9").replace("speech.wav\"", 'speech.wav", dial_timeout_ms = 500')
    )
    for name, options in (("alone", []), ("parallel", ["-n", "3"])):
        command = [sys.executable, "-m", "pytest", ".", "--alluredir", f"results-{name}", *options]
        done = subprocess.run(command, cwd=project, capture_output=True, text=True, check=False)
        assert done.returncode == 1, done.stdout + done.stderr
    return project


def by_name(folder):
    """Return Allure's results by the test's name."""
    found = [json.loads(path.read_text()) for path in folder.glob("*-result.json")]
    return {result["name"]: result for result in found}


def shape(result):
    """Return what a result consists of, without what differs from call to call."""
    (call, *checks) = result["steps"]
    return {
        "status": result["status"],
        "steps": [step["name"] for step in call["steps"]],
        "attached": sorted(attached["name"] for attached in call["attachments"]),
        "checks": [(step["name"].partition(": wanted")[0], step["status"]) for step in checks],
        "parameters": sorted(parameter["name"] for parameter in result["parameters"]),
        "feature": [label["value"] for label in result["labels"] if label["name"] == "feature"],
    }


def test_results_are_as_complete_from_workers_as_from_one_process(results):
    """Steps, figures, evidence, and a step for each check, red where it is."""
    alone, parallel = (by_name(results / f"results-{name}") for name in ("alone", "parallel"))
    assert {name: shape(result) for name, result in alone.items()} == {
        name: shape(result) for name, result in parallel.items()
    }
    good, bad, nobody = (shape(alone[name]) for name in ("good", "bad", "nobody"))
    assert good["steps"] == ["network", "start", "ready", "call", "stop", "judge"]
    assert set(good["attached"]) == {
        "call", "gap timeline", "spectrogram of sink", "plan as resolved", "merged log", "capture", "verdict",
        "summary", "metrics", "stalls of this machine", "what the capture came to",
    }  # fmt: skip
    assert good["status"] == "passed"
    assert bad["status"] == "failed"
    assert [name for name, status in bad["checks"] if status == "failed"] == ["sink: level", "sink: dtmf"]
    assert nobody["status"] == "broken"
    assert alone["good"]["stop"] - alone["good"]["start"] > 2000, "the call itself counts"


def test_allures_page_opens_offline(results, look, length_of, others, tmp_path):
    """It shows the tests, sorts what failed, plays the sound, and asks nobody for anything."""
    path = tmp_path / "reports" / "allure.html"
    command = [sys.executable, "-m", "harness.report.allure_page", "results-parallel", path]
    done = subprocess.run(command, cwd=results, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert done.stdout == f"{path}\n"
    page, complaints, asked = look(path)
    page.get_by_text("baresip", exact=True).wait_for()
    page.get_by_text("bad", exact=True).first.click()
    page.get_by_text("Category: Level").wait_for()
    page.get_by_text("sink: level: wanted +9 dB within 1").first.wait_for()
    page.get_by_text("bad.plan.toml::bad").first.click()
    page.get_by_text("call", exact=True).last.click()
    player = page.frame_locator('iframe[title="HTML attachment"]').locator("audio").first
    player.wait_for()
    assert length_of(player) > 1
    assert page.locator('iframe[title="HTML attachment"]').bounding_box()["height"] > 500
    assert complaints == []
    assert others(asked) == []


@pytest.mark.parametrize(("arguments", "code", "sentence"), [
    (["no", "page.html"], 64, "no: wanted Allure's results, found none; `pytest plans/ --alluredir no` makes them"),
    (["no"], 64, "wanted two arguments, the folder of Allure's results and the page to write"),
])  # fmt: skip
def test_without_results(tmp_path, arguments, code, sentence):
    """It says how they are made."""
    command = [sys.executable, "-m", "harness.report.allure_page", *arguments]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == code
    assert done.stderr == f"Error: {sentence}\n"


def test_without_npm(tmp_path, monkeypatch):
    """It says what to install."""
    (tmp_path / "x-result.json").write_text("{}")
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setenv("B2B_ALLURE", str(tmp_path / "allure"))
    with pytest.raises(allure_page.PageError, match="sudo apt-get install nodejs npm"):
        allure_page.make(tmp_path, tmp_path / "page.html")
    assert not (tmp_path / "page.html").exists()
