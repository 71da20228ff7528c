"""An ordinary user, without any privilege, gets all of it."""

from __future__ import annotations

import importlib.util
import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from calls.places import REPOSITORY, SAMPLE
from calls.plans import unjudged

NOBODY = 65534
NEEDED = ("click", "tomli_w", "tomli")  # and nothing that judges


def as_nobody(*command: object, **more: object) -> subprocess.CompletedProcess[str]:
    """Run a command as the user nobody, unless we are an ordinary user ourselves."""
    drop = ["setpriv", f"--reuid={NOBODY}", f"--regid={NOBODY}", "--clear-groups"] if os.geteuid() == 0 else []
    return subprocess.run(
        [*drop, *map(str, command)], stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False, **more
    )


@pytest.fixture
def python() -> str:
    """Return a Python that nobody may run; the one of the tests may lie in root's home."""
    for candidate in (sys.executable, "/usr/bin/python3"):
        if as_nobody("sh", "-c", f"{candidate} -c 'import sys; assert sys.version_info >= (3, 10)'").returncode == 0:
            return candidate
    pytest.skip("there is no Python 3.10 outside of root's home")


@pytest.fixture
def home() -> Iterator[Path]:
    """Make a folder that is nobody's, with the package, its requirements and the sample in it."""
    with tempfile.TemporaryDirectory() as folder:
        home = Path(folder)
        shutil.copytree(REPOSITORY / "b2b", home / "b2b")
        for name in NEEDED:
            if spec := importlib.util.find_spec(name):
                shutil.copytree(spec.submodule_search_locations[0], home / name)
        (home / "plans").mkdir()
        (home / "fixtures").mkdir()
        plan = unjudged("sk.plan.toml", home).read_text()
        (home / "plans" / "sk.plan.toml").write_text(plan.replace(str(SAMPLE), "../fixtures/sample.mp3"))
        shutil.copy(SAMPLE, home / "fixtures")
        if os.geteuid() == 0:
            os.chown(home, NOBODY, NOBODY)
        yield home


def test_a_run_without_privilege(python, home):
    """A private network, a call in it, and jitter measured packet by packet: all without root."""
    run = as_nobody(
        python, "-m", "b2b", "orchestrator", "--plan", "plans/sk.plan.toml", "--duration-s", 3, "--run-dir", "run",
        cwd=home, env={**os.environ, "PYTHONPATH": str(home), "HOME": str(home)},
    )  # fmt: skip
    assert run.returncode == 0, run.stdout + run.stderr
    summary = json.loads((home / "run" / "summary.json").read_text())
    if summary["network"] == "host":
        pytest.skip("this system allows no private network: " + run.stdout.splitlines()[0])
    assert summary["nodes"]["sink"]["metrics"]["jitter_from"] == "packets"
    assert summary["nodes"]["sink"]["metrics"]["packets_rx"] >= 140
