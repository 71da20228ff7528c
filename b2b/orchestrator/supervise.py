"""Who must start, go on or die, and when: decided from events alone, without a process or a clock in sight."""

from __future__ import annotations

import signal
from collections.abc import Container, Iterable, Iterator, Sequence
from dataclasses import dataclass, field

from b2b.child import how_it_ended
from b2b.errors import ExitCode
from b2b.flags import SOURCE
from b2b.orchestrator.events import (
    Broken,
    Command,
    Event,
    Exited,
    Interrupted,
    Kill,
    Launch,
    LogSeen,
    NotReady,
    ReadySeen,
    Release,
    Terminate,
    WordsSeen,
)
from b2b.orchestrator.state import Failure, Phase, Role
from b2b.orchestrator.ties import Ties
from b2b.plan.device import ready_of
from b2b.plan.model import Node

__all__ = ["Failure", "Supervisor", "Timing"]

MESSENGER_S = 1.0  # a hang-up may be heard of that much before the failure that caused it
HANG_UP, SAME_S = "SIGHUP", 0.1  # a terminal that closes sends several; so does whoever presses keys in a hurry
SILENT_S = 20.0  # a role in a call tells its metrics every five seconds
LINGER_S = 3.0  # when one end of a call has gone, the others have that long to see it and go too
IN_CALL = "CALL_ESTABLISHED"
OUR_CODES = {int(code) for code in ExitCode} - {int(ExitCode.CHECK_FAILED)}


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
    _ties: Ties = field(init=False)
    _roles_since: float = 0.0  # when the roles were, or could have been, started
    _stopping_since: float | None = None
    _interrupted_at: float | None = None
    _broken_at: float | None = None
    _linger_until: dict[str, float] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self._ties = Ties(self.nodes)

    def begin(self, now: float) -> list[Command]:
        """Launch every device that is called, or else every role whose target is known."""
        self._roles_since = now
        self._roles = {node.name: Role(node) for node in self.nodes}
        return list(self._launch(now))

    def handle(self, event: Event, now: float) -> list[Command]:
        """Take one event in and say what is to be done."""
        commands: list[Command] = []
        if isinstance(event, ReadySeen):
            commands += self._ready(event.node, now)
        elif isinstance(event, LogSeen):
            commands += self._logged(event, now)
        elif isinstance(event, WordsSeen):
            self._roles[event.node].last_words = event.words.strip() or self._roles[event.node].last_words
        elif isinstance(event, NotReady):
            self._roles[event.node].shows = event.says
        elif isinstance(event, Exited):
            commands += self._exited(event, now)
        elif isinstance(event, Interrupted):
            commands += self._interrupted(event.reason, now)
        elif isinstance(event, Broken):
            self._broken_at = now if self._broken_at is None else self._broken_at
            commands += self._stop(event.reason, now)
        return commands + list(self._time_passes(now))

    def _in_order(self) -> list[Role]:
        return [self._roles[name] for name in self._ties.callees_first()]

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
            yield from (self._ready_by(role) for role in self._roles.values() if role.phase is Phase.STARTING)
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
        reason = first.error or first.last_words or ExitCode(code).meaning
        return Failure(first.node.name, code, f"{reason}{self._who_is_meant(first)}")

    def exit_codes(self) -> dict[str, int | None]:
        """Return the code of every role, and of a device what it ended with; None for one that was never started."""
        return {
            name: role.exit_code if role.node.is_device or role.exit_code is None else self._code(role)
            for name, role in self._roles.items()
        }

    def _launch(self, now: float) -> Iterator[Command]:
        if self._stopping_since is not None:
            return
        for role in self._roles.values():
            if role.phase is Phase.WAITING and self._may_start(role):
                role.phase, role.launched_at = Phase.STARTING, now
                yield Launch(role.node.name)

    def _may_start(self, role: Role) -> bool:
        """Whether whom a node needs is there: roles need all devices that are called, a device that calls all roles."""
        if role.node.is_device:
            return not self._ties.dials(role.node)
        early = (Phase.WAITING, Phase.STARTING)
        devices = [other for other in self._roles.values() if other.node.is_device and not self._ties.dials(other.node)]
        return not any(device.phase in early for device in devices) and not self._unknown_target(role.node)

    def _unknown_target(self, node: Node) -> bool:
        """Whether the node calls one whose port only its READY will tell."""
        if not node.calls:
            return False
        callee = self._roles[node.calls]
        return callee.node.bind.port == 0 and callee.phase in (Phase.WAITING, Phase.STARTING)

    def _ready(self, name: str, now: float) -> Iterator[Command]:
        if self._roles[name].phase is not Phase.STARTING:
            return
        self._roles[name].phase = Phase.READY
        if self._roles[name].node.is_device:
            self._roles_since = now
        yield from self._launch(now)
        waited_for = [role for role in self._roles.values() if not self._ties.dials(role.node)]
        if self._stopping_since is None and all(role.phase is Phase.READY for role in waited_for):
            for role in self._in_order():
                dials, role.phase = self._ties.dials(role.node), Phase.RELEASED
                yield Launch(role.node.name) if dials else Release(role.node.name)

    def _ready_by(self, role: Role) -> float:
        """Return when a node that was started must be ready."""
        if role.node.is_device:
            return role.launched_at + ready_of(role.node).timeout_ms / 1000
        return self._roles_since + self.timing.ready_s

    def _logged(self, event: LogSeen, now: float) -> Iterator[Command]:
        role = self._roles[event.node]
        role.last_words, role.heard_at = event.line.msg, now
        role.answered = role.answered or event.line.fields.get("event") == IN_CALL
        role.in_call = role.answered and role.asked_at is None
        if event.line.level == "ERROR" and not role.error:
            role.error = event.line.msg
            role.failed_at = now if role.failed_at is None else role.failed_at
            role.told_code = int(event.line.fields.get("code", 0))
            if role.told_code:
                yield from self._stop(f"{event.node} has failed", now)

    def _exited(self, event: Exited, now: float) -> Iterator[Command]:
        role = self._roles[event.node]
        if role.node.is_device:
            yield from self._device_exited(role, event.code, now)
            return
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
            self._call_is_over(event.node, now)

    def _device_exited(self, role: Role, code: int, now: float) -> Iterator[Command]:
        """Take in the end of a device: it may end by itself only when its calls are over."""
        before, role.phase, role.exit_code = role.phase, Phase.GONE, code
        in_call = any(other.alive and other.answered for other in self._roles.values())
        ours = {-signal.SIGTERM, -signal.SIGKILL, -signal.Signals[f"SIG{role.node.settings['stop']['signal']}"]}
        when = "when it was asked to stop"
        if role.asked_at is not None:
            good = code >= 0 or code in ours
        else:
            released = before is Phase.RELEASED
            when = "in the call" if in_call else "by itself" if released else "before there was a call"
            good = released and code == 0 and (not in_call or self._ties.dials(role.node))
        if good:
            self._call_is_over(role.node.name, now)
            return
        said = f"; it last said: {role.last_words}" if role.last_words else ""
        role.error, role.failed_at = f"ended {when}: {how_it_ended(code)}{said}", now
        yield from self._stop(f"{role.node.name} has ended", now)

    def _call_is_over(self, name: str, now: float) -> None:
        """Give the others of a call a moment to see that one has gone; everybody, when no caller is left."""
        callers = [role for role in self._roles.values() if role.node.role == SOURCE or self._ties.dials(role.node)]
        nobody_calls = bool(callers) and not any(role.alive for role in callers)
        for other in self._roles if nobody_calls else self._ties.call_of(name):
            self._linger_until.setdefault(other, now + LINGER_S)

    def _interrupted(self, reason: str, now: float) -> Iterator[Command]:
        if self._interrupted_at is not None and reason != HANG_UP and now >= self._interrupted_at + SAME_S:
            yield from self._kill(self._roles.values())
        self._interrupted_at = now if self._interrupted_at is None else self._interrupted_at
        yield from self._stop(reason, now)

    def _stop(self, reason: str, now: float) -> Iterator[Command]:
        if self._stopping_since is not None:
            return
        self._stopping_since, self.stop_reason = now, reason
        yield from self._terminate([name for name, role in self._roles.items() if self._hangs_up(role)], now)
        for role in self._roles.values():
            if role.phase is Phase.WAITING:
                role.phase = Phase.GONE

    def _terminate(self, names: Container[str], now: float) -> Iterator[Command]:
        for role in reversed(self._in_order()):  # the caller first, so that the hang-up is its own
            if role.alive and role.asked_at is None and role.node.name in names:
                role.asked_at = now
                yield Terminate(role.node.name)

    def _hangs_up(self, role: Role) -> bool:
        """Whether it ends calls when it is asked to stop; a device that is called is needed for that, and goes last."""
        return not role.node.is_device or self._ties.dials(role.node)

    def _kill(self, roles: Iterable[Role]) -> Iterator[Command]:
        for role in roles:
            if role.alive and not role.killed:
                role.killed = True
                role.error = role.error or "was still there after SIGTERM and had to be killed"
                yield Kill(role.node.name)

    def _time_passes(self, now: float) -> Iterator[Command]:
        if self._stopping_since is None:
            yield from self._overdue(now)
        if not any(role.alive or role.phase is Phase.WAITING for role in self._roles.values() if self._hangs_up(role)):
            yield from self._terminate(self._roles, now)
        yield from self._kill(role for role in self._roles.values() if self._waited(role, self.timing.kill_s, now))
        for role in reversed(self._in_order()):
            if self._waited(role, self.timing.grace_s, now) and not role.asked_again:
                role.asked_again = True
                yield Terminate(role.node.name)

    @staticmethod
    def _waited(role: Role, seconds: float, now: float) -> bool:
        """Whether a role that we can only wait for has been asked to stop that long ago."""
        return role.alive and not role.killed and role.asked_at is not None and now >= role.asked_at + seconds

    def _overdue(self, now: float) -> Iterator[Command]:
        starting = [role for role in self._roles.values() if role.phase is Phase.STARTING]
        if late := [role for role in starting if now >= self._ready_by(role)]:
            for role in late:
                role.late = True
                role.error = role.error or self._why_late(role)
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

    def _why_late(self, role: Role) -> str:
        if not role.node.is_device:
            return f"not READY within {self.timing.ready_s:g} s"
        ready = ready_of(role.node)
        wanted = f"no line of its output matched {ready.output!r}" if ready.output else ""
        said = f"; it last said: {role.last_words}" if role.last_words else ""
        return f"not ready within {ready.timeout_ms / 1000:g} s: {role.shows or wanted}{said}"

    def _lingers(self, role: Role) -> bool:
        return role.alive and role.asked_at is None and self._hangs_up(role)

    def _who_is_meant(self, role: Role) -> str:
        """Return which device a role's failed call was to, for all that a role knows is an address."""
        devices = [callee for callee in role.node.callees if self._roles[callee].node.is_device]
        if role.node.is_device or not devices or self._code(role) != ExitCode.SIP:
            return ""
        return f" ({devices[0]} is at {self._roles[devices[0]].node.bind})"

    def _code(self, role: Role) -> int:
        """Return the exit code that stands for what became of a role."""
        if role.late or (role.killed and (role.exit_code or -1) < 0):  # else it went before it was hit
            return int(ExitCode.TIMEOUT)
        if role.early or (role.node.is_device and role.error):
            return int(ExitCode.SIP)
        if role.node.is_device:
            return 0
        if role.exit_code is None or role.exit_code in OUR_CODES:
            return role.exit_code or 0
        if role.exit_code == -signal.SIGTERM and role.asked_at is not None:  # too young, or too old, to have heard us
            return role.told_code
        return int(ExitCode.UNEXPECTED)

    def _is_consequence(self, role: Role) -> bool:
        """Whether a role's failure is only the hang-up that our own stop has caused, or what is broken for all."""
        if self._broken_at is not None and (role.failed_at is None or role.failed_at > self._broken_at):
            return True
        return (
            not role.node.is_device  # it is asked when no call is left, and falls over by itself
            and self._code(role) == ExitCode.SIP
            and role.asked_at is not None
            and role.failed_at is not None
            and role.failed_at > role.asked_at
        )

    def _is_messenger(self, role: Role, failures: Sequence[Role]) -> bool:
        """Whether a role has only told of the hang-up that another one's failure ended in, which we heard of later."""
        if self._code(role) != ExitCode.SIP:
            return False
        call = self._ties.call_of(role.node.name)
        return any(
            other is not role
            and other.node.name in call
            and (other.node.is_device or self._code(other) in (ExitCode.AUDIO, ExitCode.UNEXPECTED))
            and (other.failed_at or 0.0) < (role.failed_at or 0.0) + MESSENGER_S
            for other in failures
        )
