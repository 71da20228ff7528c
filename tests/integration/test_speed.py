"""Calls that go faster than their sound: what is heard, measured and judged is what it is at speed 1."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from b2b.baresip.faketime import SHARED
from calls.places import SAMPLE
from harness.call import Call
from harness.topology import topology
from harness.verdict import Outcome

pytestmark = pytest.mark.alone  # as root such a call comes first on each processor, whoever is beside it

SPEED, CALL_S = 5, 20
SMK = f"""
[topology]
source = {{ sip_target = "sip:mixer", audio_file = "{SAMPLE}" }}
mixer = {{ sip_target = "sip:sink", dtmf_seq = "123#" }}
sink = {{}}
[expect]
sink.dtmf = "123#"
[run]
speed = {SPEED}
"""
LOST = range(300, 305)
THERE, LEG = "source -> mixer", "mixer -> sink"


@pytest.fixture
def call(tmp_path):
    """Return a function that makes a call at that speed, and says what it took on the wall in seconds."""
    (tmp_path / "smk.plan.toml").write_text(SMK)

    def make(network: str = "auto", **changes: object) -> tuple[Call, float]:
        began = time.monotonic()
        with topology(
            tmp_path / "smk.plan.toml", run_dir=tmp_path / "run", duration_s=CALL_S, network=network, **changes
        ) as call:
            return call, time.monotonic() - began

    return make


def outcomes(call: Call) -> dict[tuple[str, str], Outcome]:
    """Return how each check ended."""
    return {(check.where, check.name): check.outcome for check in call.verdict.checks}


def of_nobody() -> set[str]:
    """Return what libfaketime has in shared memory for processes that are gone."""
    left = (path.name for path in SHARED.glob("*faketime*"))
    return {name for name in left if not Path("/proc", name.rpartition("_")[2]).exists()}


def test_a_clean_call(call):
    """All of it is there, in the call's own time; where the machine did not keep up, nobody is blamed."""
    left = of_nobody()
    made, wall_s = call()
    assert not of_nobody() - left
    assert wall_s < CALL_S
    assert {node["exit_code"] for node in made.summary["nodes"].values()} == {0}
    assert made.summary["speed"] == SPEED
    assert made.summary["duration_s"] == pytest.approx(CALL_S, abs=1)
    assert made.sink.length_s == pytest.approx(CALL_S, abs=2)
    for leg in made.legs:
        assert leg.stream.packets == pytest.approx(50 * CALL_S, abs=50)
        assert leg.stream.end_s - leg.stream.start_s == pytest.approx(CALL_S, abs=1)
        assert leg.stream.missing == 0
    assert made.verdict.outcome in (Outcome.PASS, Outcome.UNKNOWN)
    assert f"at speed {SPEED}" in made.verdict.reason
    assert f"speed {SPEED}" in (made.folder / "run.log").read_text()
    assert f"{SPEED}: all times are the call" in (made.folder / "report.html").read_text()
    if made.verdict.outcome is Outcome.UNKNOWN:
        assert made.stalls or any(made.host.waits.values())
    else:
        assert made.sink.dtmf.startswith("123#" * 8)


def test_packets_that_are_lost_on_purpose(call):
    """Exactly those are missing, at that time of the call, and the verdict says so however busy the machine is."""
    made, _ = call("private", impair={LEG: {"lose": [f"{LOST[0]}-{LOST[-1]}"]}})
    assert made.verdict.outcome is Outcome.FAIL
    assert outcomes(made)[LEG, "lost"] is Outcome.FAIL
    assert outcomes(made)[THERE, "lost"] is Outcome.PASS
    [lost] = [check for check in made.verdict.checks if (check.where, check.name) == (LEG, "lost")]
    assert lost.got.startswith("5 of ")
    [gap] = [gap for gap in made.leg(*LEG.split(" -> ")).rtp.gaps() if gap.lost]
    assert round(1000 * gap.by_timestamp_s) == 120
    assert gap.start_s - made.answered_at_s == pytest.approx(LOST[0] / 50, abs=2)
