"""`b2b there`: plays roles of another machine's run, which asks for it over ssh, and sends home what they leave.

It speaks `b2b.far.messages` on its standard input and output. Everything lies in a temporary folder. When the other end
has gone, or is silent, all is ended and removed.
"""

from __future__ import annotations

import contextlib
import os
import platform
import queue
import sys
import tempfile
import threading
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import click

from b2b import __version__, clock
from b2b.errors import AudioError, B2bError, UsageError, describe
from b2b.far.files import PLAIN, Sending, Taking
from b2b.far.messages import Message, NonsenseError, Sender, encode, number_of, read_messages, text_of
from b2b.flags import CALLING_ROLES
from b2b.orchestrator import hooks, signals
from b2b.orchestrator.children import RoleProcess
from b2b.orchestrator.elsewhere import FILES, OURS
from b2b.orchestrator.events import Event, Exited, Line
from b2b.plan.model import Node

GROWING = ("*.wav", f"{OURS}/*.pcap", f"{OURS}/*.jsonl")
TICK_S = 0.25
SILENT_S = 15.0  # in which a living orchestrator has sent a dozen messages
LAST_WORDS_S = 1.0
SENT_S = 60.0  # at most for what is still to be sent at the end
GRACE_S = 5.0  # for roles that have nobody any more


@dataclass(frozen=True, slots=True)
class Gone:
    """Nobody is left to play for, or somebody here wants us to stop."""

    reason: str


@click.command(hidden=True)
def there() -> int:
    """Play roles of another machine's run; for the orchestrator there, which starts this over ssh."""
    sender = Sender(sys.stdout.buffer)
    try:
        with tempfile.TemporaryDirectory(prefix="b2b-far-") as scratch:
            return _Stage(Path(scratch), sender).play()
    finally:
        sender.close(LAST_WORDS_S)


class _Stage:
    """The roles that are played here, from the first message to the last."""

    def __init__(self, folder: Path, sender: Sender) -> None:
        self._folder, self._sender = folder, sender
        self._inbox: queue.SimpleQueue[Message | Event | Gone] = queue.SimpleQueue()
        self._sending = Sending(folder, sender.send, but=folder / FILES)
        self._taking = Taking(lambda name: folder / FILES / name if PLAIN.fullmatch(name) else None)
        self._roles: dict[str, RoleProcess] = {}
        self._secrets: set[str] = set()
        self._heard_at = clock.now()
        self._left: set[str] = set()

    def play(self) -> int:
        signals.report(lambda name: self._inbox.put(Gone(name)))
        threading.Thread(target=self._listen, name="orchestrator", daemon=True).start()
        try:
            hello = self._next()
            if not isinstance(hello, dict) or hello["is"] != "hello":
                raise UsageError("there: wanted the orchestrator of another machine, which starts this over ssh for a "
                                 "node with that machine as its host; nothing of it came")
            self._tell("hello", version=__version__, folder=str(self._folder), host=platform.node())
            with hooks.elsewhere([str(ip) for ip in hello.get("addresses", [])], self._folder / OURS):
                finished = self._until_finished()
                self._end_roles()
            if finished:
                self._sending.rest()
                self._tell("done")
                self._sender.close(SENT_S)
        except UsageError:
            raise
        except (NonsenseError, B2bError) as error:
            self._tell("trouble", says=str(error))
        except OSError as error:
            self._tell("trouble", says=describe(error))
        finally:
            self._end_roles()
        return 0

    def _until_finished(self) -> bool:
        """Do what is asked for; return whether the orchestrator has had enough, rather than gone away."""
        while not isinstance(message := self._next(), Gone):
            if isinstance(message, Line):
                self._tell("line", node=message.node, text=message.text)
            elif isinstance(message, Exited):
                self._left.add(message.node)
                self._sending.growth(*GROWING)
                self._tell("exited", node=message.node, code=message.code)
            elif isinstance(message, dict) and message["is"] == "finish":
                return True
            elif isinstance(message, dict):
                self._obey(message)
        return False

    def _obey(self, message: Message) -> None:
        kind = message["is"]
        if kind == "ping":
            self._tell("pong", n=number_of(message, "n"), wall_s=clock.wall())
        elif kind == "piece":
            self._taking.piece(message)
        elif kind == "launch":
            self._launch(message)
        elif role := self._roles.get(text_of(message, "node")):
            {"release": role.release, "terminate": role.terminate, "kill": role.kill}[kind]()

    def _launch(self, message: Message) -> None:
        if self._taking.trouble:
            raise AudioError(self._taking.trouble)
        name, command, env = text_of(message, "node"), message.get("command"), message.get("env", {})
        words = isinstance(command, list) and all(isinstance(word, str) for word in command)
        if not isinstance(command, list) or not words or command[:1] not in [[role] for role in CALLING_ROLES]:
            raise NonsenseError("wanted a role's command line, came something else")
        self._secrets |= set(env)
        os.environ |= env
        node = Node(name, command[0], {"password_env": next(iter(env), "")})
        role = RoleProcess(node, command, self._inbox.put, secrets=self._secrets, read=Line)
        self._roles[name] = role
        self._tell("started", node=name, pid=role.pid)

    def _end_roles(self) -> None:
        """End what is still there, as the orchestrator would."""
        alive = {name: role for name, role in self._roles.items() if name not in self._left}
        for role in alive.values():
            role.terminate()
        by = clock.Deadline.patience(GRACE_S)
        while alive and not by.passed:
            with contextlib.suppress(queue.Empty):
                message = self._inbox.get(timeout=min(TICK_S, by.machine_left))
                if isinstance(message, Exited):
                    alive.pop(message.node, None)
                    self._left.add(message.node)
        for role in alive.values():
            role.kill()
            self._left.add(role.node.name)

    def _next(self) -> Message | Event | Gone:
        """Return what comes next, meanwhile sending home what grows."""
        while True:
            try:
                message = self._inbox.get(timeout=TICK_S)
            except queue.Empty:
                self._sending.growth(*GROWING)
                if clock.now() - self._heard_at > SILENT_S:
                    return Gone("the orchestrator is silent")
                continue
            if isinstance(message, dict):
                self._heard_at = clock.now()
            return message

    def _listen(self) -> None:
        reason = "the orchestrator is gone"
        try:
            for message in read_messages(sys.stdin.buffer):
                self._inbox.put(message)
        except NonsenseError as error:
            reason = str(error)
        self._inbox.put(Gone(reason))

    def _tell(self, kind: str, **values: Any) -> None:
        self._sender.send(encode(kind, **values))
