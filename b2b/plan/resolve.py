"""From a plan as written to one with addresses: who calls whom, and where each of them listens."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from typing import Any

from b2b.addresses import SIP_PORT, WILDCARD, YOUR_HOST_IP, Target, is_loopback, parse_bind, parse_target
from b2b.flags import SOURCE
from b2b.plan.change import TOPOLOGY
from b2b.plan.check import did_you_mean, suggest
from b2b.plan.load import EXPECT, RUN, check_binds
from b2b.plan.model import Node, Plan

LOOPBACK = "127.0.0.1"


def resolve(plan: Plan, *, host_ip: str) -> Plan:
    """Return the plan with every address that can be known before the roles run, and with who calls whom."""
    nodes = tuple(_rely(_connect(node, plan, host_ip), plan, host_ip) for node in plan.nodes)
    plan = replace(plan, nodes=tuple(_listen(node, host_ip) for node in nodes))
    check_binds(plan.nodes, plan.where)
    _check_calls(plan)
    _check_reach(plan)
    _check_hosts(plan)
    return replace(plan, nodes=tuple(_answer_to(node, plan) for node in plan.nodes))


def on_free_ports(plan: Plan) -> Plan:
    """Return a resolved, self-contained plan in which every node listens on a free port, and is called by its name."""
    free = (_set(node, "sip_bind", f"{node.bind.ip}:0") for node in plan.nodes)
    return replace(plan, nodes=tuple(_call_by_name(node) for node in free))


def on_ports(plan: Plan, free_port: Callable[[str], int]) -> Plan:
    """Return the same for a plan with devices, whose configuration needs every port beforehand: one per address."""
    moved = replace(plan, nodes=tuple(_move(_call_by_name(node), free_port(node.bind.ip)) for node in plan.nodes))
    return resolve(moved, host_ip=LOOPBACK)


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


def speed_of(plan: Plan) -> float:
    """Return how many times as fast as the machine's the time of the plan's run goes."""
    return float(plan.tables.get(RUN, {}).get("speed", 1))


def ssh_of(plan: Plan) -> tuple[str, str]:
    """Return the commands that reach other machines, and that are b2b there."""
    table = plan.tables.get(RUN, {})
    return str(table.get("ssh", "ssh")), str(table.get("b2b_there", "b2b"))


def is_self_contained(plan: Plan) -> bool:
    """Whether nobody outside takes part: each call is made and taken by nodes, on addresses of this machine alone."""
    plan = resolve(plan, host_ip=LOOPBACK)
    taken = {node.calls for node in plan.nodes}
    return (
        all(is_loopback(node.bind.ip) and node.starts_itself for node in plan.nodes)
        and all(len(node.relies_on) == len({"register", "outbound"} & node.settings.keys()) for node in plan.nodes)
        and all(node.calls for node in plan.nodes if node.target)
        and (bool(plan.devices) or all(node.name in taken for node in plan.nodes if node.role != SOURCE))
    )


def _move(node: Node, port: int) -> Node:
    """Let a node listen on another port, and look for it there where an open port shows that a device is ready."""
    if not node.is_device:
        return _set(node, "sip_bind", f"{node.bind.ip}:{port}")
    ready = dict(node.settings["ready"])
    if ready.get("port") == node.bind.port:
        ready["port"] = port
    return _set(_set(node, "ready", ready), "address", f"{node.bind.ip}:{port}")


def _call_by_name(node: Node) -> Node:
    if not (node.calls and node.target):
        return node
    return _set(node, "sip_target", str(replace(node.target, host=node.calls, port=None)))


def _listen(node: Node, host_ip: str) -> Node:
    """Give the node the host's address where the plan leaves it open."""
    return _set(node, "address" if node.is_device else "sip_bind", str(node.bind.on(host_ip)))


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


def _rely(node: Node, plan: Plan, host_ip: str) -> Node:
    """Point a role's registrar and proxy at the devices that they mean."""
    for key in ("register", "outbound"):
        if key not in node.settings:
            continue
        target = parse_target(node.settings[key])
        server = _callee(node, target, plan, host_ip, key=key)
        if server is None:
            continue
        if not server.is_device:
            says = f"wanted a device, or a server elsewhere, came {server.name}, a {server.role}"
            raise plan.where.error(TOPOLOGY, node.name, key, says=says)
        bind = server.bind.on(host_ip)
        node = _set(node, key, str(replace(target, host=bind.ip, port=bind.port)))
        node = replace(node, relies_on=(*node.relies_on, server.name))
    return node


