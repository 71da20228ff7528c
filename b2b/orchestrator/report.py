"""What a person, and summary.json, are told of a run: the line now and then, and the end."""

from __future__ import annotations

import re
from collections.abc import Container, Iterator, Mapping, Sequence
from types import MappingProxyType
from typing import Any

from b2b.child import how_it_ended
from b2b.errors import ExitCode
from b2b.flags import MIXER, SINK, SOURCE
from b2b.orchestrator.resources import Held, difference
from b2b.orchestrator.supervise import Failure
from b2b.plan.model import Node, Plan

Metrics = Mapping[str, Any]
PROGRESS = re.compile(r"\[ORCH *\] (\d\d:\d\d)  (.*)")  # the line that `progress` makes, with its tag


def progress(plan: Plan, metrics: Mapping[str, Metrics], elapsed_s: float) -> str:
    """Return the one line that says how all roles are doing."""
    minutes, seconds = divmod(int(elapsed_s), 60)
    parts = [f"{node.name} {_traffic(node, metrics[node.name])}" for node in plan.nodes if node.name in metrics]
    return f"{minutes:02d}:{seconds:02d}  " + " · ".join(parts)


def summary(
    plan: Plan,
    *,
    exit_code: int | None,
    network: str,
    speed: float,
    duration_s: float,
    exit_codes: Mapping[str, int | None],
    metrics: Mapping[str, Metrics],
    failed: Failure | None,
    held: Mapping[str, Sequence[Held]] = MappingProxyType({}),
) -> dict[str, Any]:
    """Return the content of summary.json; an exit code of None means that the run was cut off.

    `held` is what each device held before and after the calls.
    """
    return {
        "exit_code": exit_code,
        "network": network,
        "speed": speed,
        "duration_s": round(duration_s, 3),
        "nodes": {
            node.name: {
                "role": node.role,
                "exit_code": exit_codes.get(node.name),
                "metrics": dict(metrics[node.name]) if node.name in metrics else None,
                **({"resources": _resources(held.get(node.name, ()))} if node.is_device else {}),
            }
            for node in plan.nodes
        },
        "failed_first": {"node": failed.node, "code": failed.code, "reason": failed.reason} if failed else None,
    }


def closing_lines(
    plan: Plan,
    exit_codes: Mapping[str, int | None],
    metrics: Mapping[str, Metrics],
    *,
    in_call: Container[str],
    failed: Failure | None = None,
    held: Mapping[str, Sequence[Held]] = MappingProxyType({}),
) -> Iterator[tuple[bool, str]]:
    """Yield for each node whether it did well, and what it sent and received in words; `in_call` had a call.

    Of a device it is told how it ended and what it `held`; it did well unless it is what `failed`.
    """
    width = max(len(node.name) for node in plan.nodes)
    for node in plan.nodes:
        code = exit_codes.get(node.name)
        if node.is_device:
            well = not (failed and failed.node == node.name)
            yield well, f"{node.name.ljust(width)}  {_device(node, code, held.get(node.name, ()))}"
            continue
        did = _deeds(node, metrics.get(node.name), in_call=node.name in in_call)
        ended = "was never started" if code is None else "" if code == 0 else _ended(code)
        yield code == 0, f"{node.name.ljust(width)}  {', '.join(part for part in (did, ended) if part)}"


def _resources(held: Sequence[Held]) -> dict[str, Any] | None:
    """Return what a device held before its calls and after them, and what there was more of then."""
    if len(held) < 2:
        return None
    return {"before": held[0].as_json(), "after": held[-1].as_json(), "more": difference(held[0], held[-1])}


def _device(node: Node, code: int | None, held: Sequence[Held]) -> str:
    if not node.starts_itself:
        return f"was there already, at {node.bind}"
    if code is None:
        return "was never started"
    if (told := _resources(held)) is None:
        return how_it_ended(code)
    after, more = told["after"], told["more"]
    ports = f", still open: {', '.join(more['ports'])}" if more["ports"] else ""
    return (
        f"{after['descriptors']} descriptors ({more['descriptors']:+d}), "
        f"{after['memory_kb']} kB ({more['memory_kb']:+d}){ports}, {how_it_ended(code)}"
    )


def _ended(code: int) -> str:
    return f"exit {code} ({ExitCode(code).meaning})" if code in {*ExitCode} else how_it_ended(code)


def _traffic(node: Node, values: Metrics) -> str:
    sent = f"tx={values['packets_tx']}" if node.role != SINK else ""
    received = f"rx={values['packets_rx']} loss={values['rtp_loss']}"
    if values["jitter_ms_p95"] is not None:
        received += f" jitter_p95={values['jitter_ms_p95']:g}ms"
    return " ".join(part for part in (sent, received if node.role != SOURCE else "") if part)


def _deeds(node: Node, values: Metrics | None, *, in_call: bool) -> str:
    if values is None:
        return "had no time to count" if in_call else "had no call"
    heard = f"received {values['packets_rx']} packets, {values['rtp_loss']} lost"
    if values["jitter_ms_p95"] is not None:
        heard += f", jitter p95 {values['jitter_ms_p95']:g} ms"
    sent = f"sent {values['packets_tx']} packets"
    return {SOURCE: sent, MIXER: f"{heard}, {sent}", SINK: heard}[node.role]
