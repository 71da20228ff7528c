"""The pytest plugin as its users run it: plans and fixtures that make real calls, in a project of their own."""

from __future__ import annotations

import json
import os
import pty
import re
import signal
import subprocess
import sys
import time
import xml.etree.ElementTree as ET
from pathlib import Path

import pytest

from calls.places import PATIENCE_S
from calls.processes import assert_gone, processes_of
from calls.stall import CANARY, stall

SMK = """
[topology]
source = { sip_target = "sip:127.0.0.1:5063", audio_file = "speech.wav" }
mixer = { sip_bind = "127.0.0.1:5063", sip_target = "sip:127.0.0.1:5062", dtmf_seq = "123#" }
sink.sip_bind = "127.0.0.1:5062"

[expect]
duration_s = 5
max_gap_ms = 200
sink.max_heard_gap_ms = 400
"""
CALM = SMK.replace("max_gap_ms = 200", "max_gap_ms = 100").replace("gap_ms = 400", "gap_ms = 10000")


@pytest.fixture
def project(pytester, speech):
    """Return a function that runs pytest in a new project with these plans."""
    speech(8).rename(pytester.path / "speech.wav")

    def write(**plans: str) -> None:
        for name, text in plans.items():
            (pytester.path / f"{name}.plan.toml").write_text(text)

    return write


def start(pytester, *arguments: str, **more) -> subprocess.Popen[str]:
    """Start pytest in the project, as a shell does."""
    command = [sys.executable, "-m", "pytest", *arguments]
    return pytester.popen(command, stdin=subprocess.DEVNULL, text=True, preexec_fn=hear_ctrl_c, **more)


