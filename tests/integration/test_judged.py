"""Runs that are judged: each check goes red on a call in which that very fault was really made."""

from __future__ import annotations

import json
import os
import re
import shutil
import signal
import subprocess
import sys
import time

import pytest
from pydub import AudioSegment

from calls.places import SAMPLE
from calls.processes import processes_of
from calls.stall import stall

PLAN = """
[topology]
source = {{ sip_target = "sip:mixer", audio_file = "{audio}" }}
mixer.sip_target = "sip:sink"
{mixer}
sink = {{}}

[expect]
duration_s = {seconds}
max_gap_ms = {max_gap_ms}
sink.max_heard_gap_ms = {max_heard_gap_ms}
{expect}
"""


@pytest.fixture
def judged(b2b, tmp_path):
    """Start a run that is judged, and return it with a function that reads its verdict."""

    def start(*, audio=SAMPLE, mixer="", expect='sink.dtmf = "123#"', seconds=5, max_gap_ms=400, max_heard_gap_ms=400):
        path = tmp_path / "judged.plan.toml"
        path.write_text(
            PLAN.format(
                audio=audio, mixer=mixer, expect=expect, seconds=seconds, max_gap_ms=max_gap_ms,
                max_heard_gap_ms=max_heard_gap_ms,
            )
        )  # fmt: skip
        return b2b("orchestrator", "--plan", path, "--run-dir", tmp_path / "run", "--network", "private")

    return start


@pytest.fixture
def verdict(tmp_path):
    """Return a function that reads the verdict and the names of the checks that did not pass."""

    def read():
        found = json.loads((tmp_path / "run" / "verdict.json").read_text())
        return found, {(check["where"], check["name"]) for check in found["checks"] if check["outcome"] != "pass"}

    return read


def cause_of(found, where, name):
    """Return whose fault a check says that it is."""
    return next(check["cause"] for check in found["checks"] if (check["where"], check["name"]) == (where, name))


def stop_baresip(role, seconds):
    """Let the baresip of a role stand still for a while."""
    baresip = next(pid for pid, name in processes_of(role).items() if name.startswith("baresip"))
    os.kill(baresip, signal.SIGSTOP)
    time.sleep(seconds)
    os.kill(baresip, signal.SIGCONT)


def test_a_good_call(judged, verdict, tmp_path):
    """All checks of four legs and one sink pass, with their numbers; the run ends with 0."""
    orchestrator = judged()
    assert orchestrator.wait_exit() == 0, orchestrator.output
    found, _ = verdict()
    assert found["outcome"] == "pass"
    names = [(check["where"], check["name"]) for check in found["checks"]]
    for leg in ("source -> mixer", "mixer -> source", "mixer -> sink", "sink -> mixer"):
        assert [(leg, name) for name in ("codec", "lost", "gap")] == [one for one in names if one[0] == leg]
    heard = "heard, heard gap, level, clipped, drift, echo, residual, dc, codes, digit level, dtmf"
    assert ", ".join(name for where, name in names if where == "sink") == heard
    assert orchestrator.wait_line("all 23 checks passed")
    assert orchestrator.wait_line(r"report: .*report\.html")
    page = (tmp_path / "run" / "report.html").read_text()
    assert "Passed</h1>" in page
    assert "Versions of the run" in page


def test_a_wrong_digit(judged, verdict):
    """1, with what was wanted and what came."""
    orchestrator = judged(expect='sink.dtmf = "124#"')
    assert orchestrator.wait_exit() == 1, orchestrator.output
    assert verdict()[1] == {("sink", "dtmf")}
    assert orchestrator.wait_line(r"sink: dtmf: wanted '124#'.*got '123#")


def test_missing_digits(judged, verdict):
    """A mixer that sends none where some are expected."""
    orchestrator = judged(mixer='mixer.dtmf_seq = ""')
    assert orchestrator.wait_exit() == 1, orchestrator.output
    assert verdict()[1] == {("sink", "dtmf")}


def test_a_muted_source(judged, verdict, tmp_path):
    """Packets flow, but nothing of the file is heard."""
    silent = tmp_path / "silent.wav"
    AudioSegment.silent(10_000, frame_rate=8000).export(silent, format="wav").close()
    orchestrator = judged(audio=silent)
    assert orchestrator.wait_exit() == 1, orchestrator.output
    assert ("sink", "heard") in verdict()[1]


def test_a_gain_that_nobody_asked_for(judged, verdict):
    """The level is judged against the plan's own gains and what is expected on top of them."""
    orchestrator = judged(expect="sink.level_db = -3")
    assert orchestrator.wait_exit() == 1, orchestrator.output
    assert verdict()[1] == {("sink", "level")}


def test_clipping(judged, verdict):
    """A mixer that is turned up too far saturates, and the sink hears it."""
    orchestrator = judged(mixer="mixer.mix_gain_in = 12.0", expect="sink.max_level_error_db = 40")
    assert orchestrator.wait_exit() == 1, orchestrator.output
    assert ("sink", "clipped") in verdict()[1]


def test_another_codec_than_wanted(judged, verdict):
    """Every leg is PCMU, and PCMA was expected."""
    orchestrator = judged(expect='codec = "PCMA"')
    assert orchestrator.wait_exit() == 1, orchestrator.output
    assert {name for _, name in verdict()[1]} == {"codec"}


