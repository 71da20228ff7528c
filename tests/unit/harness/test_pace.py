"""A call that went faster than its sound, on a machine that kept up with it or did not."""

from __future__ import annotations

import json

import pytest

from calls.synthetic import ANSWERED_S, make_run
from harness.call import Call
from harness.judging.pace import at_speed, doubted
from harness.verdict import Check, Outcome, Verdict, together

LEG = "source -> sink"


@pytest.fixture
def run(tmp_path):
    """Return a function that makes a run at a speed, in which the host was stalled for so long."""

    def make(speed: float, stall_s: float, *, at_s: float = 1.0, agent: bool = False) -> Call:
        make_run(tmp_path)
        summary = json.loads((tmp_path / "summary.json").read_text())
        (tmp_path / "summary.json").write_text(json.dumps({**summary, "speed": speed}))
        with (tmp_path / "events.jsonl").open("a") as file:
            for event in ({"event": "started", "node": "sink", "pid": 17}, {"event": "stopping", "node": "source"}):
                file.write(json.dumps({"wall_s": ANSWERED_S + 4, **event}) + "\n")
        start_s = ANSWERED_S + at_s
        host = {"start_s": start_s, "length_s": stall_s}
        if agent:
            host |= {"end_s": start_s + stall_s + 0.01, "group": 17, "thread": 18}
        (tmp_path / "host.jsonl").write_text(json.dumps(host) + "\n")
        return Call(tmp_path)

    return make


def failed(where: str, name: str, cause: str | None = None) -> Check:
    """Return a check that failed."""
    return Check(name=name, where=where, outcome=Outcome.FAIL, wanted="this", got="that", cause=cause)


TIMED = [failed(LEG, "gap", "sender, source: sent nothing"), failed(LEG, "begin"), failed("sink", "dtmf"),
         failed("sink", "heard gap", "receiver, sink: did not play it")]  # fmt: skip
PROVEN = [failed(LEG, "lost", "network, source -> sink: lost on the way"), failed(LEG, "codec"),
          failed("other", "roles"), failed(LEG, "gap", "network, source -> sink: injected by the plan")]  # fmt: skip


@pytest.mark.parametrize("agent", [False, True])
def test_what_a_stall_may_have_made_is_doubted(run, agent):
    """The canary's and a user agent's alike; what no stall makes stays a failure, and a pass a pass."""
    good = Check(name="level", where="sink", outcome=Outcome.PASS, wanted="this", got="this")
    found = list(doubted(run(10, 0.08, agent=agent), [*TIMED, *PROVEN, good]))
    assert [check.outcome for check in found[: len(TIMED)]] == [Outcome.UNKNOWN] * len(TIMED)
    assert found[len(TIMED) :] == [*PROVEN, good]
    says = "sink's user agent waited 80 ms for a processor" if agent else "host stalled 80 ms"
    assert {check.cause for check in found[: len(TIMED)]} == {
        f"host, sink: this machine did not keep up with speed 10: {says}"
    }


@pytest.mark.parametrize(("speed", "stall_s", "at_s"), [(1, 0.5, 1), (10, 0.05, 1), (10, 0.5, -2), (10, 0.5, 5)])
def test_else_a_failure_is_a_failure(run, speed, stall_s, at_s):
    """At speed 1, on a machine that kept up, and where it was stalled before the call or after it."""
    assert list(doubted(run(speed, stall_s, at_s=at_s), TIMED)) == TIMED


@pytest.mark.parametrize(("speed", "reason"), [
    (1, "all 1 checks passed"),
    (10, "all 1 checks passed, at speed 10"),
    (2.5, "all 1 checks passed, at speed 2.5"),
])  # fmt: skip
def test_the_verdict_says_at_which_speed(run, speed, reason):
    """Of a call as fast as its sound there is nothing to say."""
    verdict = together([Check(name="level", where="sink", outcome=Outcome.PASS, wanted="this", got="this")])
    assert at_speed(run(speed, 0.0), verdict).reason == reason


def test_who_could_not_tell_is_told_what_may_help(run):
    """A lower speed, where it was this machine."""
    verdict = at_speed(run(10, 0.1), Verdict(Outcome.UNKNOWN, "sink: late", []))
    assert verdict.reason == "sink: late, at speed 10 (a lower one may tell)"
