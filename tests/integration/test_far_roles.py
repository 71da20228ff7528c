"""One call whose roles are on several machines, each with a network, a name and processes of its own, over real ssh."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable

import pytest

from b2b import __version__
from b2b.errors import ExitCode
from calls.command import Command
from calls.places import PATIENCE_S
from calls.ssh_hosts import Lab, ssh_hosts
from harness.call import Call
from harness.verdict import Outcome
from harness.wire.read import read_datagrams

HERE = "10.77.0.254"
SINK = '{ host = "lab1", sip_bind = "10.77.0.1:5062" }'
CAPTURES = pytest.mark.skipif(os.geteuid() != 0, reason="to capture on another machine takes root there")
DOWN_S = 0.4  # of the wire

Make = Callable[..., Command]


@pytest.fixture
def lab(tmp_path):
    """Two machines."""
    with ssh_hosts(tmp_path, "lab1", "lab2") as made:
        yield made


@pytest.fixture
def far(lab, b2b, tmp_path, speech) -> Make:
    """Start a call of a few seconds from a source to a sink on lab1, whose temporary folders are in that one's home."""

    def start(source: str, *, sink: str = SINK, seconds: float = 3.0, there: str = "", gap_ms: int = 200) -> Command:
        plan = tmp_path / "far.plan.toml"
        sound = f'sip_target = "sip:sink", audio_file = "{speech(seconds + 2)}"'
        expect = f"[expect]\nduration_s = {seconds}\nmax_gap_ms = {gap_ms}\n"
        plan.write_text(f"[topology]\nsource = {{ {source}, {sound} }}\nsink = {sink}\n{expect}")
        python = f"env TMPDIR=$HOME {sys.executable} -m b2b"
        reach = ("--ssh", f"ssh -F {lab.config}", "--b2b-there", there or python)
        return b2b("orchestrator", "--plan", plan, "--run-dir", tmp_path / "run", *reach, before=lab.inside)

    return start


def processes(lab: Lab, name: str) -> list[str]:
    """Return what runs on a machine besides ssh's own."""
    command = [*lab.inside, *lab.ssh(name), "cat /proc/[0-9]*/comm"]
    said = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False).stdout
    return [line for line in said.split() if line in ("baresip", "ffmpeg") or "python" in line or line == "b2b"]


def assert_nothing_is_left(lab: Lab) -> None:
    """Wait until no process and no file is left on any machine."""
    ends = time.monotonic() + PATIENCE_S
    while any(processes(lab, name) for name in lab.hosts) and time.monotonic() < ends:
        time.sleep(0.2)
    assert {name: processes(lab, name) for name in lab.hosts} == {name: [] for name in lab.hosts}
    assert not [path for host in lab.hosts.values() for path in host.home.iterdir()]


@CAPTURES
@pytest.mark.alone  # three machines are as much as one can be
def test_a_sink_elsewhere(lab, far, tmp_path):
    """The call is judged by what arrived there; the recording, the log, the clock and the capture are here."""
    run = far(f'sip_bind = "{HERE}:0"')
    assert run.wait_exit() == ExitCode.OK, run.output
    folder = tmp_path / "run"
    assert run.wait_line(r"\[ORCH\] ✓ started sink on lab1 pid=\d+")
    assert run.wait_line(r"the clock of lab1 is \d+\.\d ms (ahead of|behind) ours \(± \d+\.\d ms\)")
    call = Call(folder)
    assert call.sink.length_s >= 3
    assert {"baresip.log", "role.log"} <= {path.name for path in (folder / "sink").iterdir()}
    assert json.loads((folder / "versions.json").read_text())["host"].endswith(", lab1")
    assert "clock of lab1" in json.loads((folder / "versions.json").read_text())
    (machine,) = call.machines
    assert machine.capture["packets"] > 300
    arrived = {(one.src, one.dst, one.payload) for one in read_datagrams(machine.folder / "capture.pcap")}
    kept = [(one.src, one.dst, one.payload) for one in read_datagrams(folder / "capture.pcap")]
    there = {one for one in kept if one[1] == "10.77.0.1"}
    assert len(there) > 140
    assert there <= arrived
    assert len(kept) < 1.05 * len(set(kept))  # each once, though this machine is the bridge between them
    assert_nothing_is_left(lab)


