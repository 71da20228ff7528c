"""A project outside this repository, which has nothing but the installed package."""

from __future__ import annotations

import shutil
import subprocess
import sys

import pytest

from calls.places import REPOSITORY, SAMPLE

INSTALLING_S = 600.0
PLAN = """
[topology]
source = { sip_target = "sip:sink", audio_file = "sample.mp3" }
sink = {}

[expect]
duration_s = 3
max_gap_ms = 400
sink.max_heard_gap_ms = 400
"""
TEST = """
import pytest

@pytest.mark.plan("calls/sk.plan.toml", duration_s=2)
def test_it_is_heard(call):
    assert call.sink.hearing.matched
"""


@pytest.fixture(scope="module")
def installed(tmp_path_factory):
    """Install the package, and only it, into an environment of its own; return that environment's commands."""
    source, venv = tmp_path_factory.mktemp("source"), tmp_path_factory.mktemp("venv")
    for name in ("b2b", "harness"):
        shutil.copytree(REPOSITORY / name, source / name, ignore=shutil.ignore_patterns("__pycache__"))
    for name in ("pyproject.toml", "README.md", "LICENSE"):
        shutil.copy(REPOSITORY / name, source)
    subprocess.run([sys.executable, "-m", "venv", venv], check=True)
    install = [venv / "bin" / "python", "-m", "pip", "install", "-q", "--disable-pip-version-check", source]
    subprocess.run(install, check=True, timeout=INSTALLING_S)
    return venv / "bin"


def test_plans_and_fixtures_work_elsewhere(installed, tmp_path):
    """With Allure's results, in parallel, as an ordinary project has them."""
    (tmp_path / "calls").mkdir()
    shutil.copy(SAMPLE, tmp_path / "calls" / "sample.mp3")
    (tmp_path / "calls" / "sk.plan.toml").write_text(PLAN)
    (tmp_path / "test_call.py").write_text(TEST)
    command = [installed / "pytest", "-q", "-n", "2", "--alluredir", "results", "calls", "test_call.py"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "2 passed" in done.stdout
    assert (tmp_path / "reports" / "continuity.md").read_text().startswith("## Audio continuity: 2 of 2 calls passed")
    assert (tmp_path / "results" / "environment.properties").exists()


def test_the_command_is_there_too(installed):
    """With the judge, which comes with the package."""
    done = subprocess.run([installed / "b2b", "--version"], capture_output=True, text=True, check=True)
    assert done.stdout.startswith("b2b, version ")
