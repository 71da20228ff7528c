"""Histories for the supervisor: what came and when, played as the run loop would, and what it answered."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from b2b.logs import LogLine
from b2b.orchestrator.events import (
    Command,
    Event,
    Exited,
    Interrupted,
    LogSeen,
    Passed,
    ReadySeen,
    WordsSeen,
)
from b2b.orchestrator.supervise import Failure, Supervisor, Timing
from b2b.plan.model import Node

TIMING = Timing(ready_s=10, grace_s=5, kill_s=15)
PATIENCE = 200  # steps after which a story is taken for endless

Moment = tuple[float, Event]
Deed = tuple[float, Command]


def node(name: str, role: str, calls: str | None = None, *, port: int = 5060) -> Node:
    """Return a node that is told apart by its name, and listens on a fixed port unless it is 0."""
    settings = {"sip_bind": f"127.0.0.1:{port}"} | ({"sip_target": f"sip:{calls}"} if calls else {})
    return Node(name, role, settings, calls=calls)


SINK = (node("sink", "sink"),)
SK = (node("source", "source", "sink"), *SINK)
SMK = (node("source", "source", "mixer"), node("mixer", "mixer", "sink"), *SINK)
PAIRS = (
    node("a", "source", "ear_a"), node("ear_a", "sink"),
    node("b", "source", "ear_b"), node("ear_b", "sink"),
)  # fmt: skip
FREE_PORTS = (
    node("source", "source", "mixer", port=0),
    node("mixer", "mixer", "sink", port=0),
    node("sink", "sink", port=0),
)


def ready(name: str) -> Event:
    """Return a role's handshake."""
    return ReadySeen(name, "127.0.0.1:5060")


def error(name: str, msg: str, *, code: int | None = None) -> Event:
    """Return the line with which a role says why it ends, and with which code."""
    fields = {} if code is None else {"event": "failed", "code": code}
    return LogSeen(name, LogLine(ts="", level="ERROR", role="", msg=msg, fields=fields))


def info(name: str, msg: str) -> Event:
    """Return a line that is no complaint."""
    return LogSeen(name, LogLine(ts="", level="INFO", role="", msg=msg))


def words(name: str, text: str) -> Event:
    """Return a line that comes from below a role."""
    return WordsSeen(name, text)


def exited(name: str, code: int) -> Event:
    """Return the end of a role's process."""
    return Exited(name, code)


def interrupt() -> Event:
    """Return somebody's Ctrl-C."""
    return Interrupted("SIGINT")


def all_ready(nodes: Iterable[Node], at: float = 1) -> list[Moment]:
    """Return the moments in which every node becomes READY, in the plan's order."""
    return [(at, ready(node.name)) for node in nodes]


@dataclass(slots=True)
class Played:
    """What became of a story: what was done when, and how often the loop turned although nothing was due."""

    supervisor: Supervisor
    deeds: list[Deed] = field(default_factory=list)
    idle_turns: list[float] = field(default_factory=list)

    @property
    def failed(self) -> Failure | None:
        """Who failed first."""
        return self.supervisor.failed_first()

    def since(self, start: float) -> list[Deed]:
        """Return what was done from a moment on."""
        return [(at, command) for at, command in self.deeds if at >= start]

    def names(self, kind: type[Command]) -> list[str]:
        """Return to whom something was done, in order."""
        return [command.node for _at, command in self.deeds if isinstance(command, kind)]


def play(
    nodes: Sequence[Node], history: Sequence[Moment], timing: Timing = TIMING, *, until: float = 0.0
) -> Played:
    """Tell the supervisor the history, and that time has passed whenever it has asked for that, up to the end."""
    played = Played(Supervisor(nodes, timing))
    _note(played, 0, played.supervisor.begin(0))
    told = 0.0
    for at, event in history:
        told = _let_pass(played, told, at)
        _note(played, at, played.supervisor.handle(event, at))
        told = at
    _let_pass(played, told, until)
    return played


def _let_pass(played: Played, now: float, until: float) -> float:
    """Tell of each deadline before the next event; one that is past already would keep a processor busy."""
    for _ in range(PATIENCE):
        due = played.supervisor.next_deadline
        if played.supervisor.finished or due is None or due >= until:
            return now
        commands = played.supervisor.handle(Passed(), max(now, due))
        _note(played, max(now, due), commands)
        now = max(now, due)
        if not commands and (again := played.supervisor.next_deadline) is not None and again <= now:
            played.idle_turns.append(now)
            return now
    raise AssertionError(f"still something due after {PATIENCE} steps, at {now}")


def _note(played: Played, at: float, commands: Sequence[Command]) -> None:
    played.deeds += [(at, command) for command in commands]
