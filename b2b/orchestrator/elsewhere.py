"""Other machines, on which roles of a run are: their processes as the run's own, and what they leave, brought home."""

from __future__ import annotations

import contextlib
import datetime
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

from b2b import clock
from b2b.errors import SipError, UsageError
from b2b.far.clocks import Clocks
from b2b.far.files import PLAIN, Taking
from b2b.far.messages import PIECE, Message, number_of, piece, text_of
from b2b.logs import printable
from b2b.orchestrator.children import read_line
from b2b.orchestrator.events import Event, Exited, LogSeen, Started, WordsSeen
from b2b.orchestrator.link import Link
from b2b.plan.model import Node, Plan

HOSTS = "hosts"  # the folder below a run's, with what the machines themselves left
FILES, OURS = ".files", ".host"  # their folders' parts that no node's name can be: what is played, and what hooks leave
LOOK_S = 0.1
ODD = re.compile(r"[^A-Za-z0-9_.@-]")
NO_FILE = ("audio_file", "password_file")  # what is a path here, and not there


class Machine:
    """One other machine; its roles' lines and ends go to `post`, and their files into the run folder."""

    def __init__(self, name: str, nodes: Sequence[Node], folder: Path, post: Callable[[Event], None]) -> None:
        self.name, self.nodes = name, nodes
        self.link = Link(name, self._take, self._lost)
        self._run_folder, self._post = folder, post
        self._folder = f"{HOSTS}/{ODD.sub('-', name)}"
        self._taking = Taking(self._place)
        self._trouble = ""  # why not all that it has can be had
        self._alive: set[str] = set()
        self._done = False

    @property
    def clocks(self) -> Clocks:
        """What is known of its clock."""
        return self.link.clocks

    @property
    def addresses(self) -> list[str]:
        """Where its roles are."""
        return sorted({node.bind.ip for node in self.nodes})

    def bring(self, node: Node) -> None:
        """Send the sound that a node plays. Raises UsageError where it cannot be read."""
        if not (path := node.settings.get("audio_file")):
            return
        try:
            with Path(path).open("rb") as file:
                at = 0
                while data := file.read(PIECE):
                    self.link.send(piece(_named(node), at, data))
                    at += len(data)
        except OSError as error:
            raise UsageError(f"{path}: cannot be read: {error.strerror}") from None

    def node(self, name: str) -> Path:
        """Return the folder of a node there."""
        return Path(self.link.folder) / name

    def recording(self, name: str) -> Path:
        """Return where a node's recording lies there."""
        return Path(self.link.folder) / f"{name}.wav"

    def as_there(self, node: Node) -> Node:
        """Return a node with the paths that are right there; of a password there is none."""
        settings = {key: value for key, value in node.settings.items() if key not in NO_FILE}
        if "audio_file" in node.settings:
            settings["audio_file"] = str(Path(self.link.folder) / FILES / _named(node))
        return replace(node, settings=settings)

    def launch(self, node: Node, command: Sequence[str], env: Mapping[str, str]) -> FarRole:
        """Start a role there."""
        if self.link.over.is_set():
            self._post(Exited(node.name, int(SipError.code)))
        else:
            self._alive.add(node.name)
        self.link.ask("launch", node=node.name, command=list(command), env=dict(env))
        return FarRole(node, self.link)

    def bring_home(self) -> str:
        """Wait for all that its roles and it itself left; return why some of it is missing, "" where nothing is."""
        self.link.ask("finish")
        while not self._done and not self.link.over.wait(LOOK_S):
            pass  # the link gives up when nothing comes any more
        missing = self._trouble or self._taking.trouble
        if not missing and not self._done:
            cut_off = ", ".join(map(printable, self._taking.cut_off))
            missing = f"the connection ended before all was here{f'; not whole: {cut_off}' if cut_off else ''}"
        return f"{self.name}: {missing}" if missing else ""

    def as_json(self) -> dict[str, Any]:
        """Return what is known of it, for those who read its files."""
        offset = self.clocks.offset
        return {
            "folder": self._folder,
            "host": self.link.calls_itself,
            "nodes": [node.name for node in self.nodes],
            "addresses": self.addresses,
            "clock": asdict(offset) if offset else None,
        }

    def _place(self, name: str) -> Path | None:
        """Return where a file from there belongs."""
        first, _, rest = name.partition("/")
        nodes = [node.name for node in self.nodes]
        if first == OURS and PLAIN.fullmatch(rest):
            return self._run_folder / self._folder / rest
        known = first in nodes and PLAIN.fullmatch(rest) if rest else first in [f"{node}.wav" for node in nodes]
        return self._run_folder / name if known else None

    def _take(self, message: Message) -> None:
        kind = message["is"]
        if kind == "piece":
            self._taking.piece(message)
        elif kind == "whole":
            self._taking.whole(message)
        elif kind == "trouble":
            self._trouble = self._trouble or printable(text_of(message, "says"))
        elif kind == "done":
            self._done = True
        elif (name := text_of(message, "node")) in self._alive:
            self._take_of_role(kind, name, message)

    def _take_of_role(self, kind: str, name: str, message: Message) -> None:
        if kind == "started":
            self._post(Started(name, number_of(message, "pid")))
        elif kind == "line":
            self._post(self._in_our_time(read_line(name, text_of(message, "text"))))
        elif kind == "exited":
            self._alive.discard(name)
            self._post(Exited(name, number_of(message, "code")))

    def _lost(self, why: str) -> None:
        if not self._done:
            self._trouble = self._trouble or why
        for name in sorted(self._alive):
            self._post(WordsSeen(name, f"{self.name}: {self._trouble}"))
            self._post(Exited(name, int(SipError.code)))

    def _in_our_time(self, event: Event) -> Event:
        """Return what a line says with its time in ours."""
        if not (isinstance(event, LogSeen) and (offset := self.clocks.offset)):
            return event
        try:
            there_s = datetime.datetime.fromisoformat(event.line.ts).timestamp()
            return replace(event, line=replace(event.line, ts=clock.timestamp(offset.here(there_s))))
        except (ValueError, OverflowError, OSError):
            return event


class FarRole:
    """A role on another machine, seen by the run as one of this."""

    def __init__(self, node: Node, link: Link) -> None:
        self.node, self._link = node, link
        self.pid: int | None = None  # there, once it has been told

    def release(self) -> None:
        """Let it go on from READY."""
        self._link.ask("release", node=self.node.name)

    def terminate(self) -> None:
        """Ask it to stop."""
        self._link.ask("terminate", node=self.node.name)

    def kill(self) -> None:
        """End it and all that it has started."""
        self._link.ask("kill", node=self.node.name)


@contextlib.contextmanager
def connected(
    plan: Plan, ssh: tuple[str, str], folder: Path, post: Callable[[Event], None]
) -> Iterator[dict[str, Machine]]:
    """Have the machines of a plan's nodes at hand while the block lasts. Raises SipError or UsageError."""
    machines = {name: Machine(name, nodes, folder, post) for name, nodes in plan.hosts.items()}
    with contextlib.ExitStack() as stack:
        for machine in machines.values():
            machine.link.connect(*ssh, addresses=machine.addresses)
            stack.callback(machine.link.close)
        for machine in machines.values():
            machine.link.greet()
            for node in machine.nodes:
                machine.bring(node)
        yield machines


def _named(node: Node) -> str:
    """Return what the file that a node plays is called there; ffmpeg may want to know its kind."""
    suffix = Path(node.settings["audio_file"]).suffix
    return f"{node.name}{suffix if PLAIN.fullmatch(f'a{suffix}') else ''}"
