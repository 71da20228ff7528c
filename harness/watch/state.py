"""What is going on in a run, from its events alone: no file, no clock and no terminal in sight."""

from __future__ import annotations

import enum
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from b2b.child import how_it_ended
from b2b.errors import ExitCode
from b2b.flags import ORCHESTRATOR, SOURCE
from b2b.plan.model import Plan
from harness.call import IN_CALL
from harness.jsonl import fits

OVER = "CALL_CLOSED"
DURATION = "--duration-s"


class Mood(enum.Enum):
    """What a state means for whoever looks."""

    IDLE = enum.auto()
    BUSY = enum.auto()
    GOOD = enum.auto()
    BAD = enum.auto()


STATES = {
    "started": ("starting", Mood.BUSY),
    "ready": ("ready", Mood.IDLE),
    "dialing": ("dialing", Mood.BUSY),
    "CALL_INCOMING": ("ringing", Mood.BUSY),
    "CALL_RINGING": ("ringing", Mood.BUSY),
    IN_CALL: ("in call", Mood.GOOD),
    OVER: ("call over", Mood.IDLE),
    "terminate": ("stopping", Mood.BUSY),
    "kill": ("being killed", Mood.BAD),
}


@dataclass(slots=True)
class Role:
    """One role: what it is doing, and its last metrics."""

    name: str
    kind: str
    says: str = "not started"
    mood: Mood = Mood.IDLE
    metrics: Mapping[str, Any] = field(default_factory=dict)


@dataclass(slots=True)
class State:
    """Takes the run's events, metrics and delays by the host in as they come. Times are seconds since the epoch."""

    roles: dict[str, Role]
    callers: frozenset[str]
    says: str = "starting"
    mood: Mood = Mood.BUSY
    addresses: dict[str, str] = field(default_factory=dict)  # where each node listens for SIP
    answered_at_s: float | None = None
    ended_at_s: float | None = None
    expected_s: float | None = None
    held_s: float = 0.0  # the longest that this machine let somebody wait
    _timed: set[str] = field(default_factory=set)  # callers whose call is up

    @classmethod
    def of(cls, plan: Plan) -> State:
        """Return the state of a plan's run that has not begun yet."""
        sources = plan.with_role(SOURCE) or plan.nodes  # without a source anybody's call is the one that is timed
        return cls(
            roles={node.name: Role(node.name, node.role) for node in plan.nodes},
            callers=frozenset(node.name for node in sources),
        )

    def elapsed_s(self, now_s: float) -> float | None:
        """Return how long the call lasts, or lasted; None before it was answered."""
        if self.answered_at_s is None:
            return None
        return max(0.0, (self.ended_at_s or now_s) - self.answered_at_s)

    def event(self, values: Mapping[str, Any]) -> None:
        """Take a line of events.jsonl in."""
        node, event = str(values.get("node")), str(values.get("event"))
        if node == ORCHESTRATOR:
            self._of_the_run(event, values)
        elif role := self.roles.get(node):
            self._of_a_role(role, event, values)

    def metrics(self, values: Mapping[str, Any]) -> None:
        """Take a line of metrics.jsonl in."""
        if role := self.roles.get(str(values.get("node"))):
            role.metrics = values

    def held_up(self, values: Mapping[str, Any]) -> None:
        """Take a line of host.jsonl in: a stall of the machine, or what a user agent waited for it."""
        if values.get("of_role"):  # which has sound ahead in its user agent for that
            return
        self.held_s = max(self.held_s, _number(values.get("length_s")) or 0.0)

    def end(self, exit_code: int | None, verdict: str) -> None:
        """Take in how the run ended: its exit code, None where it was cut off, and its verdict's outcome or ""."""
        if exit_code is None:
            self.says, self.mood = "cut off", Mood.BAD
            return
        words = {"pass": "passed", "fail": "failed", "unknown": "could not tell"}
        known = {*ExitCode}
        ended = ExitCode(exit_code).meaning if exit_code in known else f"exit {exit_code}"
        judged = exit_code in (ExitCode.OK, ExitCode.CHECK_FAILED)
        self.says = words.get(verdict, ended) if judged else f"exit {exit_code}: {ended}"
        self.mood = Mood.BAD if exit_code else Mood.GOOD

    def _of_the_run(self, event: str, values: Mapping[str, Any]) -> None:
        if event == "stopping":
            self.says = f"stopping: {values.get('reason')}"
        elif event == "played":
            self.says = "over, being judged"
        elif event == "judged":
            self.says, self.mood = "judged", Mood.IDLE

    def _of_a_role(self, role: Role, event: str, values: Mapping[str, Any]) -> None:
        if event == "exited":
            role.says, role.mood = _ended(values.get("code"))
        elif event in STATES:
            role.says, role.mood = STATES[event]
        at_s = _number(values.get("wall_s"))
        if event == "ready":
            self.addresses[role.name] = str(values.get("sip"))
        elif event == "started" and role.name in self.callers:
            self.expected_s = _duration_s(values.get("command")) or self.expected_s
        elif event == IN_CALL and role.name in self.callers:
            self._timed.add(role.name)
            if self.answered_at_s is None:
                self.answered_at_s, self.says, self.mood = at_s, "in call", Mood.GOOD
        elif event in (OVER, "exited") and role.name in self._timed:
            self._timed.discard(role.name)
            self.ended_at_s = None if self._timed else at_s


def _ended(code: object) -> tuple[str, Mood]:
    if not isinstance(code, int):
        return "ended", Mood.BAD
    return ("ended, exit 0", Mood.IDLE) if code == 0 else (f"ended, {how_it_ended(code)}", Mood.BAD)


def _duration_s(command: object) -> float | None:
    """Return the length of the call that a source was started with."""
    if not isinstance(command, Sequence) or DURATION not in command[:-1]:
        return None
    return _number(command[command.index(DURATION) + 1])


def _number(value: object) -> float | None:
    try:
        number = float(value)  # type: ignore[arg-type]
    except (TypeError, ValueError, OverflowError):
        return None
    return number if fits(number, float) else None
