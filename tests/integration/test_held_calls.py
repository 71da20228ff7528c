"""Calls that are put on hold and taken up again: by the source, and by a device; who does not go along is named."""

from __future__ import annotations

import shutil

import pytest

from calls.places import SAMPLE
from calls.sipp import (
    ACKED,
    HUNG_UP,
    INVITED,
    PAUSES,
    SPEAKS,
    SPEAKS_ON,
    invites_again,
    replies,
    scenario,
    takes_again,
    waits,
)

NEEDS_SIPP = pytest.mark.skipif(not shutil.which("sipp"), reason="the package sip-tester is not installed")
DIRECT = """
[topology]
source = {{ sip_target = "sip:sink", audio_file = "{sample}", hold = "1000-2500" }}
sink = {{}}

[expect]
duration_s = 4
max_gap_ms = 400
sink.max_heard_gap_ms = 400
"""
DEVICE = """
[topology.source]
sip_target = "sip:device@device"
audio_file = "{sample}"
hold = "1000-2500"

[topology.device]
role = "external"
address = "127.0.0.1:5080"
audio_file = "{sample}"
files."hold.xml" = "{scenario}"
command = ["sipp", "-sf", "{{run_dir}}/hold.xml", "-i", "{{ip}}", "-mi", "{{ip}}", "-p", "{{port}}", "-nostdin"]
ready.port = 5080

[expect]
duration_s = 4
max_gap_ms = 400
source.max_heard_gap_ms = 400
"""
ANSWERED = (INVITED, replies("200 OK", direction="sendrecv"), ACKED, SPEAKS)
HELD = takes_again("200 OK", direction="recvonly")
TAKEN_UP = takes_again("200 OK", direction="sendrecv")


@pytest.fixture
def run(judged_call, tmp_path):
    """Make the call of a plan, with a device of these steps; return the orchestrator, all checks, and the bad ones."""

    def make(plan, steps=(), *, sample=SAMPLE):
        (tmp_path / "hold.xml").write_text(scenario(steps))
        orchestrator, checks = judged_call(plan.format(sample=sample, scenario=tmp_path / "hold.xml"))
        bad = {(one["where"], one["name"]): one for one in checks if one["outcome"] != "pass"}
        return orchestrator, checks, bad

    return make


def test_the_source_holds_the_sink(run):
    """Before and after it is heard, and the silence meanwhile, which both of them want, is no gap."""
    orchestrator, checks, bad = run(DIRECT)
    assert not bad
    assert orchestrator.process.returncode == 0, orchestrator.output
    held = next(check for check in checks if check["name"] == "hold")
    assert held["where"] == "sink -> source"
    assert held["at_s"] == pytest.approx(1, abs=0.4)
    heard = next(check for check in checks if check["name"] == "heard")
    assert 1 < float(heard["got"].split()[0]) < 2.6, "the file goes on during the hold, unheard"


@NEEDS_SIPP
def test_a_device_that_is_held_and_taken_up(run):
    """It is silent as long as it has to be, and heard again."""
    orchestrator, checks, bad = run(DEVICE, (*ANSWERED, HELD, PAUSES, TAKEN_UP, SPEAKS_ON, HUNG_UP))
    assert not bad
    assert orchestrator.process.returncode == 0, orchestrator.output
    assert "device -> source" in [check["where"] for check in checks if check["name"] == "hold"]


@NEEDS_SIPP
def test_a_device_that_holds_the_source(run):
    """The other way round: the source is silent meanwhile, and both are heard again."""
    held, taken_up = invites_again(1, direction="inactive"), invites_again(2, direction="sendrecv")
    steps = (*ANSWERED, waits(1000), PAUSES, held, waits(1000), taken_up, SPEAKS_ON, HUNG_UP)
    orchestrator, checks, bad = run(DEVICE.replace('hold = "1000-2500"', ""), steps)
    assert not bad
    assert orchestrator.process.returncode == 0, orchestrator.output
    assert [check["where"] for check in checks if check["name"] == "hold"] == ["source -> device"]


@NEEDS_SIPP
def test_a_hold_that_nobody_ends(run, speech):
    """The source hangs up at the end of its file all the same."""
    held = invites_again(1, direction="inactive")
    steps = (*ANSWERED, waits(1000), PAUSES, held, HUNG_UP)
    plan = DEVICE.replace('hold = "1000-2500"', "").replace("duration_s = 4", "")
    orchestrator, _, bad = run(plan, steps, sample=speech(2.5))
    assert not bad
    assert orchestrator.process.returncode == 0, orchestrator.output


@NEEDS_SIPP
def test_a_device_that_speaks_on_while_it_is_held(run):
    """It has agreed to be silent, and is not: it is named, with how much it sent."""
    orchestrator, _, bad = run(DEVICE, (*ANSWERED, HELD, TAKEN_UP, HUNG_UP))
    assert orchestrator.process.returncode == 1, orchestrator.output
    assert int(bad["device -> source", "hold"]["got"].split()[0]) > 20


@NEEDS_SIPP
def test_a_device_that_refuses_to_be_held(run):
    """Its answer is in the verdict."""
    refused = takes_again("488 Not Acceptable Here")
    orchestrator, _, bad = run(DEVICE, (*ANSWERED, refused, TAKEN_UP, HUNG_UP))
    assert orchestrator.process.returncode == 1, orchestrator.output
    assert bad["device", "hold"]["got"] == "it answered 488 Not Acceptable Here to the hold"
