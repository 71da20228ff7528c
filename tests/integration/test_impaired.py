"""Calls whose plan impairs them: what is written down, what is measured and what is judged all say the same."""

from __future__ import annotations

import os
import signal
import time

import numpy as np
import pytest

from calls.places import SAMPLE
from calls.processes import processes_of
from harness.impair.crossing import Crossing, crossings
from harness.impair.decide import Dice
from harness.impair.table import impairments
from harness.topology import topology
from harness.verdict import Verdict
from harness.wire.collect import collect
from harness.wire.read import read_datagrams

SEED = 7
THERE, BACK = "source -> sink", "sink -> source"
SK = f"""
[topology]
source = {{ sip_target = "sip:sink", audio_file = "{SAMPLE}" }}
sink = {{}}
[expect]
max_gap_ms = 400
sink.max_heard_gap_ms = 10000
"""


@pytest.fixture
def call(tmp_path):
    """Return a function that makes a call that is impaired so."""
    (tmp_path / "sk.plan.toml").write_text(SK)

    def make(duration_s: float = 5, **impair: object):
        with topology(
            tmp_path / "sk.plan.toml",
            run_dir=tmp_path / "run",
            duration_s=duration_s,
            network="private",
            impair={"seed": SEED, **impair},
        ) as call:
            return call

    return make


def crossed(call) -> dict[str, Crossing]:
    """Return what became of each leg's packets, which must be what was written down as they went."""
    found = {crossing.direction: crossing for crossing in crossings(call)}
    assert not call.impaired.drops
    for direction, crossing in found.items():
        deeds = call.impaired.of(direction)
        assert list(crossing.lost) == [deed.seq for deed in deeds if deed.lost]
        assert sorted(crossing.doubled) == sorted(deed.seq for deed in deeds if deed.copies > 1)
        assert list(crossing.corrupted) == [deed.seq for deed in deeds if deed.flipped_bit is not None]
        assert crossing.overtaken == sum(deed.overtaken for deed in deeds)
        totals = [one.packets for one in call.impaired.totals if (one.direction, one.kind) == (direction, "rtp")]
        assert totals in ([], [crossing.sent])  # of a direction that is not impaired nothing is counted
    return found


def failed(call) -> set[tuple[str, str]]:
    """Return the checks that did not pass."""
    return {(check.where, check.name) for check in call.verdict.checks if check.outcome != "pass"}


def messages(call, file: str) -> list[str]:
    """Return the SIP messages of a capture, in order."""
    sip = collect(read_datagrams(call.folder / file)).sip
    return [f"{seen.message.status or ''} {seen.message.method}".strip() for seen in sip]


def test_packets_and_messages_that_the_plan_names(call):
    """Exactly those packets are missing; messages that are lost are sent again, and the call succeeds."""
    there = {"lose": [50, 51, "100-104"], "sip": {"lose": ["INVITE", "BYE"]}}
    made = call(**{THERE: there, BACK: {"sip": {"lose": ["200 INVITE"]}}})
    assert made.summary["exit_code"] == 1  # nothing may be lost, says the plan
    assert {node["exit_code"] for node in made.summary["nodes"].values()} == {0}
    assert failed(made) == {(THERE, "lost")}
    numbered = [deed.number for deed in made.impaired.of(THERE)]
    assert numbered == [50, 51, *range(100, 105)]
    assert len(crossed(made)[THERE].lost) == made.leg("source", "sink").rtp.missing == 7
    gaps = made.leg("source", "sink").rtp.gaps()
    assert [(gap.lost, round(1000 * gap.by_timestamp_s)) for gap in gaps if gap.lost] == [(2, 60), (5, 120)]
    sent, arrived = messages(made, "sent.pcap"), messages(made, "capture.pcap")
    for lost in ("INVITE", "200 INVITE", "BYE"):
        assert sent.count(lost) == arrived.count(lost) + 1 >= 2
    asked = [(deed.direction, deed.message) for deed in made.impaired.deeds if deed.kind == "sip"]
    assert asked == [(THERE, "INVITE"), (BACK, "200 INVITE"), (THERE, "BYE")]
    log = (made.folder / "run.log").read_text()
    assert "impaired source -> sink: 7 of 2" in log
    assert "impaired source -> sink SIP: 2 of " in log


