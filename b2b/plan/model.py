"""What a plan is, once it has been read."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from b2b.addresses import Bind, Target, parse_bind, parse_target
from b2b.flags import EXTERNAL
from b2b.plan.where import Where


@dataclass(frozen=True, slots=True)
class Node:
    """One role or device of the topology, with the settings in effect and those that the user gave."""

    name: str
    role: str
    settings: dict[str, Any]
    given: frozenset[str] = frozenset()
    calls: str | None = None  # the node that the target points to, known once the plan is resolved
    relies_on: tuple[str, ...] = ()  # the devices that it registers with, or sends its requests through

    @property
    def is_device(self) -> bool:
        """Whether it is somebody else's: a PBX, a proxy, a phone."""
        return self.role == EXTERNAL

    @property
    def bind(self) -> Bind:
        """The address that it listens on."""
        return parse_bind(self.settings["address" if self.is_device else "sip_bind"])

    @property
    def host(self) -> str | None:
        """The machine that it runs on, as ssh takes it; None for this one."""
        return self.settings.get("host")

    @property
    def callees(self) -> tuple[str, ...]:
        """The nodes that it calls: a role at most one, a device as many as its plan says."""
        if self.is_device:
            return tuple(self.settings["calls"])
        return (self.calls,) if self.calls else ()

    @property
    def starts_itself(self) -> bool:
        """Whether it is a process of the run; a device that is there already is none."""
        return not self.is_device or "command" in self.settings

    @property
    def target(self) -> Target | None:
        """Whom a role calls; None for a sink, and for a device."""
        return parse_target(self.settings["sip_target"]) if "sip_target" in self.settings else None


@dataclass(frozen=True, slots=True)
class Plan:
    """The nodes of a topology, the tables that belong to others, and what the user should know."""

    path: Path
    nodes: tuple[Node, ...]
    tables: dict[str, Any] = field(default_factory=dict)
    warnings: tuple[str, ...] = ()
    where: Where = field(default_factory=Where, compare=False, repr=False)

    def node(self, name: str) -> Node:
        """Return the node of that name; KeyError when there is none."""
        return {node.name: node for node in self.nodes}[name]

    def with_role(self, role: str) -> tuple[Node, ...]:
        """Return the nodes of a role in the plan's order."""
        return tuple(node for node in self.nodes if node.role == role)

    @property
    def devices(self) -> tuple[Node, ...]:
        """The nodes that are not b2b."""
        return self.with_role(EXTERNAL)

    @property
    def hosts(self) -> dict[str, tuple[Node, ...]]:
        """The other machines that roles of it run on, and which do."""
        names = dict.fromkeys(node.host for node in self.nodes if node.host)
        return {name: tuple(node for node in self.nodes if node.host == name) for name in names}

    def users_of(self, name: str) -> tuple[Node, ...]:
        """Return the nodes that call one, or rely on it."""
        return tuple(node for node in self.nodes if name in (*node.callees, *node.relies_on))

    def callers_of(self, name: str) -> tuple[Node, ...]:
        """Return the nodes that call one."""
        return tuple(node for node in self.nodes if name in node.callees)
