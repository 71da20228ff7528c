"""The roles as processes: their command lines, their output as events, their end."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import threading
from collections.abc import Callable, Collection, Mapping
from pathlib import Path

from b2b import child
from b2b.flags import plan_flags
from b2b.logs import LogLine, Ready, printable
from b2b.orchestrator.events import Event, Exited, LogSeen, ReadySeen, WordsSeen
from b2b.plan.model import Node

LAST_OUTPUT_S = 1.0


def role_command(node: Node, *, target: str | None, extra: Mapping[str, str]) -> list[str]:
    """Return a node's settings as the command line that anybody could type; defaults are left out."""
    command = [node.role]
    for key, flag in plan_flags(node.role).items():
        value = target if key == "sip_target" else node.settings.get(key)
        if value is None or (value == flag.default and key not in node.given):
            continue
        if flag.kind is bool:
            command += [flag.option] if value else []
        else:
            command += [flag.option, str(value)]
    for option, value in extra.items():
        command += [option, value] if value else [option]
    return command


def without(secrets: Collection[str], *, but: str | None = None) -> dict[str, str]:
    """Return our environment without the passwords of others."""
    return {name: value for name, value in os.environ.items() if name not in secrets or name == but}


class RoleProcess:
    """One role's process; what it writes and how it ends goes to `post`.

    `secrets` are the variables of the environment with passwords, of which it gets its own alone. `read` makes an event
    of the node's name and a line of its output.
    """

    def __init__(
        self,
        node: Node,
        command: list[str],
        post: Callable[[Event], None],
        *,
        secrets: Collection[str] = (),
        read: Callable[[str, str], Event] | None = None,
    ) -> None:
        self.node, self._post, self._understand = node, post, read or read_line
        # It must outlive us by the moment that it takes to hang up, so it watches its standard input instead.
        command = [*child.python_command("b2b"), *command]
        env = without(secrets, but=node.settings.get("password_env"))
        self._process = child.start(command, stdin=subprocess.PIPE, dies_with_us=False, env=env)
        self._reader = threading.Thread(target=self._read, name=f"{node.name}-output", daemon=True)
        self._reader.start()
        threading.Thread(target=self._wait, name=f"{node.name}-exit", daemon=True).start()

    @property
    def pid(self) -> int:
        """Its process number, which is its process group's too."""
        return self._process.pid

    def release(self) -> None:
        """Let it go on from READY."""
        assert self._process.stdin
        with contextlib.suppress(OSError):  # past Python's buffer, where it would stay if nobody took it
            os.write(self._process.stdin.fileno(), b"start\n")

    def terminate(self) -> None:
        """Ask it to stop."""
        child.signal_process(self._process, signal.SIGTERM)

    def kill(self) -> None:
        """End it and all that it has started."""
        child.kill_group(self.pid)

    def _read(self) -> None:
        assert self._process.stdout
        with self._process.stdout as pipe:
            for raw in pipe:
                self._post(self._understand(self.node.name, raw.decode(errors="replace")))

    def _wait(self) -> None:
        code = self._process.wait()
        child.kill_group(self.pid)
        self._reader.join(LAST_OUTPUT_S)
        self._post(Exited(self.node.name, code))


def read_line(node: str, text: str) -> Event:
    """Return what a line of a node's output says."""
    if ready := Ready.parse(text):
        return ReadySeen(node, ready.sip)
    if line := LogLine.parse(text):
        return LogSeen(node, line)
    return WordsSeen(node, printable(text))


def relative(path: Path) -> str:
    """Return a path as short as it can be said from here."""
    with contextlib.suppress(ValueError):
        return os.path.relpath(path) if path.is_relative_to(Path.cwd()) else str(path)
    return str(path)
