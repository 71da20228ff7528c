"""Who is heard at a node of a plan: by who calls whom, or as the plan says."""

from __future__ import annotations

from collections.abc import Iterator

from b2b.flags import SOURCE
from b2b.plan.model import Node, Plan
from harness.expect import HEARS, TABLE


def heard_by(node: Node, plan: Plan) -> tuple[Node, ...]:
    """Return who is heard at a node, from the first that speaks on; nobody where only a device in between knows."""
    hears = named(node, plan)
    if hears is None and node.role == SOURCE:
        return tuple(plan.node(name) for name in node.callees if "audio_file" in plan.node(name).settings)
    if hears is None:
        return tuple(_upstream(node, plan))
    return tuple(_way(plan.node(hears[0]), node, plan)) if len(hears) == 1 else ()


def named(node: Node, plan: Plan) -> tuple[str, ...] | None:
    """Return the nodes that a plan says are heard at one; None where it says nothing of it."""
    hears = plan.tables.get(TABLE, {}).get(node.name, {}).get(HEARS)
    return (hears,) if isinstance(hears, str) else None if hears is None else tuple(hears)


def _upstream(node: Node, plan: Plan) -> Iterator[Node]:
    """Yield who calls a node, and who calls that, from the source on, or from a device that has sound of its own."""
    callers = plan.callers_of(node.name)
    if len(callers) == 1:
        caller = callers[0]
        if not (caller.is_device and "audio_file" in caller.settings):
            yield from _upstream(caller, plan)
        yield caller


def _way(speaker: Node, listener: Node, plan: Plan) -> Iterator[Node]:
    """Yield the nodes from one that speaks, itself included, to one that hears it, or to the device in between."""
    at, passed = speaker, set[str]()
    while at.name not in passed:
        yield at
        passed.add(at.name)
        if len(at.callees) != 1 or at.callees[0] == listener.name:
            return
        at = plan.node(at.callees[0])
