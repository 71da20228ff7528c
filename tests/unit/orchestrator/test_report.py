"""What a person, and summary.json, are told of a run."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from stories import PAIRS, SINK, SK, SMK

from b2b.errors import ExitCode
from b2b.orchestrator.report import closing_lines, progress, summary
from b2b.orchestrator.resources import Held
from b2b.orchestrator.supervise import Failure
from b2b.plan.model import Node, Plan


def counted(tx: int = 0, rx: int = 0, loss: int = 0, p95: float = 0.0) -> dict[str, Any]:
    """Return a role's metrics."""
    return {"packets_tx": tx, "packets_rx": rx, "rtp_loss": loss, "jitter_ms_p50": p95 / 2, "jitter_ms_p95": p95,
            "cpu_pct": 1.5, "rx_underruns": 0}  # fmt: skip


def plan(nodes) -> Plan:
    """Return a plan of these nodes."""
    return Plan(Path("x.plan.toml"), nodes)


METRICS = {
    "source": counted(tx=500),
    "mixer": counted(tx=498, rx=499, p95=0.25),
    "sink": counted(rx=497, loss=1, p95=12),
}


@pytest.mark.parametrize(("elapsed_s", "shown"), [
    (0, "00:00"), (5.499, "00:05"), (59.999, "00:59"), (60, "01:00"), (754.2, "12:34"), (6000, "100:00"),
])  # fmt: skip
def test_the_clock_of_the_progress_line(elapsed_s, shown):
    """Minutes and seconds, cut and not rounded."""
    assert progress(plan(SK), METRICS, elapsed_s).split("  ")[0] == shown


@pytest.mark.parametrize(("nodes", "metrics", "line"), [
    (SMK, METRICS, "00:10  source tx=500 · mixer tx=498 rx=499 loss=0 jitter_p95=0.25ms"
                   " · sink rx=497 loss=1 jitter_p95=12ms"),
    (SMK, {"sink": METRICS["sink"]}, "00:10  sink rx=497 loss=1 jitter_p95=12ms"),
    (SINK, METRICS, "00:10  sink rx=497 loss=1 jitter_p95=12ms"),
    (PAIRS, {name: counted(tx=1, rx=2) for name in ("ear_b", "a")},
     "00:10  a tx=1 · ear_b rx=2 loss=0 jitter_p95=0ms"),
])  # fmt: skip
def test_the_progress_line(nodes, metrics, line):
    """What each role does, in the plan's order: a source only sends, a sink only hears; who is silent is left out."""
    assert progress(plan(nodes), metrics, 10) == line


def test_the_summary_of_a_run_that_went_well():
    """It has exactly the keys that other people's scripts read."""
    told = summary(
        plan(SMK), exit_code=0, network="private", speed=10.0, duration_s=10.00049,
        exit_codes={"source": 0, "mixer": 0, "sink": 0}, metrics=METRICS, failed=None,
    )  # fmt: skip
    assert told == {
        "exit_code": 0,
        "network": "private",
        "speed": 10.0,
        "duration_s": 10.0,
        "nodes": {
            "source": {"role": "source", "exit_code": 0, "metrics": METRICS["source"]},
            "mixer": {"role": "mixer", "exit_code": 0, "metrics": METRICS["mixer"]},
            "sink": {"role": "sink", "exit_code": 0, "metrics": METRICS["sink"]},
        },
        "failed_first": None,
    }
    assert json.loads(json.dumps(told)) == told


def test_the_summary_of_a_run_that_failed():
    """Who failed first is told with code and reason; who has no metrics or was never launched has null."""
    told = summary(
        plan(PAIRS), exit_code=66, network="host", speed=1.0, duration_s=0.0,
        exit_codes={"ear_a": 66, "a": None}, metrics={"ear_a": counted(rx=1)}, failed=Failure("ear_a", 66, "no sound"),
    )  # fmt: skip
    assert told["failed_first"] == {"node": "ear_a", "code": 66, "reason": "no sound"}
    assert told["nodes"]["ear_a"] == {"role": "sink", "exit_code": 66, "metrics": counted(rx=1)}
    assert [told["nodes"][name] for name in ("a", "b", "ear_b")] == [
        {"role": role, "exit_code": None, "metrics": None} for role in ("source", "source", "sink")
    ]


def test_the_summary_of_a_run_that_was_cut_off():
    """As it is written at the start, it says that nobody knows how it ended."""
    told = summary(
        plan(SK), exit_code=None, network="host", speed=1.0, duration_s=0.0, exit_codes={}, metrics={}, failed=None
    )
    assert told["exit_code"] is None
    assert {node["exit_code"] for node in told["nodes"].values()} == {None}


def test_the_summary_keeps_the_metrics_as_they_were():
    """What comes in later does not change a summary that has been made."""
    metrics = {"sink": counted(rx=1)}
    told = summary(
        plan(SINK), exit_code=0, network="host", speed=1.0, duration_s=1, exit_codes={}, metrics=metrics, failed=None
    )
    metrics["sink"]["packets_rx"] = 2
    assert told["nodes"]["sink"]["metrics"]["packets_rx"] == 1


