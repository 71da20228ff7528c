"""What the supervisor knows of each node: where it is in its life, and what became of it."""

from __future__ import annotations

import enum
from dataclasses import dataclass

from b2b.plan.model import Node


class Phase(enum.Enum):
    """Where a role is in its life."""

    WAITING = enum.auto()  # for the address of the node that it calls, and for devices to be there
    STARTING = enum.auto()
    READY = enum.auto()
    RELEASED = enum.auto()
    GONE = enum.auto()


@dataclass(frozen=True, slots=True)
class Failure:
    """What became of the node that failed first."""

    node: str
    code: int
    reason: str


@dataclass(slots=True)
class Role:
    """What is known of one role's or device's process."""

    node: Node
    phase: Phase = Phase.WAITING
    exit_code: int | None = None
    error: str = ""
    last_words: str = ""
    failed_at: float | None = None
    late: bool = False
    early: bool = False
    told_code: int = 0
    asked_at: float | None = None
    asked_again: bool = False
    heard_at: float = 0.0
    answered: bool = False
    in_call: bool = False  # and expected to go on talking
    killed: bool = False
    launched_at: float = 0.0
    shows: str = ""  # what a device that is not ready shows instead

    @property
    def alive(self) -> bool:
        """Whether there is a process."""
        return self.phase in (Phase.STARTING, Phase.READY, Phase.RELEASED)
