"""What the orchestrator learns of its roles, and what it does about it: small values, nothing else."""

from __future__ import annotations

from dataclasses import dataclass

from b2b.logs import LogLine


@dataclass(frozen=True, slots=True)
class Started:
    """A role on another machine has become a process, of that number there."""

    node: str
    pid: int


@dataclass(frozen=True, slots=True)
class Line:
    """A role has written a line, which somebody else is to make sense of."""

    node: str
    text: str


@dataclass(frozen=True, slots=True)
class ReadySeen:
    """A role has printed its handshake, or a device shown that it is there; `sip` is where it listens."""

    node: str
    sip: str


@dataclass(frozen=True, slots=True)
class LogSeen:
    """A role has written a log line."""

    node: str
    line: LogLine


@dataclass(frozen=True, slots=True)
class WordsSeen:
    """Something below a role has written what is no log line; a device writes nothing else."""

    node: str
    words: str


@dataclass(frozen=True, slots=True)
class NotReady:
    """A device still shows no sign of being ready; its text says what it shows instead."""

    node: str
    says: str


@dataclass(frozen=True, slots=True)
class Exited:
    """A role's or device's process has ended; a negative code is the signal that ended it."""

    node: str
    code: int


@dataclass(frozen=True, slots=True)
class Interrupted:
    """Somebody wants the orchestrator to stop."""

    reason: str


@dataclass(frozen=True, slots=True)
class Broken:
    """What another package hangs into the run cannot go on, for that reason."""

    reason: str


@dataclass(frozen=True, slots=True)
class Passed:
    """Time has passed, and nothing else has happened."""


Event = Started | Line | ReadySeen | LogSeen | WordsSeen | NotReady | Exited | Interrupted | Broken | Passed


@dataclass(frozen=True, slots=True)
class Launch:
    """Start a role's or a device's process."""

    node: str


@dataclass(frozen=True, slots=True)
class Release:
    """Let a role that is ready go on: it may dial now."""

    node: str


@dataclass(frozen=True, slots=True)
class Terminate:
    """Ask a role to stop, with SIGTERM, or a device, with its own signal."""

    node: str


@dataclass(frozen=True, slots=True)
class Kill:
    """End a role and all that it started, with SIGKILL."""

    node: str


Command = Launch | Release | Terminate | Kill
