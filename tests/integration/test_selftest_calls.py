"""Faults in real calls: found where and as large as they were made, and nothing else."""

from __future__ import annotations

import json
import time

from calls.places import PATIENCE_S
from calls.processes import assert_gone, processes_of

# A fault of the packets, one of the way that they take, one of what is sent, and none; each in a call of six seconds.
FAULTS = ("clean call", "lost 3", "swapped leg", "digit wrong")


def test_faults_in_real_calls(b2b, tmp_path):
    """As the command makes them; it leaves nothing behind."""
    only = [word for fault in FAULTS for word in ("--only", fault)]
    command = b2b("selftest", "--calls", "--json", *only, env={"TMPDIR": str(tmp_path)})
    assert command.process.wait(5 * PATIENCE_S) == 0, command.output
    found = {finding["fault"]: finding for finding in json.loads(command.output)}
    assert found.keys() == set(FAULTS)
    assert {fault: finding["verdict"] for fault, finding in found.items()} == {
        "clean call": "clean", "lost 3": "found", "swapped leg": "found", "digit wrong": "found",
    }  # fmt: skip
    assert list(tmp_path.iterdir()) == []


def test_an_interrupted_selftest_leaves_nothing(b2b, tmp_path):
    """Neither a process nor a file."""
    command = b2b("selftest", "--calls", "--only", "clean mixed call", env={"TMPDIR": str(tmp_path)})
    ends = time.monotonic() + PATIENCE_S
    while not list(tmp_path.glob("b2b-selftest-*/*/run/source/role.log")) and time.monotonic() < ends:
        time.sleep(0.05)
    started = processes_of(command.process.pid)
    assert len(started) > 3
    command.interrupt()
    assert command.wait_exit() != 0
    assert_gone(started)
    assert list(tmp_path.iterdir()) == []