@CAPTURES
@pytest.mark.alone  # three machines are as much as one can be
def test_a_wire_between_two_others_that_breaks(lab, far, tmp_path):
    """What arrived at the other machine tells, and fails as it would at home."""
    run = far('host = "lab2", sip_bind = "10.77.0.2:0"', seconds=5.0, gap_ms=300)
    run.wait_line(r"\[SRC \] streaming")
    time.sleep(1.5)
    for state in ("down", "up"):
        subprocess.run([*lab.inside, "ip", "link", "set", "host1", state], check=True)
        time.sleep(DOWN_S)
    assert run.wait_exit() == ExitCode.CHECK_FAILED, run.output
    folder = tmp_path / "run"
    verdict = Call(folder).verdict
    assert verdict
    failed = {(check.name, check.where) for check in verdict.checks if check.outcome is Outcome.FAIL}
    assert {("gap", "source -> sink"), ("lost", "source -> sink")} <= failed, run.output
    leg = Call(folder).leg("source", "sink")
    assert leg.rtp.lost >= 15
    assert leg.max_gap_ms >= 1000 * DOWN_S
    assert_nothing_is_left(lab)


OTHER = """printf '%s\\n' '{"is": "hello", "version": "9.9", "folder": "x", "host": "y"}'; cat >/dev/null; :"""


@pytest.mark.parametrize(
    ("host", "there", "code", "says"),
    [
        ("lab7", "", ExitCode.SIP, "lab7: ssh does not get there: "),
        ("lab1", "/no/b2b", ExitCode.USAGE, f"lab1: wanted b2b {__version__} there, there is none: "),
        ("lab1", "false", ExitCode.USAGE, f"lab1: wanted b2b {__version__} there, it ended with exit code 1"),
        ("lab1", OTHER, ExitCode.USAGE, f"lab1: wanted b2b {__version__}, as here, came 9.9; "),
        ("lab1", "yes; :", ExitCode.USAGE, f"lab1: wanted b2b {__version__} there, it ended with "),
    ],
    ids=["no-way", "none", "fails", "other", "nonsense"],
)
def test_a_machine_that_cannot_be_used_is_named(far, host, there, code, says):
    """In one sentence, and before anything is started."""
    run = far(f'sip_bind = "{HERE}:0"', sink=SINK.replace("lab1", host), there=there)
    assert run.wait_exit() == code
    assert f"Error: {says}" in run.output
    assert "started" not in run.output
    assert "Traceback" not in run.output


@pytest.mark.alone
def test_a_machine_that_dies_in_the_call(lab, far, tmp_path):
    """The run ends, says which, and has what was heard and captured until then."""
    run = far(f'sip_bind = "{HERE}:0"', seconds=60.0)
    run.wait_line(r"\[SRC \] streaming")
    folder = tmp_path / "run"
    ends = time.monotonic() + PATIENCE_S
    while time.monotonic() < ends and not (folder / "sink.wav").exists():
        time.sleep(0.1)
    time.sleep(2.0)
    lab.hosts["lab1"].power_off()
    assert run.wait_exit() == ExitCode.SIP, run.output
    summary = json.loads((folder / "summary.json").read_text())
    assert summary["failed_first"]["node"] == "sink"
    assert "lab1: " in summary["failed_first"]["reason"]
    assert Call(folder).sink.length_s > 1
    if os.geteuid() == 0:
        assert len([one for one in read_datagrams(folder / "capture.pcap") if one.dst == "10.77.0.1"]) > 50


@pytest.mark.alone
def test_a_killed_orchestrator_leaves_nothing_there(lab, far):
    """Its roles on the other machine hang up, and all that is there of them goes."""
    run = far(f'sip_bind = "{HERE}:0"', seconds=60.0)
    run.wait_line(r"\[SRC \] streaming")
    assert processes(lab, "lab1")
    os.killpg(run.process.pid, signal.SIGKILL)
    run.wait_exit()
    assert_nothing_is_left(lab)


@pytest.mark.alone
def test_ctrl_c_brings_it_home(lab, far, tmp_path):
    """A call that is stopped is judged as far as it went, and nothing stays there."""
    run = far(f'sip_bind = "{HERE}:0"', seconds=60.0)
    run.wait_line(r"\[SRC \] streaming")
    time.sleep(1.0)
    os.killpg(run.process.pid, signal.SIGINT)
    assert run.wait_exit() in (ExitCode.OK, ExitCode.CHECK_FAILED), run.output
    assert "not whole" not in run.output
    assert (tmp_path / "run" / "sink.wav").stat().st_size > 8000
    assert_nothing_is_left(lab)