def test_a_stall_of_the_sender(judged, verdict):
    """The source's baresip is stopped for 1.5 s: late packets, at their second, a gap heard, and a calm canary."""
    orchestrator = judged(seconds=6, max_gap_ms=200)
    source = int(orchestrator.wait_line(r"started source pid=(\d+)")[1])
    orchestrator.wait_line("streaming")
    time.sleep(2)
    stop_baresip(source, 1.5)
    assert orchestrator.wait_exit() == 1, orchestrator.output
    found, failed = verdict()
    assert failed >= {("source -> mixer", "gap"), ("sink", "heard gap")}
    gap = next(check for check in found["checks"] if (check["where"], check["name"]) == ("source -> mixer", "gap"))
    assert "late" in gap["got"]
    assert float(gap["got"].split()[0]) >= 1400
    assert gap["at_s"] > 1
    says = r"sender, source: source sent nothing for \d+ ms after seq \d+; seen where it left"
    assert re.match(says, gap["cause"])
    assert cause_of(found, "sink", "heard gap").startswith("sender, source: source sent nothing for 1")


def test_a_stall_of_the_receiver(judged, verdict):
    """The sink's baresip is stopped: all packets crossed the wire in time, and what was not heard is the sink's."""
    orchestrator = judged(seconds=6, max_gap_ms=200, max_heard_gap_ms=40, expect="")
    sink = int(orchestrator.wait_line(r"started sink pid=(\d+)")[1])
    orchestrator.wait_line("streaming")
    time.sleep(2)
    stop_baresip(sink, 1.0)
    assert orchestrator.wait_exit() == 1, orchestrator.output
    found, failed = verdict()
    assert failed >= {("sink", "heard gap"), ("sink -> mixer", "gap")}
    assert not failed & {("source -> mixer", "gap"), ("mixer -> sink", "gap")}
    cause = cause_of(found, "sink", "heard gap")
    assert cause.startswith("receiver, sink: it came whole and in time over mixer -> sink, and sink dropped it"), cause


def test_a_stall_of_the_machine(judged, verdict):
    """Everything stands still, the canary too: nobody can tell how the call was, by ear neither."""
    orchestrator = judged(seconds=6, max_gap_ms=200, max_heard_gap_ms=60, expect="")
    orchestrator.wait_line("streaming")
    time.sleep(2)
    stall(orchestrator.process.pid, 0.8)
    assert orchestrator.wait_exit() == 1, orchestrator.output
    found, failed = verdict()
    causes = [str(check["cause"]) for check in found["checks"] if check["outcome"] != "pass"]
    assert {cause.partition(",")[0] for cause in causes} == {"host"}, causes
    assert found["outcome"] == "unknown"
    assert failed >= {("source -> mixer", "gap"), ("mixer -> sink", "gap")}


@pytest.mark.skipif(os.geteuid() != 0, reason="only root may enter the run's network from outside")
def test_lost_packets(judged, verdict):
    """Packets that never cross the wire: how many, on which leg, and the heard gap they leave."""
    orchestrator = judged(seconds=6)
    pid = int(orchestrator.wait_line(r"started mixer pid=(\d+)")[1])
    orchestrator.wait_line("streaming")
    time.sleep(1)
    rule = "udp dport 10000-65535 @th,64,8 & 0xc0 == 0x80 @th,80,16 & 31 == 5 drop;"
    table = f"table netdev x {{ chain c {{ type filter hook egress device lo priority 0; {rule} }}; }}"
    nft = shutil.which("nft", path=f"{os.environ['PATH']}:/usr/sbin")
    subprocess.run(["nsenter", "-t", str(pid), "-n", nft or "nft", table], check=True)
    assert orchestrator.wait_exit() == 1, orchestrator.output
    found, failed = verdict()
    assert {name for _, name in failed} >= {"lost"}
    lost = [check for check in found["checks"] if check["name"] == "lost" and check["outcome"] == "fail"]
    for check in lost:
        src, dst = check["where"].split(" -> ")
        assert check["cause"].startswith(f"network, {src} -> {dst}: lost between {src} and {dst}: 1 packet after seq")


def test_a_sink_that_recorded_nothing(judged, verdict):
    """A role that failed is a verdict of failure too, and the exit code stays the role's."""
    orchestrator = judged(seconds=30)
    sink = int(orchestrator.wait_line(r"started sink pid=(\d+)")[1])
    orchestrator.wait_line("ready sip")
    os.kill(sink, signal.SIGKILL)
    assert orchestrator.wait_exit() == 70, orchestrator.output
    assert verdict()[0]["outcome"] == "fail"


def test_a_broken_expectation(judged):
    """64, before anything is started."""
    orchestrator = judged(expect="max_gap = 40")
    assert orchestrator.wait_exit() == 64
    assert "did you mean max_gap_ms" in orchestrator.output
    assert "started" not in orchestrator.output


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can take the right to capture from a run")
def test_without_the_right_to_capture(tmp_path):
    """Nobody can tell what crossed the wire, and how to allow it is said; the recording is judged all the same."""
    path, folder = tmp_path / "judged.plan.toml", tmp_path / "run"
    limits = {"max_gap_ms": 400, "max_heard_gap_ms": 400}
    path.write_text(PLAN.format(audio=SAMPLE, mixer="", expect='sink.dtmf = "123#"', seconds=4, **limits))
    command = [sys.executable, "-m", "b2b", "orchestrator", "--plan", path, "--run-dir", folder, "--network", "host"]
    drop = ["setpriv", "--bounding-set=-net_raw", "--inh-caps=-net_raw"]
    run = subprocess.run([*drop, *command], stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False)
    assert run.returncode == 1, run.stdout + run.stderr
    found = json.loads((folder / "verdict.json").read_text())
    assert found["outcome"] == "unknown"
    assert "CAP_NET_RAW" in found["reason"]
    outcomes = {(check["where"] == "sink", check["outcome"]) for check in found["checks"]}
    assert outcomes == {(True, "pass"), (False, "unknown")}
