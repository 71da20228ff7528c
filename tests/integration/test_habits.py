"""Habits of real devices that a naive user agent gets wrong: with each of them the call goes on and is heard."""

from __future__ import annotations

import shutil

import pytest

from calls.places import SAMPLE
from calls.sipp import ACKED, HUNG_UP, INVITED, SPEAKS, invites_again, replies, scenario, waits

pytestmark = pytest.mark.skipif(not shutil.which("sipp"), reason="the package sip-tester is not installed")

ANSWERED = (INVITED, replies("200 OK", direction="sendrecv"), ACKED)
HABITS = {
    "re-INVITE right after the ACK": (*ANSWERED, invites_again(1, direction="sendrecv"), SPEAKS, HUNG_UP),
    "early media": (
        INVITED, replies("183 Session Progress", direction="sendrecv"), SPEAKS, waits(1000),
        replies("200 OK", direction="sendrecv"), ACKED, HUNG_UP,
    ),
    "hold and resume": (
        *ANSWERED, SPEAKS, waits(2000), invites_again(1, direction="inactive"), waits(700),
        invites_again(2, direction="sendrecv"), HUNG_UP,
    ),
    "an answer that only sends": (INVITED, replies("200 OK", direction="sendonly"), ACKED, SPEAKS, HUNG_UP),
    "ringing for a while": (
        INVITED, replies("100 Trying"), waits(300), replies("180 Ringing"), waits(1000),
        replies("200 OK", direction="sendrecv"), ACKED, SPEAKS, HUNG_UP,
    ),
}  # fmt: skip
PLAN = """
[topology.source]
sip_target = "sip:device@device"
audio_file = "{sample}"

[topology.device]
role = "external"
address = "127.0.0.1:5080"
audio_file = "{sample}"
files."habit.xml" = "{scenario}"
command = ["sipp", "-sf", "{{run_dir}}/habit.xml", "-i", "{{ip}}", "-mi", "{{ip}}", "-p", "{{port}}", "-nostdin"]
ready.port = 5080

[expect]
duration_s = 6
max_gap_ms = 2500
source.max_heard_gap_ms = 2500
"""
REDIRECT = """
[topology]
source = {{ sip_target = "sip:device@device", audio_file = "{sample}" }}
sink = {{ sip_bind = "127.0.0.1:5062" }}

[topology.device]
role = "external"
address = "127.0.0.1:5080"
files."habit.xml" = "{scenario}"
command = ["sipp", "-sf", "{{run_dir}}/habit.xml", "-i", "{{ip}}", "-p", "{{port}}", "-nostdin", "-key", "to",
    "sip:b2b@{{sink.address}}"]
ready.port = 5080
calls = "sink"

[expect]
duration_s = 3
max_gap_ms = 400
sink.max_heard_gap_ms = 400
"""


@pytest.fixture
def run(judged_call, tmp_path):
    """Call a device of these steps; return the run and its checks that did not pass."""

    def make(plan, steps):
        (tmp_path / "habit.xml").write_text(scenario(steps))
        orchestrator, checks = judged_call(plan.format(sample=SAMPLE, scenario=tmp_path / "habit.xml"))
        return orchestrator, {(one["where"], one["name"]): one for one in checks if one["outcome"] != "pass"}

    return make


@pytest.mark.parametrize("habit", HABITS)
def test_a_habit(run, habit):
    """The device is heard, whatever it does on the way."""
    orchestrator, bad = run(PLAN, HABITS[habit])
    assert orchestrator.process.returncode == 0, f"{bad}\n{orchestrator.output}"
    assert not bad


def test_a_redirect(run):
    """302 sends the call to the sink, which hears it."""
    moved = replies("302 Moved Temporarily").replace("sip:device@[local_ip]:[local_port]", "[to]")
    orchestrator, bad = run(REDIRECT, (INVITED, moved, ACKED))
    assert orchestrator.process.returncode == 0, f"{bad}\n{orchestrator.output}"
