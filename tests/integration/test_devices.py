"""Devices that are not b2b, behaving and misbehaving: the verdict names the device and what it did."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import signal
import socket
from pathlib import Path

import pytest

from b2b.baresip import versions
from calls.places import SAMPLE
from calls.processes import assert_gone, processes_of

DEVICES = Path(__file__).parent / "devices"

pytestmark = pytest.mark.skipif(not shutil.which("sipp"), reason="the package sip-tester is not installed")

PLAN = """
[topology]
source = {{ sip_target = "sip:echo@pbx", audio_file = "{sample}", dial_timeout_ms = 1500 }}
pbx.role = "external"
pbx.address = "127.0.0.1:5080"
{pbx}

[expect]
duration_s = {seconds}
max_gap_ms = 400
source.max_heard_gap_ms = 400
{expect}
"""
SIPP = 'pbx.command = ["sipp", {what}, "-i", "{{ip}}", "-mi", "{{ip}}", "-p", "{{port}}", "-nostdin"]\n'
ECHO = SIPP.format(what='"-sn", "uas", "-rtp_echo"')
OPEN = "pbx.ready = { port = 5080 }\n"


def scenario(name: str) -> str:
    """Return a SIPp that plays a scenario and, where it speaks, the sample."""
    text = SIPP.format(what=f'"-sf", "{{run_dir}}/{name}.xml"')
    return f'{text}pbx.files = {{ "{name}.xml" = "{DEVICES}/{name}.xml" }}\npbx.audio_file = "{SAMPLE}"\n{OPEN}'


@pytest.fixture
def judged(b2b, tmp_path):
    """Start a run with a device in it."""

    def start(pbx, expect="", *more, seconds=4, network="private"):
        path = tmp_path / "device.plan.toml"
        path.write_text(PLAN.format(sample=SAMPLE, pbx=pbx, expect=expect, seconds=seconds))
        return b2b("orchestrator", "--plan", path, "--run-dir", tmp_path / "run", "--network", network, *more)

    return start


@pytest.fixture
def found(tmp_path):
    """Return a function that reads the checks that did not pass, by place and name, and one that reads the summary."""

    def read():
        checks = json.loads((tmp_path / "run" / "verdict.json").read_text())["checks"]
        summary = json.loads((tmp_path / "run" / "summary.json").read_text())
        return {(one["where"], one["name"]): one for one in checks if one["outcome"] != "pass"}, summary

    return read


def test_a_source_hears_its_echo(judged, found, tmp_path):
    """The device is started first, has a tag and a log, gives back what it held, and ends when the call is over."""
    run = judged(ECHO + OPEN, 'source.hears = "source"\npbx.max_more_ports = 0')
    assert run.wait_exit() == 0, run.output
    bad, summary = found()
    assert not bad
    assert run.wait_line(r"^\[pbx *\] ✓ ready sip=127\.0\.0\.1:5080$")
    assert run.output.index("ready sip=127.0.0.1:5080") < run.output.index("started source")
    assert "INVITE" in (tmp_path / "run" / "pbx" / "output.log").read_text()
    resources = summary["nodes"]["pbx"]["resources"]
    assert "udp 127.0.0.1:5080" in resources["before"]["ports"]
    assert resources["before"]["descriptors"] > 3
    assert resources["after"]["memory_kb"] > 1000


def test_a_device_whose_port_is_taken(judged, found):
    """On the machine's own network --free-ports finds it another, which its command line and its caller know."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as taken:
        with contextlib.suppress(OSError):  # somebody else's then
            taken.bind(("127.0.0.1", 5080))
        run = judged(ECHO + OPEN, 'source.hears = "source"', "--free-ports", seconds=2, network="host")
        assert run.wait_exit() == 0 or "no capture" in run.output, run.output
    assert not [check for check in found()[0].values() if check["outcome"] == "fail"]
    assert run.wait_line(r"^\[pbx *\] ✓ ready sip=127\.0\.0\.1:(\d+)")[1] != "5080"


def test_a_device_with_sound_of_its_own(judged, found):
    """What it plays is what its caller must hear."""
    run = judged(scenario("speaks"))
    assert run.wait_exit() == 0, run.output
    assert not found()[0]


def test_a_device_that_refuses(judged, found):
    """503: 65, and the device is named beside what it answered."""
    run = judged(scenario("refuses"))
    assert run.wait_exit() == 65, run.output
    bad, summary = found()
    assert bad["pbx", "answer"]["got"] == "it answered 503 Service Unavailable"
    assert "503 Service Unavailable (pbx is at 127.0.0.1:5080)" in summary["failed_first"]["reason"]


def test_a_device_that_never_answers(judged, found):
    """It listens, and that is all."""
    run = judged(scenario("silent"))
    assert run.wait_exit() == 65, run.output
    bad, summary = found()
    assert bad["pbx", "answer"]["got"] == "it answered nothing to INVITE"
    assert "(pbx is at" in summary["failed_first"]["reason"]


def test_a_device_that_speaks_another_codec(judged, found):
    """It agreed to PCMU and sends PCMA, which nobody hears; from 1.1 on baresip plays its octets as PCMU."""
    run = judged(scenario("wrong_codec"))
    assert run.wait_exit() == 1, run.output
    bad, _ = found()
    assert bad["pbx -> source", "codec"]["got"] == "PCMA"
    assert ("source", "level" if versions.installed().by_call else "heard") in bad


