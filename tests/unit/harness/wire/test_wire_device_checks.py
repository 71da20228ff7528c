"""Checks of devices, on run folders that hold just what is looked at."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from wire_makers import T0, frame, healthy, sdp, sip, write_pcap

from harness.call import Call
from harness.expect import Expectations, SinkExpectation, expectations
from harness.judging.run import judge
from harness.verdict import Verdict

PLAN = """[topology]
source = { sip_target = "sip:echo@10.0.0.2:5060", sip_bind = "10.0.0.1:5063", audio_file = "a.wav" }
pbx = { role = "external", address = "10.0.0.2:5060", command = ["x"] }
"""
BRIDGE = """[topology]
source = { sip_target = "sip:echo@10.0.0.2:5060", sip_bind = "10.0.0.1:5063", audio_file = "a.wav" }
pbx = { role = "external", address = "10.0.0.2:5060", command = ["x"], calls = ["sink"] }
sink.sip_bind = "10.0.0.1:5062"
"""
SOURCE, SINK, PBX = ("10.0.0.1", 5063), ("10.0.0.1", 5062), ("10.0.0.2", 5060)


def call(*, seconds: float = 6, back_s: float = 6, answer: str = "200 OK", more: str = "") -> list[tuple[float, bytes]]:
    """Return a call from source to device; the device's sound ends after `back_s`."""
    offer, accept = sdp("10.0.0.1", 4000, kinds="0"), sdp("10.0.0.2", 5000, kinds="0", more=more)
    frames = [frame(0, sip("INVITE sip:echo@b SIP/2.0", body=offer), SOURCE, PBX)]
    if answer:
        body = accept if answer.startswith("2") else ""
        frames.append(frame(0.1, sip(f"SIP/2.0 {answer}", body=body), PBX, SOURCE))
    if answer.startswith("2"):
        frames.append(frame(0.1 + seconds, sip("BYE sip:echo@b SIP/2.0", cseq="2 BYE"), SOURCE, PBX))
        ours, theirs = ("10.0.0.1", 4000), ("10.0.0.2", 5000)
        for src, dst, length_s, ssrc in ((ours, theirs, seconds, 1), (theirs, ours, back_s, 2)):
            frames += [frame(0.1 + ms / 1000, data, src, dst) for ms, data in healthy(round(length_s * 50), ssrc=ssrc)]
    return sorted(frames)


@pytest.fixture
def judged(tmp_path):
    """Return a function that judges a run whose capture has these frames."""

    def make(frames, *, plan: str = PLAN, more: str = "[expect]\n", resources=None, failed=None) -> Verdict:
        (tmp_path / "plan.toml").write_text(plan + more)
        write_pcap(tmp_path / "capture.pcap", frames)
        (tmp_path / "capture.json").write_text('{"packets": 9, "drops": 0, "refusal": ""}')
        nodes = {"pbx": {"role": "external", "exit_code": 0, "metrics": None, "resources": resources}}
        (tmp_path / "summary.json").write_text(
            json.dumps({"exit_code": 0, "network": "private", "duration_s": 6, "nodes": nodes, "failed_first": failed})
        )
        addresses = {"source": SOURCE, "pbx": PBX, "sink": SINK}
        listens = {name: "{}:{}".format(*at) for name, at in addresses.items()}
        events = [{"wall_s": T0, "node": name, "event": "ready", "sip": at} for name, at in listens.items()]
        (tmp_path / "events.jsonl").write_text("".join(json.dumps(event) + "\n" for event in events))
        made = Call(tmp_path)
        wanted = expectations(made.plan)
        assert wanted is not None
        return judge(made, Expectations(devices=wanted.devices, legs=wanted.legs))

    return make


def bad(verdict: Verdict) -> dict[tuple[str, str], str]:
    """Return what did not pass, and what came."""
    return {(check.where, check.name): check.got for check in verdict.checks if check.outcome.value != "pass"}


def test_a_device_that_speaks_to_the_end(judged):
    """Nothing is wrong with it."""
    assert bad(judged(call())) == {}


@pytest.mark.parametrize(("back_s", "got"), [
    (5.0, "nothing for 1.02 s until the BYE"), (1.0, "nothing for 5.02 s until the BYE"),
])  # fmt: skip
def test_a_device_that_stops_speaking(judged, back_s, got):
    """A stream that ends has no gap in it, so its end is looked at too."""
    assert bad(judged(call(back_s=back_s))) == {("pbx -> source", "end"): got}


