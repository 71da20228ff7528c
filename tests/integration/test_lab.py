"""Plans on other machines: two with networks, names and homes of their own, each with a real sshd."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from b2b import __version__
from calls.places import PATIENCE_S
from calls.ssh_hosts import Lab, ssh_hosts

PLAN = """
[topology]
source = { sip_target = "sip:127.0.0.1:5062", audio_file = "../speech.wav" }
sink.sip_bind = "127.0.0.1:5062"

[expect]
duration_s = 2
max_gap_ms = 200
"""
RED = PLAN + "sink.level_db = 20\n"


@pytest.fixture
def lab(tmp_path, pytester, speech):
    """Two machines, and a project here with a plan that passes, one that fails, and a setting."""
    speech(4).rename(pytester.path / "speech.wav")
    (pytester.path / "plans").mkdir()
    for name, text in {"good": PLAN, "red": RED}.items():
        (pytester.path / "plans" / f"{name}.plan.toml").write_text(text)
    pytester.makeini("[pytest]\ntestpaths = plans\n")
    with ssh_hosts(tmp_path, "lab1", "lab2") as made:
        yield made


def run(lab: Lab, pytester, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run pytest in the project, from where the machines can be reached."""
    command = [*lab.inside, sys.executable, "-m", "pytest", "-p", "no:cacheprovider", *arguments]
    return subprocess.run(
        command, cwd=pytester.path, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=3 * PATIENCE_S,
        check=False,
    )  # fmt: skip


def test_two_machines_one_report(lab, pytester):
    """Every call is made elsewhere, everything of it is here afterwards, and each host is named."""
    both = [word for name in lab.hosts for word in ("--tx", lab.tx(name, sys.executable))]
    options = ("--dist", "each", "--b2b-keep", "all", "--alluredir", "allure")
    done = run(lab, pytester, *both, *options, "plans")
    assert done.returncode == pytest.ExitCode.TESTS_FAILED, done.stdout + done.stderr
    runs = pytester.path / "reports" / "runs"
    told = json.loads((pytester.path / "reports" / "continuity.json").read_text())
    rows = {(row["host"], Path(row["plan"]).name.partition(".")[0]): row for row in told["rows"]}
    assert {key: row["outcome"] for key, row in rows.items()} == {
        ("lab1", "good"): "pass", ("lab1", "red"): "fail", ("lab2", "good"): "pass", ("lab2", "red"): "fail",
    }, done.stdout  # fmt: skip
    assert told["environment"]["host"] == "lab1, lab2"
    for (host, _), row in rows.items():
        folder = pytester.path / row["folder"]
        assert folder.parent == runs
        assert {"capture.pcap", "sink.wav", "run.log", "verdict.json"} <= {path.name for path in folder.iterdir()}
        assert json.loads((folder / "versions.json").read_text())["host"] == host
        assert f"{host}  plans/" in done.stdout
        assert row["packets"] >= 90
    assert f"(see {rows['lab1', 'red']['folder']}/sink.wav)" in done.stdout
    assert not list(pytester.path.rglob("*.part"))
    _assert_allure(pytester.path / "allure")
    for host in lab.hosts.values():
        left = [path for path in host.home.rglob("*") if path.suffix in (".pcap", ".part") or path.name == "run.log"]
        assert not left
        assert str(host.home) not in done.stdout
        texts = [
            path for path in pytester.path.rglob("*") if path.suffix in (".json", ".jsonl", ".html", ".log", ".toml")
        ]
        assert not [path for path in texts if str(host.home) in path.read_text()]


def _assert_allure(results: Path) -> None:
    """Each test's result names its host, and every file that it speaks of is there."""
    tests = [json.loads(path.read_text()) for path in results.glob("*-result.json")]
    labels = [{label["name"]: label["value"] for label in test["labels"]}["host"] for test in tests]
    assert sorted(labels) == ["lab1", "lab1", "lab2", "lab2"]
    for test in tests:
        files = _attached(test)
        assert any(name.endswith(".pcap") for name in files)
        assert all((results / name).stat().st_size for name in files)
    assert "host=lab1, lab2\n" in (results / "environment.properties").read_text()


def _attached(part: dict) -> list[str]:
    inner = [name for step in part.get("steps", ()) for name in _attached(step)]
    return [attachment["source"] for attachment in part.get("attachments", ())] + inner


@pytest.mark.parametrize(
    ("host", "python", "says"),
    [
        (
            "lab2",
            sys.executable,
            "no worker could be started, for ssh does not get there; to see for yourself: ssh ",
        ),
        ("lab1", "/no/python", "no worker could be started, for /no/python does not answer"),
        ("lab1", "/usr/bin/python3", f"wanted b2b {__version__} in /usr/bin/python3, as here, came: No module named"),
    ],
    ids=["gone", "no-python", "no-b2b"],
)
def test_a_machine_that_cannot_be_used_is_named(lab, pytester, host, python, says):
    """In one sentence, at once, and nothing is run."""
    lab.hosts["lab2"].power_off()
    done = run(lab, pytester, "--tx", lab.tx(host, python), "--dist", "load", "plans")
    assert done.returncode == pytest.ExitCode.USAGE_ERROR, done.stdout + done.stderr
    assert f"ERROR: {host}: {says}" in done.stderr
    assert "Traceback" not in done.stdout + done.stderr