def test_a_device_that_drops_one_direction(judged, found):
    """After five seconds nothing comes from it any more, though it still hears."""
    run = judged(scenario("drops_one_direction"), seconds=8)
    assert run.wait_exit() == 1, run.output
    end = found()[0]["pbx -> source", "end"]
    assert end["at_s"] == pytest.approx(5, abs=0.5)
    assert "pbx sent nothing" in end["cause"]
    assert not [where for where, _name in found()[0] if where == "source -> pbx"]


def test_a_device_that_crashes_in_the_call(judged, found):
    """It is named as the first to fail, with the signal and its last words; nobody is left."""
    run = judged(ECHO + OPEN, 'source.hears = "source"', seconds=30)
    keeper = int(run.wait_line(r"started pbx pid=(\d+)")[1])
    run.wait_line("streaming")
    below = processes_of(run.process.pid)
    os.kill(next(pid for pid, name in processes_of(keeper).items() if name.startswith("sipp")), signal.SIGSEGV)
    assert run.wait_exit() == 65, run.output
    bad, summary = found()
    assert summary["failed_first"]["node"] == "pbx"
    assert "ended in the call: killed by SIGSEGV" in summary["failed_first"]["reason"]
    assert ("pbx", "roles") in bad
    assert summary["nodes"]["pbx"]["exit_code"] == -signal.SIGSEGV
    assert_gone(below)


@pytest.mark.parametrize(("ready", "shows"), [
    ("options = true", "OPTIONS got no answer"),
    ("port = 5080", "port 5080 is not open"),
    ('output = "^up$"', "no line of its output matched '^up$'"),
])
def test_a_device_that_is_not_ready(judged, found, ready, shows):
    """67 names it and what it showed instead; nobody has called it."""
    run = judged(
        f'pbx.command = ["sh", "-c", "echo booting; sleep 30"]\npbx.ready = {{ {ready}, timeout_ms = 700 }}',
        'source.hears = "source"',
    )
    assert run.wait_exit() == 67, run.output
    reason = found()[1]["failed_first"]["reason"]
    assert found()[1]["failed_first"]["node"] == "pbx"
    assert shows in reason
    assert "it last said: booting" in reason
    assert "started source" not in run.output


def test_a_device_that_does_not_stop(b2b, tmp_path):
    """What ignores its signal is killed, with what it has started in a session of its own; that is 67."""
    path = tmp_path / "stubborn.plan.toml"
    path.write_text(f"""
        [topology]
        source = {{ sip_target = "sip:echo@pbx", audio_file = "{SAMPLE}" }}
        pbx.role = "external"
        pbx.address = "127.0.0.1:5080"
        pbx.command = ["sh", "-c", '''
            setsid sleep 600 & trap "" TERM; sipp -sn uas -i {{ip}} -p {{port}} -nostdin; sleep 600''']
        pbx.ready = {{ port = 5080 }}
    """)
    run = b2b("orchestrator", "--plan", path, "--run-dir", tmp_path / "run", "--duration-s", 1, "--kill-ms", 1500)
    run.wait_line("streaming")
    below = processes_of(run.process.pid)
    assert any(name.startswith("sleep 600") for name in below.values())
    assert run.wait_exit() == 67, run.output
    assert run.wait_line("pbx failed first: exit 67: was still there after SIGTERM")
    assert_gone(below)


def test_nothing_of_a_device_outlives_the_orchestrator(judged):
    """Not even what it has started in a session of its own."""
    run = judged('pbx.command = ["sh", "-c", "setsid sleep 600 & sleep 601"]\npbx.ready = { options = true }',
                 'source.hears = "source"')  # fmt: skip
    run.wait_line("started pbx")
    below: dict[int, str] = {}
    while not any(name.startswith("sleep 600") for name in below.values()):
        below = processes_of(run.process.pid)
    run.interrupt(signal.SIGKILL)
    run.wait_exit()
    assert_gone(below)


def test_a_device_that_is_there_already(b2b, found, tmp_path):
    """It is called on the machine's own network, from an address that the plan names, and goes on afterwards."""
    device = tmp_path / "there.plan.toml"
    device.write_text(f"""
        [topology]
        source = {{ sip_target = "sip:echo@pbx", audio_file = "{SAMPLE}", sip_bind = "127.0.0.1:0" }}
        pbx.role = "external"
        pbx.address = "127.0.0.1:5097"
        [expect]
        duration_s = 2
        max_gap_ms = 400
        source = {{ hears = "source", max_heard_gap_ms = 400 }}
    """)
    other = tmp_path / "other.plan.toml"
    other.write_text("""
        [topology]
        sipp.role = "external"
        sipp.address = "127.0.0.1:5097"
        sipp.command = ["sipp", "-sn", "uas", "-rtp_echo", "-i", "{ip}", "-mi", "{ip}", "-p", "{port}", "-nostdin"]
        sipp.ready = { port = 5097 }
        sink.sip_bind = "127.0.0.1:5098"
    """)
    lives = b2b("orchestrator", "--plan", other, "--run-dir", tmp_path / "other", "--network", "host")
    lives.wait_line("sink.* ready|SINK. ✓ ready")
    run = b2b("orchestrator", "--plan", device, "--run-dir", tmp_path / "run")
    code = run.wait_exit()
    assert run.wait_line(r"network host \(the plan reaches beyond itself\)")
    assert run.wait_line("pbx is there already, at 127.0.0.1:5097")
    assert code == 0 or "no capture" in run.output, run.output
    assert lives.process.poll() is None
    lives.interrupt()
    assert lives.wait_exit() == 0, lives.output
