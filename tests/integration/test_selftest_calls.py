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
    code = command.process.wait(6 * PATIENCE_S)
    found = json.loads(command.output)
    assert [finding["objections"] for finding in found] == [[]] * len(FAULTS), command.output
    unsure = [finding for finding in found if finding["doubts"]]  # this machine was stalled, four times over
    assert [finding["fault"] for finding in found] == list(FAULTS)
    assert code == bool(unsure)
    assert len(unsure) < len(FAULTS), command.output
    verdicts = {finding["fault"]: finding["verdict"] for finding in found if finding not in unsure}
    assert set(verdicts.values()) <= {"clean", "found"}
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
    assert command.wait_exit() == 1
    assert command.wait_line("interrupted, so 1 were not made")
    assert_gone(started)
    assert list(tmp_path.iterdir()) == []
