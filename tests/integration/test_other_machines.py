"""A session whose calls are made on two other machines, by pytest-xdist over ssh; its one report comes back here."""

from __future__ import annotations

import json
import os
import re
import shutil
import stat
import subprocess
import sys

import pytest

from calls.places import PATIENCE_S, SAMPLE
from calls.ssh_hosts import MISSING, ssh_hosts

pytestmark = pytest.mark.skipif(bool(MISSING), reason=MISSING)

PLAN = """
[topology]
source = {{ sip_target = "sip:sink", audio_file = "sample.mp3" }}
sink = {{}}

[expect]
duration_s = {seconds}
max_gap_ms = 400
sink.max_heard_gap_ms = 400
"""


@pytest.fixture
def machines(tmp_path_factory):
    """Two machines."""
    with ssh_hosts(["lab1", "lab2"], tmp_path_factory.mktemp("ssh")) as hosts:
        yield hosts


@pytest.fixture
def project(tmp_path):
    """Write a project with three plans, one of which asks for more than there is."""
    folder = tmp_path / "project"
    (folder / "calls").mkdir(parents=True)
    (folder / "pytest.ini").write_text("[pytest]\n")
    shutil.copy(SAMPLE, folder / "calls")
    for name in ("one", "two"):
        (folder / "calls" / f"{name}.plan.toml").write_text(PLAN.format(seconds=2))
    (folder / "calls" / "red.plan.toml").write_text(PLAN.format(seconds=2) + 'sink.dtmf = "1"\n')
    return folder


def session(machines, project, tmp_path, *options, python=sys.executable, names=("lab1", "lab2")):
    """Send the project's plans to the machines; return what pytest said, and its exit code."""
    specs = [
        f"--tx=ssh={name}//ssh_config={machines.config}//python={python}//chdir={tmp_path / name}" for name in names
    ]
    for name in names:
        (tmp_path / name).mkdir(exist_ok=True)
    command = [sys.executable, "-m", "pytest", *specs, "--dist", "load", *options, "calls"]
    environ = {name: value for name, value in os.environ.items() if not name.startswith("PYTEST_")}
    done = subprocess.run(
        machines.command(*command), cwd=project, env=environ, capture_output=True, text=True, timeout=PATIENCE_S,
        check=False,
    )  # fmt: skip
    return done.stdout + done.stderr, done.returncode


def test_plans_on_two_machines(machines, project, tmp_path):
    """Every verdict, every run folder and all of Allure's results come here, and each says where it was made."""
    said, code = session(machines, project, tmp_path, "--b2b-keep", "all", "--alluredir", "results")
    assert code == 1, said
    assert re.search(r"2 failed, 2 passed in", said), said  # a check and its test
    assert re.search(r"wanted '1' repeated, got '' \(see reports/runs/\S+-lab\d-gw\d/sink.wav\)", said), said
    rows = json.loads((project / "reports" / "continuity.json").read_text())["rows"]
    assert {row["test"].partition("::")[2]: row["outcome"] for row in rows} == {
        "one": "pass", "two": "pass", "red": "fail",
    }  # fmt: skip
    assert {row["host"] for row in rows} == {"lab1", "lab2"}
    for row in rows:
        folder = project / row["folder"]
        assert row["host"] in folder.name
        assert stat.S_IMODE(folder.stat().st_mode) == 0o700
        assert json.loads((folder / "verdict.json").read_text())["outcome"] == row["outcome"]
        assert json.loads((folder / "versions.json").read_text())["host"] == row["host"]
        assert (folder / "sink.wav").stat().st_size > 8000
        assert re.search(rf"^{re.escape(row['test'])} .*{row['host']}$", said, re.MULTILINE), said
    results = [json.loads(path.read_text()) for path in (project / "results").glob("*-result.json")]
    labels = {one["name"]: {label["name"]: label["value"] for label in one["labels"]} for one in results}
    assert {label["host"] for label in labels.values()} == {"lab1", "lab2"}
    sources = re.findall(r'"source": "([^"]+)"', json.dumps(results))
    assert len(sources) >= 3 * 8, "plan, logs, capture, verdict, …"
    assert all((project / "results" / source).stat().st_size for source in sources)
    assert "host=lab1, lab2" in (project / "results" / "environment.properties").read_text()
    for name in ("lab1", "lab2"):
        assert not (tmp_path / name / "project" / "reports" / "runs").exists(), "it has been brought home"


@pytest.mark.parametrize(("name", "python"), [("nowhere", sys.executable), ("lab1", "/nonexistent/python")])
def test_a_machine_that_cannot_be_used(machines, project, tmp_path, name, python):
    """One sentence, behind ssh's own; and no call."""
    said, code = session(machines, project, tmp_path, python=python, names=[name])
    assert code == 4, said
    assert re.search(r"^ERROR: --tx: a machine cannot be used \(.*; wanted one at which", said, re.MULTILINE), said
    assert re.search("Could not resolve hostname nowhere|/nonexistent/python: (No such file|not found)", said), said
    assert "Traceback" not in said


def test_a_machine_without_b2b(machines, project, tmp_path):
    """One sentence, and no call."""
    bare = tmp_path / "bare"
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", bare], check=True)
    said, code = session(machines, project, tmp_path, python=bare / "bin" / "python", names=["lab1"])
    assert code == 4, said
    assert re.search(rf"lab1: wanted b2b \S+ in {re.escape(str(bare))}\S*, as here, came none; ", said), said
    assert "Traceback" not in said
