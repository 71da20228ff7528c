"""Who depends on whom in a topology: read from its nodes alone."""

from __future__ import annotations

from collections.abc import Sequence

from b2b.plan.model import Node


class Ties:
    """The calls between nodes."""

    def __init__(self, nodes: Sequence[Node]) -> None:
        self._nodes = {node.name: node for node in nodes}
        self._called = {name for node in nodes for name in (*node.callees, *node.relies_on)}

    def dials(self, node: Node) -> bool:
        """Whether it is a device that calls and that nobody calls: its process is a call."""
        return node.is_device and bool(node.callees) and node.name not in self._called

    def callees_first(self) -> list[str]:
        """Return all names, each after those that it calls."""

        def distance(name: str, above: tuple[str, ...] = ()) -> int:
            ways = [distance(callee, (*above, name)) for callee in self._nodes[name].callees if callee not in above]
            return 1 + max(ways, default=-1)

        return sorted(self._nodes, key=distance)

    def call_of(self, name: str) -> set[str]:
        """Return the nodes that one call connects, from its source to its sink.

        A device with several callers or callees connects nobody for sure: who of them hears whom is its own affair.
        """
        calls = [pair for node in self._nodes.values() for pair in self._calls_of(node)]
        connected = {name}
        while more := {n for pair in calls if connected & set(pair) for n in pair} - connected:
            connected |= more
        return connected

    def _calls_of(self, node: Node) -> list[tuple[str, str]]:
        if len(node.callees) != 1:
            return []
        callee = node.callees[0]
        shared = self._nodes[callee].is_device and sum(callee in other.callees for other in self._nodes.values()) > 1
        return [] if shared else [(node.name, callee)]