def test_a_device_that_says_nothing(judged):
    """It answered, and no packet came."""
    frames = [one for one in call() if b"\x00\x00\x00\x02" not in one[1][42:54]]
    assert bad(judged(frames)) == {("pbx -> source", "media"): "no RTP of it in the capture"}


def test_a_device_that_only_sends(judged):
    """Then nothing is to be sent to it, and that is no fault; but only then."""
    for more, found in (("", {("source -> pbx", "media"): "no RTP of it in the capture"}), ("a=sendonly", {})):
        frames = [one for one in call(more=more) if b"\x00\x00\x00\x01" not in one[1][42:54]]
        assert bad(judged(frames)) == found


@pytest.mark.parametrize(("answer", "got"), [
    ("503 Service Unavailable", "it answered 503 Service Unavailable"),
    ("486 Busy Here", "it answered 486 Busy Here"),
    ("180 Ringing", "it answered nothing to INVITE"),
    ("401 Unauthorized", "it answered nothing to INVITE"),
    ("", "it answered nothing to INVITE"),
])  # fmt: skip
def test_a_device_that_does_not_take_the_call(judged, answer, got):
    """What it said instead; that there is no media then is no news. A challenge is no refusal."""
    assert bad(judged(call(answer=answer))) == {("pbx", "answer"): got}


def test_a_device_that_does_not_call(judged):
    """It took one call and made none."""
    found = bad(judged(call(), plan=BRIDGE))
    assert found["pbx", "call"] == "no INVITE"
    assert ("source -> pbx", "media") not in found


@pytest.mark.parametrize(("more", "resources", "got"), [
    ("[expect]\npbx.max_more_ports = 0", {"descriptors": 0, "memory_kb": 0, "ports": ["udp 0.0.0.0:9"]},
     {("pbx", "ports left"): "udp 0.0.0.0:9"}),
    ("[expect]\npbx.max_more_ports = 1", {"descriptors": 0, "memory_kb": 0, "ports": ["udp 0.0.0.0:9"]}, {}),
    ("[expect]\npbx.max_more_descriptors = 2", {"descriptors": 3, "memory_kb": 0, "ports": []},
     {("pbx", "descriptors left"): "3"}),
    ("[expect]\npbx.max_more_memory_kb = 100", {"descriptors": 0, "memory_kb": -5, "ports": []}, {}),
    ("[expect]\npbx.max_more_memory_kb = 100", None, {("pbx", "memory_kb left"): "not measured"}),
])  # fmt: skip
def test_what_a_device_gives_back(judged, more, resources, got):
    """Limits on what there is more of after the calls; what was not measured is no pass."""
    assert bad(judged(call(), more=more, resources=resources and {"more": resources})) == got


def test_one_legs_own_expectation(judged):
    """Counts for that leg alone."""
    found = bad(judged(call(), more='[expect]\nlegs."pbx -> source".codec = "PCMA"'))
    assert found == {("pbx -> source", "codec"): "PCMU"}


def test_a_default_expectation_asks_nothing_of_ears():
    """A source is judged by what it hears only where the plan says something of it."""
    assert SinkExpectation().hears is None


def test_who_is_heard(tmp_path: Path):
    """Through a device with one caller it is that caller; with sound of its own it is the device; or what is said."""
    (tmp_path / "plan.toml").write_text(BRIDGE)
    plan = Call(tmp_path).plan
    from harness.heard_by import heard_by

    assert [node.name for node in heard_by(plan.node("sink"), plan)] == ["source", "pbx"]
    speaking = BRIDGE.replace('calls =', 'audio_file = "b.wav", calls =')
    (tmp_path / "plan.toml").write_text(speaking)
    plan = Call(tmp_path).plan
    assert [node.name for node in heard_by(plan.node("sink"), plan)] == ["pbx"]
    assert [node.name for node in heard_by(plan.node("source"), plan)] == ["pbx"]
    (tmp_path / "plan.toml").write_text(PLAN + '[expect]\nsource.hears = "source"\n')
    plan = Call(tmp_path).plan
    assert [node.name for node in heard_by(plan.node("source"), plan)] == ["source", "pbx"]
