"""From a plan as written to one with addresses: who calls whom, and where each of them listens."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

from b2b.addresses import SIP_PORT, WILDCARD, YOUR_HOST_IP, Target, is_loopback, parse_bind, parse_target
from b2b.flags import SOURCE
from b2b.plan.change import TOPOLOGY
from b2b.plan.check import suggest
from b2b.plan.load import EXPECT, check_binds
from b2b.plan.model import Node, Plan

LOOPBACK = "127.0.0.1"


def resolve(plan: Plan, *, host_ip: str) -> Plan:
    """Return the plan with every address that can be known before the roles run, and with who calls whom."""
    nodes = tuple(_connect(node, plan, host_ip) for node in plan.nodes)
    plan = replace(plan, nodes=tuple(_listen(node, host_ip) for node in nodes))
    check_binds(plan.nodes, plan.where)
    _check_calls(plan)
    return replace(plan, nodes=tuple(_answer_to(node, plan) for node in plan.nodes))


def on_free_ports(plan: Plan) -> Plan:
    """Return a resolved, self-contained plan in which every node listens on a free port, and is called by its name."""
    free = (_set(node, "sip_bind", f"{node.bind.ip}:0") for node in plan.nodes)
    return replace(plan, nodes=tuple(_call_by_name(node) for node in free))


def finish_target(target: str, addresses: Mapping[str, str]) -> str:
    """Return the target with a node's name replaced by the `ip:port` that its READY line told."""
    uri = parse_target(target)
    if uri.host not in addresses:
        return target
    bind = parse_bind(addresses[uri.host])
    return str(replace(uri, host=bind.ip, port=bind.port))


def call_duration_s(plan: Plan) -> float | None:
    """Return how long the plan expects its call to last; None leaves it to the file."""
    duration_s = plan.tables.get(EXPECT, {}).get("duration_s")
    return None if duration_s is None else float(duration_s)


def is_self_contained(plan: Plan) -> bool:
    """Whether nobody outside takes part: each call is made and taken by nodes, on addresses of this machine alone."""
    plan = resolve(plan, host_ip=LOOPBACK)
    taken = {node.calls for node in plan.nodes}
    return (
        all(is_loopback(node.bind.ip) for node in plan.nodes)
        and all(node.calls for node in plan.nodes if node.target)
        and all(node.name in taken for node in plan.nodes if node.role != SOURCE)
    )


def _call_by_name(node: Node) -> Node:
    if not (node.calls and node.target):
        return node
    return _set(node, "sip_target", str(replace(node.target, host=node.calls, port=None)))


def _listen(node: Node, host_ip: str) -> Node:
    """Give the node the host's address where the plan leaves it open."""
    return _set(node, "sip_bind", str(node.bind.on(host_ip)))


def _connect(node: Node, plan: Plan, host_ip: str) -> Node:
    """Point the node's target at the node that it means, or else at the host."""
    if (target := node.target) is None:
        return node
    callee = _callee(node, target, plan, host_ip)
    if callee is None:
        host = _known_hosts(host_ip).get(target.host, target.host)
        return _set(node, "sip_target", str(replace(target, host=host)))
    bind = callee.bind.on(host_ip)
    address = replace(target, host=bind.ip, port=bind.port) if bind.port else target
    return replace(_set(node, "sip_target", str(address)), calls=callee.name)


def _callee(node: Node, target: Target, plan: Plan, host_ip: str) -> Node | None:
    for other in plan.nodes:
        if target.host == other.name:
            if target.port not in (None, other.bind.port):
                says = f"wanted the port of {other.name}, which listens on {other.bind}, came {target.port}"
                raise plan.where.error(TOPOLOGY, node.name, "sip_target", says=says)
            return other
    if found := next((other for other in plan.nodes if _reaches(target, other, host_ip)), None):
        return found
    if meant := suggest(target.host, (other.name for other in plan.nodes), cutoff=0.75):
        says = f"there is no node {target.host!r}; did you mean {meant}?"
        raise plan.where.error(TOPOLOGY, node.name, "sip_target", says=says)
    return None


def _reaches(target: Target, node: Node, host_ip: str) -> bool:
    """Whether a call to the target arrives at the node; one that listens everywhere is on the loopback too."""
    if node.bind.port != (target.port or SIP_PORT):
        return False
    host = _known_hosts(host_ip).get(target.host, target.host)
    return target.host == YOUR_HOST_IP or host == node.bind.on(host_ip).ip or (
        node.bind.ip == WILDCARD and is_loopback(host)
    )


def _known_hosts(host_ip: str) -> dict[str, str]:
    return {YOUR_HOST_IP: host_ip, "localhost": LOOPBACK}


def _check_calls(plan: Plan) -> None:
    callers: dict[str, str] = {}
    for node in plan.nodes:
        if node.calls is None:
            continue
        if says := _objection(node, plan.node(node.calls), plan, callers):
            raise plan.where.error(TOPOLOGY, node.name, "sip_target", says=says)
        callers[node.calls] = node.name


def _objection(node: Node, callee: Node, plan: Plan, callers: Mapping[str, str]) -> str | None:
    """Return why the call cannot be made, if it cannot."""
    if callee is node:
        return f"wanted somebody else, came {node.settings['sip_target']}, which is {node.name} itself"
    if callee.role == SOURCE:
        return f"wanted a mixer or sink, came {callee.name}, a source, which takes no call"
    if node.name in (chain := list(_chain(node, plan))):
        return f"wanted a chain that ends, came a loop: {' calls '.join([node.name, *chain])}"
    if callee.name in callers:
        return f"wanted a node that is free, came {callee.name}, which takes one call, that of {callers[callee.name]}"
    return None


def _chain(node: Node, plan: Plan) -> Iterator[str]:
    """Yield who is called in turn, until the chain ends or comes back to one that it has passed."""
    passed: set[str] = set()
    while node.calls is not None and node.calls not in passed:
        yield node.calls
        passed.add(node.calls)
        node = plan.node(node.calls)


def _answer_to(node: Node, plan: Plan) -> Node:
    """Let a node that has no user name of its own answer to the one that its caller dials."""
    users = (caller.target.user for caller in plan.nodes if caller.calls == node.name and caller.target)
    if "sip_user" in node.given or not (user := next(users, None)):
        return node
    return replace(_set(node, "sip_user", user), given=node.given | {"sip_user"})


def _set(node: Node, key: str, value: Any) -> Node:
    return replace(node, settings={**node.settings, key: value})