def _callee(node: Node, target: Target, plan: Plan, host_ip: str, *, key: str = "sip_target") -> Node | None:
    for other in plan.nodes:
        if target.host == other.name:
            if target.port not in (None, other.bind.port):
                says = f"wanted the port of {other.name}, which listens on {other.bind}, came {target.port}"
                raise plan.where.error(TOPOLOGY, node.name, key, says=says)
            return other
    if found := next((other for other in plan.nodes if _reaches(target, other, host_ip)), None):
        return found
    if meant := suggest(target.host, (other.name for other in plan.nodes), cutoff=0.75):
        says = f"there is no node {target.host!r}; did you mean {meant}?"
        raise plan.where.error(TOPOLOGY, node.name, key, says=says)
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
        key = "calls" if node.is_device else "sip_target"
        for name in node.callees:
            callee = _named(node, name, plan)
            if says := _objection(node, callee, plan, callers):
                raise plan.where.error(TOPOLOGY, node.name, key, says=says)
            callers[name] = node.name


def _named(node: Node, name: str, plan: Plan) -> Node:
    names = [other.name for other in plan.nodes]
    if name not in names:
        hint = did_you_mean(name, names, otherwise=f"there is {', '.join(names)}")
        raise plan.where.error(TOPOLOGY, node.name, "calls", says=f"there is no node {name!r}; {hint}")
    return plan.node(name)


def _check_reach(plan: Plan) -> None:
    """Want an address for each role that meets a device which is there already: nothing is opened by itself."""
    for device in plan.devices:
        if device.starts_itself:
            continue
        for node in (*plan.users_of(device.name), *map(plan.node, device.callees)):
            if not node.is_device and "sip_bind" not in node.given:
                says = f"wanted the address at which {device.name}, which is there already, reaches it, but missing"
                raise plan.where.error(TOPOLOGY, node.name, "sip_bind", says=says)


def _check_hosts(plan: Plan) -> None:
    """Want an address for each role that meets one on another machine."""
    for host, there in plan.hosts.items():
        for far in there:
            for node in (*plan.users_of(far.name), *map(plan.node, far.callees)):
                if is_loopback(node.bind.ip):
                    says = f"wanted an address at which {host} reaches it, for {far.name} is there, came {node.bind}"
                    key = "address" if node.is_device else "sip_bind"
                    raise plan.where.error(TOPOLOGY, node.name, key, says=says)


def _objection(node: Node, callee: Node, plan: Plan, callers: Mapping[str, str]) -> str | None:
    """Return why the call cannot be made, if it cannot."""
    if callee is node:
        target = node.settings.get("sip_target", node.name)
        return f"wanted somebody else, came {target}, which is {node.name} itself"
    if callee.role == SOURCE:
        return f"wanted a mixer or sink, came {callee.name}, a source, which takes no call"
    if node.name in (chain := list(_chain(node, plan))):
        return f"wanted a chain that ends, came a loop: {' calls '.join([node.name, *chain])}"
    if callee.name in callers and not callee.is_device:
        return f"wanted a node that is free, came {callee.name}, which takes one call, that of {callers[callee.name]}"
    return None


def _chain(node: Node, plan: Plan) -> Iterator[str]:
    """Yield who is called in turn, until the chain ends, at a device, or comes back to one that it has passed."""
    passed: set[str] = set()
    while node.calls is not None and node.calls not in passed:
        yield node.calls
        passed.add(node.calls)
        node = plan.node(node.calls)


def _answer_to(node: Node, plan: Plan) -> Node:
    """Let a node that has no user name of its own answer to the one that its caller dials."""
    users = (caller.target.user for caller in plan.nodes if caller.calls == node.name and caller.target)
    if node.is_device or "sip_user" in node.given or not (user := next(users, None)):
        return node
    return replace(_set(node, "sip_user", user), given=node.given | {"sip_user"})


def _set(node: Node, key: str, value: Any) -> Node:
    return replace(node, settings={**node.settings, key: value})
