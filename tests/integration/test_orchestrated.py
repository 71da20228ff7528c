"""The orchestrator on short plans: its output, its run folder, its exit codes, and what is left when things die."""

from __future__ import annotations

import json
import os
import re
import shutil
import signal
import stat
import time

import pytest

from calls.places import SAMPLE
from calls.plans import unjudged
from calls.processes import assert_gone, processes_of
from calls.recording import read_wav
from oracle.audio import decode_reference, judge_sk, judge_smk

SK, SMK, SMMK = "sk.plan.toml", "smk.plan.toml", "smmk.plan.toml"


@pytest.fixture
def run(b2b, tmp_path):
    """Start the orchestrator on a plan, by name one of ours; its run folder is `tmp_path / "run"`."""

    def start(plan, *arguments, **more):
        path = unjudged(plan, tmp_path) if plan in (SK, SMK, SMMK) else plan
        return b2b("--role", "orchestrator", "--plan", path, "--run-dir", tmp_path / "run", *arguments, **more)

    return start


@pytest.fixture
def plan(tmp_path):
    """Write a plan of its own."""

    def write(text):
        path = tmp_path / "own.plan.toml"
        path.write_text(text.replace("SAMPLE", str(SAMPLE)))
        return path

    return write


def summary(tmp_path):
    """Read summary.json."""
    return json.loads((tmp_path / "run" / "summary.json").read_text())


def events(tmp_path):
    """Read events.jsonl."""
    return [json.loads(line) for line in (tmp_path / "run" / "events.jsonl").read_text().splitlines()]


