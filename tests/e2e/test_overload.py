"""More calls than the machine carries: the verdicts say that it was the machine, and none passes what was not right."""

from __future__ import annotations

import contextlib
import json
import os
import subprocess
import sys
import time

import pytest

from calls.places import PATIENCE_S, REPOSITORY, SAMPLE
from calls.recording import read_wav
from calls.stall import busy_processes, make_modest
from harness.jsonl import read_lines
from oracle.audio import decode_reference, judge_smk

COPIES, CALL_S = 3, 9
BEFORE_S, OVERLOAD_S = 2.0, 2.0
HOGS = 6  # for each processor: what is left to modest threads is then less than a user agent takes


def in_call(folder):
    """Whether the source of a run streams."""
    return any(event["event"] == "streaming" for event in read_lines(folder / "events.jsonl"))


@contextlib.contextmanager
def calls(folder):
    """Start the copies, in our own session, whose processes share their time; end what is left of them."""
    plan = (REPOSITORY / "plans" / "smk.plan.toml").read_text()
    plan = plan.replace("../fixtures/sample.mp3", str(SAMPLE)).replace("duration_s = 60", f"duration_s = {CALL_S}")
    (folder / "smk.plan.toml").write_text(plan)
    command = [sys.executable, "-m", "b2b", "orchestrator", "--plan", folder / "smk.plan.toml", "--network", "private"]
    started = [
        subprocess.Popen([*command, "--run-dir", folder / f"run{number}"], stdout=subprocess.DEVNULL)
        for number in range(COPIES)
    ]
    try:
        yield started
    finally:
        for process in started:
            process.kill()
            process.wait()


@pytest.mark.alone
def test_more_calls_than_the_machine_carries(tmp_path):
    """For two seconds of their calls everybody else goes first."""
    folders = [tmp_path / f"run{number}" for number in range(COPIES)]
    with calls(tmp_path) as started:
        ends = time.monotonic() + PATIENCE_S
        while not all(map(in_call, folders)) and time.monotonic() < ends:
            time.sleep(0.05)
        time.sleep(BEFORE_S)
        with busy_processes(HOGS * len(os.sched_getaffinity(0))):
            for process in started:
                make_modest(process.pid)
            time.sleep(OVERLOAD_S)
        assert {process.wait(2 * PATIENCE_S) for process in started} <= {0, 1}
    verdicts = [json.loads((folder / "verdict.json").read_text()) for folder in folders]
    assert "fail" not in [verdict["outcome"] for verdict in verdicts], [verdict["reason"] for verdict in verdicts]
    doubts = [check for verdict in verdicts for check in verdict["checks"] if check["outcome"] == "unknown"]
    assert doubts, "the machine was not overloaded"
    assert all(check["cause"].startswith("host, ") and " ms" in check["cause"] for check in doubts), doubts
    for folder, verdict in zip(folders, verdicts, strict=True):
        if verdict["outcome"] == "pass":
            result = judge_smk(
                decode_reference(SAMPLE), read_wav(folder / "sink.wav"), gain_in=0.5, gain_dtmf=0.5, digits="123#",
                tone_ms=80, pause_ms=80, period_ms=2000, at_least_s=CALL_S - 1,
            )  # fmt: skip
            assert not result.problems
