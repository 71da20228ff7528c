"""Who must start, go on or die, and when: decided from events alone, without a process or a clock in sight."""

from __future__ import annotations

import enum
import signal
from collections.abc import Container, Iterable, Iterator, Sequence
from dataclasses import dataclass, field

from b2b.child import how_it_ended
from b2b.errors import ExitCode
from b2b.orchestrator.events import (
    Command,
    Event,
    Exited,
    Interrupted,
    Kill,
    Launch,
    LogSeen,
    ReadySeen,
    Release,
    Terminate,
    WordsSeen,
)
from b2b.plan.model import Node

MESSENGER_S = 1.0  # a hang-up may be heard of that much before the failure that caused it
HANG_UP, SAME_S = "SIGHUP", 0.1  # a terminal that closes sends several; so does whoever presses keys in a hurry
SILENT_S = 20.0  # a role in a call tells its metrics every five seconds
LINGER_S = 3.0  # when one end of a call has gone, the others have that long to see it and go too
IN_CALL = "CALL_ESTABLISHED"
OUR_CODES = {int(code) for code in ExitCode} - {int(ExitCode.CHECK_FAILED)}


class Phase(enum.Enum):
    """Where a role is in its life."""

    WAITING = enum.auto()  # for the address of the node that it calls
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
    """What is known of one role's process."""

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
    in_call: bool = False
    killed: bool = False

    @property
    def alive(self) -> bool:
        """Whether there is a process."""
        return self.phase in (Phase.STARTING, Phase.READY, Phase.RELEASED)


@dataclass(slots=True)
class Timing:
    """The limits of a run, in seconds."""

    ready_s: float
    grace_s: float
    kill_s: float