def package(site, name, code):
    """Install a package that hangs itself into runs; return the folder for PYTHONPATH."""
    (site / f"{name}-1.dist-info").mkdir(parents=True)
    (site / f"{name}-1.dist-info" / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: 1\n")
    (site / f"{name}-1.dist-info" / "entry_points.txt").write_text(f"[b2b.run]\n{name} = {name}_code:hook\n")
    (site / f"{name}_code.py").write_text(code)
    return site


def test_a_call_from_a_plan(run, tmp_path):
    """Tags, ticks and summary as the requirements show them; everything about the run is in its folder."""
    orchestrator = run(SMK, "--duration-s", 7)
    assert orchestrator.wait_exit() == 0, orchestrator.output
    for pattern in (
        r"^\[ORCH\] ✓ started sink pid=\d+$",
        r"^\[SINK\] listening sip=127\.0\.0\.1:5062$",
        r"^\[MIX \] dialing target=sip:127\.0\.0\.1:5062$",
        r"^\[SRC \] streaming file=sample\.mp3 ptime=20ms$",
        r"^\[ORCH\] 00:05  source tx=\d+ · mixer tx=\d+ rx=\d+ .* · sink rx=\d+ ",
    ):
        assert orchestrator.wait_line(pattern)
    assert "\x1b" not in orchestrator.output
    folder = tmp_path / "run"
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    assert {path.name for path in folder.iterdir()} >= {
        "plan.toml", "run.log", "events.jsonl", "metrics.jsonl", "source", "mixer", "sink", "sink.wav", "summary.json"
    }  # fmt: skip
    told = summary(tmp_path)
    assert told["exit_code"] == 0
    assert told["failed_first"] is None
    assert told["duration_s"] == pytest.approx(7, abs=0.3)
    assert {name: node["exit_code"] for name, node in told["nodes"].items()} == {"source": 0, "mixer": 0, "sink": 0}
    assert told["nodes"]["source"]["metrics"]["packets_tx"] >= 340
    assert all({"wall_s", "mono_s", "node", "event"} <= event.keys() for event in events(tmp_path))
    assert not [event for event in events(tmp_path) if event["event"] in ("terminate", "kill")]
    released = [event["node"] for event in events(tmp_path) if event["event"] == "released"]
    assert released == ["sink", "mixer", "source"]
    result = judge_smk(
        decode_reference(SAMPLE), read_wav(folder / "sink.wav"), gain_in=0.5, gain_dtmf=0.5, digits="123#", tone_ms=80,
        pause_ms=80, period_ms=2000,
    )  # fmt: skip
    assert not result.problems


def test_the_resolved_plan_repeats_the_run(b2b, run, tmp_path):
    """plan.toml in the run folder is a plan too."""
    assert run(SK, "--duration-s", 1).wait_exit() == 0
    again = b2b("orchestrator", "--plan", tmp_path / "run" / "plan.toml", "--run-dir", tmp_path / "again",
                "--duration-s", 1)  # fmt: skip
    assert again.wait_exit() == 0, again.output


def test_a_chain_of_two_mixers(run):
    """Nodes of any name that say their role; tags are their names."""
    orchestrator = run(SMMK, "--duration-s", 2)
    assert orchestrator.wait_exit() == 0, orchestrator.output
    assert orchestrator.wait_line(r"^\[second\] ✓ ready")


def test_free_ports_and_two_pairs(run, plan, tmp_path):
    """Port 0 is whatever READY says; two pairs in one plan do not disturb each other, though one ends first."""
    two = plan("""
        [topology]
        a = { role = "source", sip_target = "sip:b", audio_file = "SAMPLE", duration_s = 1 }
        b = { role = "sink" }
        c = { role = "source", sip_target = "sip:d", audio_file = "SAMPLE", duration_s = 6 }
        d = { role = "sink" }
    """)
    orchestrator = run(two)
    assert orchestrator.wait_exit() == 0, orchestrator.output
    assert not judge_sk(decode_reference(SAMPLE), read_wav(tmp_path / "run" / "d.wav")).problems
    assert len(read_wav(tmp_path / "run" / "d.wav")) > 5.5 * 8000


def test_the_requirements_own_plan(run, tmp_path):
    """The example of the requirements, as it stands there, with its audio file put in place."""
    (tmp_path / "assets").mkdir()
    shutil.copy(SAMPLE, tmp_path / "assets" / "sample.mp3")
    example = tmp_path / "example.toml"
    example.write_text("""[topology]
source.sip_target = "sip:YOUR_HOST_IP:5063"   # orchestrator auto-resolves
source.audio_file = "./assets/sample.mp3"

mixer.sip_bind   = "0.0.0.0:5063"
mixer.sip_target = "sip:YOUR_HOST_IP:5062"
mixer.dtmf_seq   = "+442083661177"

sink.sip_bind    = "0.0.0.0:5062"
""")
    orchestrator = run(example, "--duration-s", 5)
    assert orchestrator.wait_exit() == 0, orchestrator.output
    result = judge_smk(
        decode_reference(SAMPLE), read_wav(tmp_path / "run" / "sink.wav"), gain_in=0.5, gain_dtmf=0.5,
        digits="442083661177", tone_ms=80, pause_ms=80, period_ms=2000,
    )  # fmt: skip
    assert "".join(digit.key for digit in result.digits).startswith("442083661177")


def test_json_lines(run):
    """With --log-format json every line is an object, whose node it is included."""
    orchestrator = run(SK, "--duration-s", 1, "--log-format", "json")
    assert orchestrator.wait_exit() == 0, orchestrator.output
    lines = [json.loads(line) for line in orchestrator.lines]
    assert {line["node"] for line in lines} == {"orchestrator", "source", "sink"}
    assert all({"ts", "level", "role", "msg"} <= line.keys() for line in lines)


def test_colours(run):
    """--color always: orchestrator yellow, source green, sink blue."""
    orchestrator = run(SK, "--duration-s", 1, "--color", "always")
    assert orchestrator.wait_exit() == 0, orchestrator.output
    for escape, tag in (("33", "ORCH"), ("32", "SRC "), ("34", "SINK")):
        assert f"\x1b[{escape}m[{tag}]" in orchestrator.output


@pytest.mark.parametrize("network", ["private", "host"])
def test_both_networks(run, plan, tmp_path, network):
    """The run says which network it had, and why."""
    own = plan("""
        [topology]
        source = { sip_target = "sip:sink", audio_file = "SAMPLE" }
        sink = {}
    """)
    orchestrator = run(own, "--duration-s", 1, "--network", network)
    assert orchestrator.wait_exit() == 0, orchestrator.output
    assert orchestrator.wait_line(rf"network {network} \(")
    assert summary(tmp_path)["network"] == network


def test_the_first_to_fail_is_named(run, plan, tmp_path):
    """66 of a dying player is the run's code, though the source sees a hang-up at the same moment."""
    own = plan("""
        [topology]
        source = { sip_target = "sip:sink", audio_file = "SAMPLE" }
        sink.aplay_cmd = "sh -c 'head -c 30000 > /dev/null; echo no more >&2; exit 1'"
    """)
    orchestrator = run(own)
    assert orchestrator.wait_exit() == 66, orchestrator.output
    assert summary(tmp_path)["failed_first"]["node"] == "sink"
    assert "no more" in summary(tmp_path)["failed_first"]["reason"]
    assert orchestrator.wait_line(r"sink failed first: exit 66: .*no more")


def test_a_broken_plan(run, plan, tmp_path):
    """64 with file, line, key and a suggestion, before anything is started."""
    orchestrator = run(plan('[topology]\nsource.sip_taget = "sip:127.0.0.1:5062"\nsource.audio_file = "SAMPLE"\n'))
    assert orchestrator.wait_exit() == 64
    assert re.search(r"own\.plan\.toml:2: topology\.source\.sip_taget: .*did you mean sip_target", orchestrator.output)
    assert not (tmp_path / "run").exists()


def test_not_ready_in_time(run, tmp_path):
    """67, and the roles that were late are named."""
    orchestrator = run(SMK, "--ready-ms", 1)
    assert orchestrator.wait_exit() == 67, orchestrator.output
    assert "not READY within" in summary(tmp_path)["failed_first"]["reason"]


def test_a_role_that_does_not_stop(run, tmp_path):
    """67 when it takes a SIGKILL to end it; nothing of it is left."""
    orchestrator = run(SK, "--grace-ms", 300, "--kill-ms", 1200)
    sink = int(orchestrator.wait_line(r"started sink pid=(\d+)")[1])
    orchestrator.wait_line("streaming")
    below = processes_of(sink)
    os.kill(sink, signal.SIGSTOP)
    orchestrator.interrupt()
    assert orchestrator.wait_exit() == 67, orchestrator.output
    assert summary(tmp_path)["failed_first"]["node"] == "sink"
    assert_gone(below)


def test_one_interrupt_is_a_clean_end(run, tmp_path):
    """Ctrl-C stops everything in order, with 0, a summary and a recording that can be read."""
    orchestrator = run(SMK)
    orchestrator.wait_line(r"\[ORCH\] 00:05")
    orchestrator.interrupt()
    assert orchestrator.wait_exit() == 0, orchestrator.output
    assert summary(tmp_path)["exit_code"] == 0
    assert len(read_wav(tmp_path / "run" / "sink.wav")) > 4 * 8000


def test_a_second_interrupt_skips_the_grace(run):
    """Ctrl-C again does not ask politely: what still hangs is killed at once, which is 67."""
    orchestrator = run(SK, "--grace-ms", 600000, "--kill-ms", 900000)
    sink = int(orchestrator.wait_line(r"started sink pid=(\d+)")[1])
    orchestrator.wait_line("streaming")
    os.kill(sink, signal.SIGSTOP)
    orchestrator.interrupt()
    orchestrator.wait_line("stopping")
    while orchestrator.process.poll() is None:
        time.sleep(0.2)
        orchestrator.interrupt()
    assert orchestrator.wait_exit() == 67, orchestrator.output


def test_an_unforeseen_exception(run, tmp_path):
    """70 with one line that names it, here out of a package that hangs itself into the run."""
    site = package(tmp_path / "site", "broken", "def hook(plan, folder):\n    raise ZeroDivisionError('a bug')\n")
    orchestrator = run(SK, env={"PYTHONPATH": str(site)})
    assert orchestrator.wait_exit() == 70
    assert "ZeroDivisionError: a bug (broken_code.py:2)" in orchestrator.output
    assert "Traceback" not in orchestrator.output


def test_a_role_that_dies_of_a_signal(run, tmp_path):
    """70 when a role is killed by somebody else, and the others are stopped."""
    orchestrator = run(SMK)
    mixer = int(orchestrator.wait_line(r"started mixer pid=(\d+)")[1])
    orchestrator.wait_line("streaming")
    below = processes_of(mixer)
    os.kill(mixer, signal.SIGKILL)
    assert orchestrator.wait_exit() == 70, orchestrator.output
    assert summary(tmp_path)["failed_first"] == {"node": "mixer", "code": 70, "reason": "killed by SIGKILL"}
    assert_gone(below)


def test_a_judge_decides_the_exit_code(run, tmp_path):
    """What hangs itself into the run may leave a verdict: all roles fine and a check failed is 1."""
    site = package(
        tmp_path / "site",
        "judge",
        """
import contextlib

@contextlib.contextmanager
def hook(plan, folder):
    assert not (folder / "sink.wav").exists()
    yield
    assert (folder / "sink.wav").stat().st_size > 8000
    (folder / "verdict.json").write_text('{"outcome": "fail", "reason": "too quiet"}')
""",
    )
    orchestrator = run(SK, "--duration-s", 1, env={"PYTHONPATH": str(site)})
    assert orchestrator.wait_exit() == 1, orchestrator.output
    assert "too quiet" in orchestrator.output


@pytest.mark.parametrize("moment", ["started sink", "ready sip", "streaming"])
def test_nothing_outlives_the_orchestrator(run, tmp_path, moment):
    """Killed at whatever moment, it leaves no process behind, and a run folder that says what happened."""
    orchestrator = run(SMK, "--kill-ms", 8000)
    orchestrator.wait_line(moment)
    below = processes_of(orchestrator.process.pid)
    orchestrator.interrupt(signal.SIGKILL)
    orchestrator.wait_exit()
    assert_gone(below)
    assert summary(tmp_path)["exit_code"] is None
    assert (tmp_path / "run" / "events.jsonl").read_text()
    if moment == "streaming":
        assert "the orchestrator is gone" in (tmp_path / "run" / "sink" / "role.log").read_text()
        read_wav(tmp_path / "run" / "sink.wav")


def test_a_player_that_starts_others_leaves_nothing(run, plan):
    """Not even what a shell had started for a player, when the orchestrator is killed."""
    own = plan("""
        [topology]
        source = { sip_target = "sip:sink", audio_file = "SAMPLE" }
        sink.aplay_cmd = "sh -c 'sleep 1000; true'"
    """)
    orchestrator = run(own, "--kill-ms", 8000)
    orchestrator.wait_line("streaming")
    below = processes_of(orchestrator.process.pid)
    assert any(name.startswith("sleep") for name in below.values())
    orchestrator.interrupt(signal.SIGKILL)
    orchestrator.wait_exit()
    assert_gone(below)


@pytest.mark.parametrize("signum", [signal.SIGTERM, signal.SIGINT])
def test_a_storm_of_signals(run, tmp_path, signum):
    """The exit code is still the run's, and the summary says the same."""
    orchestrator = run(SMK)
    orchestrator.wait_line("streaming")
    while orchestrator.process.poll() is None:
        orchestrator.interrupt(signum)
        time.sleep(0.01)
    assert orchestrator.wait_exit() in (0, 67)
    assert summary(tmp_path)["exit_code"] == orchestrator.process.returncode