@pytest.mark.parametrize(("codes", "metrics", "lines"), {
    "all went well": ({"source": 0, "mixer": 0, "sink": 0}, METRICS, [
        (True, "source  sent 500 packets"),
        (True, "mixer   received 499 packets, 0 lost, jitter p95 0.25 ms, sent 498 packets"),
        (True, "sink    received 497 packets, 1 lost, jitter p95 12 ms"),
    ]),
    "the player died": ({"source": 65, "mixer": 0, "sink": 66}, METRICS, [
        (False, "source  sent 500 packets, exit 65 (SIP setup or connection failure)"),
        (True, "mixer   received 499 packets, 0 lost, jitter p95 0.25 ms, sent 498 packets"),
        (False, "sink    received 497 packets, 1 lost, jitter p95 12 ms, exit 66 (audio input or output failure)"),
    ]),
    "nobody called": ({"source": 0, "mixer": 0, "sink": 0}, {}, [
        (True, "source  had no call"), (True, "mixer   had no call"), (True, "sink    had no call"),
    ]),
    "one was never started": ({"source": None, "mixer": 67, "sink": 0}, {}, [
        (False, "source  had no call, was never started"),
        (False, "mixer   had no call, exit 67 (not ready, or not shut down, in time)"),
        (True, "sink    had no call"),
    ]),
    "nothing is known": ({}, {}, [
        (False, f"{name}  had no call, was never started") for name in ("source", "mixer ", "sink  ")
    ]),
}.values())  # fmt: skip
def test_the_closing_lines(codes, metrics, lines):
    """For each role in the plan's order whether it did well, what it did, and with which code it failed, in words."""
    assert list(closing_lines(plan(SMK), codes, metrics, in_call=metrics)) == lines


@pytest.mark.parametrize("code", [code for code in ExitCode if code])
def test_every_code_has_its_words(code):
    """A closing line can be said of each of our codes."""
    ((well, line),) = closing_lines(plan(SINK), {"sink": int(code)}, {}, in_call=())
    assert not well
    assert line == f"sink  had no call, exit {int(code)} ({code.meaning})"


def test_a_call_too_short_for_counters():
    """Whoever was killed before it told any was in a call all the same."""
    ((_, line),) = closing_lines(plan(SINK), {"sink": 0}, {}, in_call={"sink"})
    assert line == "sink  had no time to count"


def test_jitter_that_is_not_known_is_not_said():
    """Without the right to capture, a short call ends before baresip has told any."""
    unknown = {"packets_tx": 1, "packets_rx": 2, "rtp_loss": 0, "jitter_ms_p95": None}
    ((_, line),) = closing_lines(plan(SINK), {"sink": 0}, {"sink": unknown}, in_call={"sink"})
    assert line == "sink  received 2 packets, 0 lost"
    assert "jitter" not in progress(plan(SINK), {"sink": unknown}, 5)


@pytest.mark.parametrize("code", [-9, -15, -35, 1234, 2])
def test_codes_that_are_not_ours(code):
    """However a role has ended, the run can be summed up."""
    ((well, line),) = closing_lines(plan(SINK), {"sink": code}, {}, in_call=())
    assert not well
    assert str(abs(code)) in line or "killed" in line


HELD = (
    Held(descriptors=10, memory_kb=2000, ports=("udp 127.0.0.1:5060",)),
    Held(descriptors=12, memory_kb=1900, ports=("udp 127.0.0.1:5060", "udp 0.0.0.0:20000")),
)
PBX = Node("pbx", "external", {"address": "127.0.0.1:5060", "command": ["x"], "calls": []})


def test_a_device_in_the_summary():
    """What it held before and after, and what there was more of; nothing where it was not looked at twice."""
    told = {
        count: summary(
            plan((PBX,)), exit_code=0, network="private", speed=1.0, duration_s=1, exit_codes={"pbx": 0}, metrics={},
            failed=None, held={"pbx": HELD[:count]},
        )["nodes"]["pbx"]["resources"]
        for count in (1, 2)
    }  # fmt: skip
    assert told[1] is None
    assert told[2]["more"] == {"descriptors": 2, "memory_kb": -100, "ports": ["udp 0.0.0.0:20000"]}
    assert told[2]["before"]["ports"] == ["udp 127.0.0.1:5060"]


@pytest.mark.parametrize(("code", "held", "failed", "line"), [
    (0, HELD, None, (True, "pbx  12 descriptors (+2), 1900 kB (-100), still open: udp 0.0.0.0:20000, exit code 0")),
    (-15, (), None, (True, "pbx  killed by SIGTERM")),
    (-11, (), Failure("pbx", 65, "x"), (False, "pbx  killed by SIGSEGV")),
    (None, (), None, (True, "pbx  was never started")),
])  # fmt: skip
def test_a_device_in_the_closing_lines(code, held, failed, line):
    """It did well unless it is what failed, whatever it ended with."""
    lines = closing_lines(plan((PBX,)), {"pbx": code}, {}, in_call=(), failed=failed, held={"pbx": held})
    assert list(lines) == [line]