@dataclass(slots=True)
class Supervisor:
    """Takes events, each with the time at which it came, and answers with commands."""

    nodes: Sequence[Node]
    timing: Timing
    stop_reason: str = ""
    _roles: dict[str, Role] = field(default_factory=dict)
    _began: float = 0.0
    _stopping_since: float | None = None
    _interrupted_at: float | None = None
    _linger_until: dict[str, float] = field(default_factory=dict)

    def begin(self, now: float) -> list[Command]:
        """Launch every role whose target is known."""
        self._began = now
        self._roles = {node.name: Role(node) for node in self.nodes}
        return list(self._launch())

    def handle(self, event: Event, now: float) -> list[Command]:
        """Take one event in and say what is to be done."""
        commands: list[Command] = []
        if isinstance(event, ReadySeen):
            commands += self._ready(event.node)
        elif isinstance(event, LogSeen):
            commands += self._logged(event, now)
        elif isinstance(event, WordsSeen):
            self._roles[event.node].last_words = event.words.strip() or self._roles[event.node].last_words
        elif isinstance(event, Exited):
            commands += self._exited(event, now)
        elif isinstance(event, Interrupted):
            commands += self._interrupted(event.reason, now)
        return commands + list(self._time_passes(now))

    @property
    def finished(self) -> bool:
        """Whether no process is left, and none is to come."""
        return all(role.phase is Phase.GONE for role in self._roles.values())

    @property
    def next_deadline(self) -> float | None:
        """When something is due even if nothing happens."""
        return min(self._waits(), default=None)

    def _waits(self) -> Iterator[float]:
        """Yield the moments at which there will be something to do; what has been done is none of them."""
        if self._stopping_since is None:
            yield from (until for name, until in self._linger_until.items() if self._lingers(self._roles[name]))
            if any(role.phase is Phase.STARTING for role in self._roles.values()):
                yield self._began + self.timing.ready_s
            yield from (role.heard_at + SILENT_S for role in self._roles.values() if role.alive and role.in_call)
        for role in self._roles.values():
            if role.alive and role.asked_at is not None and not role.killed:
                yield role.asked_at + self.timing.kill_s
                if not role.asked_again:
                    yield role.asked_at + self.timing.grace_s

    def failed_first(self) -> Failure | None:
        """Return the first role that failed of itself, rather than because another one had."""
        failures = [role for role in self._roles.values() if self._code(role) and not self._is_consequence(role)]
        if not failures:
            return None
        first = min(failures, key=lambda role: (self._is_messenger(role, failures), role.failed_at or 0.0))
        code = self._code(first)
        return Failure(first.node.name, code, first.error or first.last_words or ExitCode(code).meaning)

    def exit_codes(self) -> dict[str, int | None]:
        """Return the code of every role; None for one that was never started."""
        return {name: self._code(role) if role.exit_code is not None else None for name, role in self._roles.items()}

    def _launch(self) -> Iterator[Command]:
        if self._stopping_since is not None:
            return
        for role in self._roles.values():
            if role.phase is Phase.WAITING and not self._unknown_target(role.node):
                role.phase = Phase.STARTING
                yield Launch(role.node.name)

    def _unknown_target(self, node: Node) -> bool:
        """Whether the node calls one whose port only its READY will tell."""
        if not node.calls:
            return False
        callee = self._roles[node.calls]
        return callee.node.bind.port == 0 and callee.phase in (Phase.WAITING, Phase.STARTING)

    def _ready(self, name: str) -> Iterator[Command]:
        if self._roles[name].phase is not Phase.STARTING:
            return
        self._roles[name].phase = Phase.READY
        yield from self._launch()
        if self._stopping_since is None and all(role.phase is Phase.READY for role in self._roles.values()):
            for role in self._callees_first():
                role.phase = Phase.RELEASED
                yield Release(role.node.name)

    def _callees_first(self) -> list[Role]:
        def distance(role: Role) -> int:
            return 0 if not role.node.calls else 1 + distance(self._roles[role.node.calls])

        return sorted(self._roles.values(), key=distance)

    def _logged(self, event: LogSeen, now: float) -> Iterator[Command]:
        role = self._roles[event.node]
        role.last_words, role.heard_at = event.line.msg, now
        role.in_call = (role.in_call or event.line.fields.get("event") == IN_CALL) and role.asked_at is None
        if event.line.level == "ERROR" and not role.error:
            role.error = event.line.msg
            role.failed_at = now if role.failed_at is None else role.failed_at
            role.told_code = int(event.line.fields.get("code", 0))
            if role.told_code:
                yield from self._stop(f"{event.node} has failed", now)

    def _exited(self, event: Exited, now: float) -> Iterator[Command]:
        role = self._roles[event.node]
        was_released = role.phase is Phase.RELEASED
        role.phase, role.exit_code = Phase.GONE, event.code
        if not was_released and role.asked_at is None and not event.code:
            role.early, role.error = True, "ended of itself before there was a call"
        if self._code(role) and role.failed_at is None:
            role.failed_at = now
        if event.code < 0 and self._code(role):
            role.error = role.error or how_it_ended(event.code)
        if self._code(role) or not was_released:
            yield from self._stop(f"{event.node} has failed" if self._code(role) else f"{event.node} has ended", now)
        else:
            for name in self._call_of(event.node):
                self._linger_until.setdefault(name, now + LINGER_S)

    def _call_of(self, name: str) -> set[str]:
        """Return the nodes that one call connects, from its source to its sink."""
        calls = {(node.name, node.calls) for node in self.nodes if node.calls}
        connected = {name}
        while more := {n for pair in calls if connected & set(pair) for n in pair if n} - connected:
            connected |= more
        return connected

    def _interrupted(self, reason: str, now: float) -> Iterator[Command]:
        if self._interrupted_at is not None and reason != HANG_UP and now >= self._interrupted_at + SAME_S:
            yield from self._kill(self._roles.values())
        self._interrupted_at = now if self._interrupted_at is None else self._interrupted_at
        yield from self._stop(reason, now)

    def _stop(self, reason: str, now: float) -> Iterator[Command]:
        if self._stopping_since is not None:
            return
        self._stopping_since, self.stop_reason = now, reason
        yield from self._terminate(self._roles, now)
        for role in self._roles.values():
            if role.phase is Phase.WAITING:
                role.phase = Phase.GONE

    def _terminate(self, names: Container[str], now: float) -> Iterator[Command]:
        for role in reversed(self._callees_first()):  # the caller first, so that the hang-up is its own
            if role.alive and role.asked_at is None and role.node.name in names:
                role.asked_at = now
                yield Terminate(role.node.name)

    def _kill(self, roles: Iterable[Role]) -> Iterator[Command]:
        for role in roles:
            if role.alive and not role.killed:
                role.killed = True
                role.error = role.error or "was still there after SIGTERM and had to be killed"
                yield Kill(role.node.name)

    def _time_passes(self, now: float) -> Iterator[Command]:
        if self._stopping_since is None:
            yield from self._overdue(now)
        yield from self._kill(role for role in self._roles.values() if self._waited(role, self.timing.kill_s, now))
        for role in reversed(self._callees_first()):
            if self._waited(role, self.timing.grace_s, now) and not role.asked_again:
                role.asked_again = True
                yield Terminate(role.node.name)

    @staticmethod
    def _waited(role: Role, seconds: float, now: float) -> bool:
        """Whether a role that we can only wait for has been asked to stop that long ago."""
        return role.alive and not role.killed and role.asked_at is not None and now >= role.asked_at + seconds

    def _overdue(self, now: float) -> Iterator[Command]:
        late = [role for role in self._roles.values() if role.phase is Phase.STARTING]
        if late and now >= self._began + self.timing.ready_s:
            for role in late:
                role.late = True
                role.error = role.error or f"not READY within {self.timing.ready_s:g} s"
                role.failed_at = role.failed_at or now
            yield from self._stop(f"{late[0].node.name} is not ready", now)
        silent = [role for role in self._roles.values() if role.alive and role.in_call]
        for role in (role for role in silent if now >= role.heard_at + SILENT_S):
            role.late, role.failed_at = True, now
            role.error = role.error or f"has said nothing for {SILENT_S:g} s in its call"
            yield from self._stop(f"{role.node.name} is stuck", now)
        over = [name for name, until in self._linger_until.items() if now >= until]
        if lingering := [name for name in over if self._lingers(self._roles[name])]:
            self.stop_reason = f"the call is over, but {', '.join(lingering)} had not noticed"
            yield from self._terminate(lingering, now)

    @staticmethod
    def _lingers(role: Role) -> bool:
        return role.alive and role.asked_at is None

    def _code(self, role: Role) -> int:
        """Return the exit code that stands for what became of a role."""
        if role.late or (role.killed and (role.exit_code or -1) < 0):  # else it went before it was hit
            return int(ExitCode.TIMEOUT)
        if role.early:
            return int(ExitCode.SIP)
        if role.exit_code is None or role.exit_code in OUR_CODES:
            return role.exit_code or 0
        if role.exit_code == -signal.SIGTERM and role.asked_at is not None:  # too young, or too old, to have heard us
            return role.told_code
        return int(ExitCode.UNEXPECTED)

    def _is_consequence(self, role: Role) -> bool:
        """Whether a role's failure is only the hang-up that our own stop has caused."""
        return (
            self._code(role) == ExitCode.SIP
            and role.asked_at is not None
            and role.failed_at is not None
            and role.failed_at > role.asked_at
        )

    def _is_messenger(self, role: Role, failures: Sequence[Role]) -> bool:
        """Whether a role has only told of the hang-up that another one's failure ended in, which we heard of later."""
        if self._code(role) != ExitCode.SIP:
            return False
        call = self._call_of(role.node.name)
        return any(
            other.node.name in call
            and self._code(other) in (ExitCode.AUDIO, ExitCode.UNEXPECTED)
            and (other.failed_at or 0.0) < (role.failed_at or 0.0) + MESSENGER_S
            for other in failures
        )