def test_delay_and_jitter_there_and_disorder_back(call):
    """Each direction has its own, its SIP too, and no packet goes on before its time."""
    disorder = {"reorder": 10, "duplicate": 10, "corrupt": 10, "loss": 10, "burst": {"loss": 10, "mean": 3}}
    made = call(**{
        THERE: {"delay_ms": 40, "jitter_ms": 15},
        BACK: disorder | {"sip": {"delay_ms": 30, "duplicate": 100}},
    })  # fmt: skip
    found = crossed(made)
    deeds = made.impaired.of(THERE)
    arrived = [deed for deed in deeds if not deed.lost]
    planned_s = np.array([deed.delay_ms for deed in arrived]) / 1000
    assert 0.04 <= planned_s.min() <= 0.045
    assert 0.05 <= planned_s.max() <= 0.055
    delays_s = found[THERE].delays_s
    assert (delays_s - planned_s).min() > -0.0005
    told_s = planned_s + np.array([deed.late_ms for deed in arrived]) / 1000
    assert np.median(np.abs(delays_s - told_s)) < 0.001
    # Neighbours of the even distribution differ by a third of its width: the jitter of RFC 3550, but for the host's.
    assert made.leg("source", "sink").rtp.jitter.mean_ms > 15 / 3 * 0.75
    back = found[BACK]
    assert min(len(back.lost), len(back.doubled), len(back.corrupted), back.overtaken) > 5
    assert {deed.lost for deed in made.impaired.of(BACK)} >= {"", "random", "burst"}
    dice = Dice(impairments(made.plan).directions[1].media, SEED, f"{BACK}/rtp")
    decided = [decision.number for decision in (dice.decide() for _ in range(back.sent)) if decision.lost]
    assert decided == [deed.number for deed in made.impaired.of(BACK) if deed.lost]
    assert messages(made, "capture.pcap").count("200 INVITE") == 2 * messages(made, "sent.pcap").count("200 INVITE")
    assert all(deed.delay_ms == 30 for deed in made.impaired.of(BACK, "sip"))
    assert (BACK, "lost") in failed(made)
    assert (THERE, "lost") not in failed(made) or any(deed.lost == "end" for deed in deeds)


def test_a_network_that_is_not_the_runs_own(b2b, tmp_path):
    """64 before anything starts, in one sentence: nobody else's packets are touched."""
    (tmp_path / "x.plan.toml").write_text(f'{SK}[impair]\n"{THERE}" = {{ loss = 1 }}\n')
    run = b2b("orchestrator", "--plan", tmp_path / "x.plan.toml", "--run-dir", tmp_path / "run", "--network", "host")
    assert run.wait_exit() == 64
    assert "x.plan.toml:8: impair: wanted a network of the run's own" in run.output
    assert "started" not in run.output


@pytest.fixture
def impaired(b2b, tmp_path):
    """Start a run that is impaired a little, and return it with the process that does that, once there is sound."""

    def start(duration_s: float):
        (tmp_path / "x.plan.toml").write_text(f'{SK}[impair]\n"{THERE}" = {{ delay_ms = 20 }}\n')
        run = b2b(
            "orchestrator", "--plan", tmp_path / "x.plan.toml", "--run-dir", tmp_path / "run", "--network", "private",
            "--duration-s", duration_s,
        )  # fmt: skip
        run.wait_line("streaming")
        (pid,) = (pid for pid, line in processes_of(run.process.pid).items() if "harness.impair.process" in line)
        return run, pid

    return start


def test_a_process_that_stands_still(impaired, tmp_path):
    """That packets were late was our own doing: the checks cannot tell, and nobody is blamed."""
    run, pid = impaired(5)
    time.sleep(1)
    os.kill(pid, signal.SIGSTOP)
    time.sleep(1)
    os.kill(pid, signal.SIGCONT)
    assert run.wait_exit() == 1, run.output
    verdict = Verdict.read(tmp_path / "run")
    gaps = [check for check in verdict.checks if check.name == "gap"]
    assert [check.outcome for check in gaps] == ["unknown", "unknown"]
    assert all("host stalled" in check.got for check in gaps)
    assert {check.name for check in verdict.checks if check.outcome == "fail"} <= {"heard gap"}


def test_a_process_that_goes_away(impaired):
    """What impairs the packets was killed: the run ends by itself, says so, and is no success."""
    run, pid = impaired(2)
    os.kill(pid, signal.SIGKILL)
    assert run.wait_exit() == 70, run.output
    assert run.wait_line("what impairs the packets ended by itself: killed by SIGKILL")


def test_one_way(call):
    """Two seconds after its first packet nothing comes any more in one direction, and all of it in the other."""
    made = call(**{THERE: {"cut_after_s": 2}})
    found = crossed(made)
    lost = made.impaired.of(THERE)
    assert {deed.lost for deed in lost} == {"cut"}
    numbers = [deed.number for deed in lost]
    assert numbers == list(range(numbers[0], numbers[0] + len(numbers)))
    (sent,) = (one for one in made.sent.streams if one.flow == made.leg("source", "sink").rtp.flow)
    sent_s = sent.columns.times_s - sent.start_s
    assert sent_s[numbers[0] - 2] < 2.001  # the two sockets' clocks are one, and read one after the other
    assert sent_s[numbers[0] - 1] > 1.999
    assert found[THERE].sent - len(found[THERE].lost) == made.leg("source", "sink").packets == numbers[0] - 1
    assert not found[BACK].lost
    (end,) = (check for check in made.verdict.checks if (check.where, check.name) == (THERE, "end"))
    assert end.outcome == "fail"
    assert end.cause == f"network, {THERE}: injected by the plan: {len(numbers)} cut"