def hear_ctrl_c() -> None:
    """Undo what a shell does to what it starts in the background, as these tests may have been."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)


def rows(pytester) -> list[dict]:
    """Return the rows of the continuity report."""
    return json.loads((pytester.path / "reports" / "continuity.json").read_text())["rows"]


def test_plans_pass_and_fail_side_by_side(pytester, project):
    """The call is made once, each thing that it is expected to be is told, and the evidence of what failed stays."""
    project(good=SMK + 'sink.dtmf = "123#"', red=SMK + 'sink.dtmf = "124#"\nsink.level_db = 6')
    result = pytester.runpytest_subprocess("-n", "2", ".", "--junitxml", "junit.xml", timeout=PATIENCE_S)
    assert result.parseoutcomes()["failed"] == 3, "two checks, and the test that they are of"
    assert result.parseoutcomes()["passed"] == 1
    output = result.stdout.str()
    where = r"at \d\.\d\d s \(see reports/runs/\S+-red/sink.wav\)"
    assert re.search(rf"sink: dtmf: wanted '124#' .*got '123#.* {where}", output)
    assert re.search(r"sink: level: wanted \+6 dB within 1, got [+-]0\.\d+ dB", output)
    assert "Traceback" not in output
    assert "CheckError" not in output
    result.stdout.fnmatch_lines_random([
        "good.plan.toml::good * pass *5.0 s * ms *123#* (not kept)",
        "red.plan.toml::red * fail *5.0 s * ms *123#* reports/runs/*-red",
    ])  # fmt: skip
    assert [run.name[-4:] for run in (pytester.path / "reports" / "runs").iterdir()] == ["-red"]
    assert {row["test"]: row["outcome"] for row in rows(pytester)} == {
        "good.plan.toml::good": "pass", "red.plan.toml::red": "fail",
    }  # fmt: skip
    assert all(row["packets"] > 900 and row["lost"] == 0 and row["network"] == "private" for row in rows(pytester))
    cases = ET.parse(pytester.path / "junit.xml").getroot().iter("testcase")
    assert {case.get("name"): len(case.findall("failure")) for case in cases} == {"good": 0, "red": 3}


def test_fixtures_as_in_the_documentation(pytester, project):
    """A marked test, and one that changes the plan; overridden fixtures change all of them."""
    project(smk=SMK)
    pytester.makeconftest("""
        import pytest
        @pytest.fixture
        def b2b_changes():
            return {"mixer": {"dtmf_seq": "12#"}}
    """)
    pytester.makepyfile(test_levels="""
        import pytest

        @pytest.mark.plan("smk.plan.toml", duration_s=4)
        def test_digits_reach_the_sink(call):
            assert call.sink.dtmf == "12#"
            assert call.leg("mixer", "sink").max_gap_ms <= 200
            assert call.verdict.outcome == "pass"

        def test_two_volumes(topology):
            levels = []
            for gain in (0.25, 0.5):
                with topology("smk.plan.toml", duration_s=3, mixer={"mix_gain_in": gain, "dtmf_seq": ""}) as call:
                    levels.append(call.sink.level.rms_dbov)
            assert levels[1] - levels[0] == pytest.approx(6.02, abs=0.5)
    """)
    options = ("test_levels.py", "-n", "2", "--b2b-keep", "all", "--strict-markers")
    result = pytester.runpytest_subprocess(*options, timeout=PATIENCE_S)
    result.assert_outcomes(passed=2)
    assert sorted(round(row["duration_s"]) for row in rows(pytester)) == [3, 3, 4]
    assert len(list((pytester.path / "reports" / "runs").iterdir())) == 3


@pytest.mark.alone  # there are two calls at a time already
def test_one_network_for_all(pytester, project):
    """Where there is none of its own, plans with the same ports still run side by side: on free ones."""
    project(one=SMK, two=SMK)
    result = pytester.runpytest_subprocess("-n", "2", ".", "--b2b-network", "host", timeout=PATIENCE_S)
    result.assert_outcomes(passed=2)
    assert {row["network"] for row in rows(pytester)} == {"host"}
    assert not (pytester.path / "reports" / "runs").exists()


@pytest.mark.alone  # what others do beside it would be a stall of its own
@pytest.mark.parametrize(("times", "options", "outcomes"), [
    (1, [], {"passed": 1, "rerun": 1}),
    (1, ["--b2b-speed", "2"], {"passed": 1, "rerun": 1}),
    (2, [], {"error": 1, "rerun": 1}),
    (2, ["--b2b-unknown", "skip"], {"skipped": 1, "rerun": 1}),
])  # fmt: skip
def test_a_machine_that_stalls(pytester, project, times, options, outcomes):
    """One visible rerun; what could not be judged twice is an error, unless the user would have it skipped."""
    project(calm=CALM)
    process = start(pytester, "calm.plan.toml", *options)
    for attempt in range(times):
        wait_for_call(process.pid, pytester.path, attempt)
        stall(process.pid, 0.4)
    output, _ = process.communicate(timeout=PATIENCE_S)
    counts = re.findall(r"(\d+) (passed|error|skipped|rerun)", output.splitlines()[-1])
    assert {word: int(count) for count, word in counts} == outcomes, output
    assert re.search(r"gap: wanted at most 100 ms, got \d+(\.\d+)? ms \(host stalled \d+ ms", output), output
    assert [row["outcome"] for row in rows(pytester)] == ["unknown", "pass" if times == 1 else "unknown"]
    assert [row["speed"] for row in rows(pytester)] == [2 if "--b2b-speed" in options else 1, 1]
    assert "calm.plan.toml::calm (attempt 2)" in output


def wait_for_call(pid: int, project: Path, attempt: int) -> None:
    """Return when a call of the session has been going on for a second, the first, or the one after it."""
    ends = time.monotonic() + PATIENCE_S
    while time.monotonic() < ends:
        folders = sorted((project / "reports" / "runs").glob("*"))
        events = folders[attempt] / "events.jsonl" if len(folders) > attempt else None
        if events and events.exists() and events.read_text().count("CALL_ESTABLISHED") == 4:
            time.sleep(1)
            return
        time.sleep(0.05)
    raise AssertionError(f"no call {attempt + 1} below {pid}")


def test_a_killed_worker_leaves_nothing(pytester, project):
    """No process, no namespace; the session says that the worker is gone."""
    project(one=SMK)
    process = start(pytester, "-n", "1", "one.plan.toml")
    wait_for_call(process.pid, pytester.path, 0)
    below = processes_of(process.pid)
    assert any(CANARY in name for name in below.values())
    worker = next(pid for pid, name in below.items() if name.endswith("exec(eval(sys.stdin.readline()))"))
    os.kill(worker, signal.SIGKILL)
    assert_gone({pid: name for pid, name in below.items() if pid != process.pid})
    os.kill(process.pid, signal.SIGINT)
    process.communicate(timeout=PATIENCE_S)


def test_an_interrupted_session_leaves_nothing(pytester, project):
    """Ctrl-C ends the call first, in its own steps."""
    project(one=SMK)
    process = start(pytester, "one.plan.toml")
    wait_for_call(process.pid, pytester.path, 0)
    below = processes_of(process.pid)
    os.kill(process.pid, signal.SIGINT)
    output, _ = process.communicate(timeout=PATIENCE_S)
    assert process.returncode == pytest.ExitCode.INTERRUPTED, output
    assert_gone(below)


def test_without_baresip(pytester, project, monkeypatch):
    """The test errs with the sentence that says what to install."""
    project(one=SMK)
    tools = pytester.mkdir("tools")
    for name in ("ffmpeg", "python3"):
        (tools / name).symlink_to("/usr/bin/true")
    monkeypatch.setenv("PATH", str(tools))
    result = pytester.runpytest_subprocess("one.plan.toml", timeout=PATIENCE_S)
    result.assert_outcomes(errors=1)
    result.stdout.fnmatch_lines(["*baresip*apt-get install baresip-core*"])
    assert "Traceback" not in result.stdout.str()


def test_a_minute_on_a_terminal_does_not_look_like_a_hang(pytester, project):
    """There is a line that lives, and it is gone in the end; without a terminal there is none."""
    project(one=SMK)
    terminal, theirs = pty.openpty()
    process = start(pytester, "one.plan.toml", stdout=theirs, stderr=theirs)
    os.close(theirs)
    shown = read_all(terminal)
    assert process.wait(PATIENCE_S) == 0, shown
    assert re.search(r"\rone 00:0[1-4] in call", shown), shown
    assert "1 passed" in shown
    without = pytester.runpytest_subprocess("one.plan.toml", timeout=PATIENCE_S)
    assert "in call" not in without.stdout.str()


def read_all(terminal: int) -> str:
    """Return all that is written to a terminal until nobody has it open any more."""
    read = b""
    while True:
        try:
            if not (chunk := os.read(terminal, 4096)):
                return read.decode()
        except OSError:
            os.close(terminal)
            return read.decode()
        read += chunk
