"""Devices that are not b2b as processes: their files, their start, their sign of being ready, their end."""

from __future__ import annotations

import contextlib
import os
import re
import signal
import subprocess
import threading
from collections.abc import Callable, Mapping
from pathlib import Path

from b2b import child, clock
from b2b.audio import convert
from b2b.logs import printable
from b2b.orchestrator import resources
from b2b.orchestrator.events import Event, Exited, NotReady, ReadySeen, WordsSeen
from b2b.orchestrator.keeper import SIGNALLED
from b2b.orchestrator.readiness import probe
from b2b.orchestrator.resources import Held
from b2b.plan import template
from b2b.plan.device import read_template, ready_of, texts_of
from b2b.plan.installed import search_path
from b2b.plan.model import Node, Plan

LAST_OUTPUT_S = 1.0
SWEEP_S = 1.0
PROBE_S = 0.1
LOG = "output.log"


def values_for(device: Node, plan: Plan, folder: Path) -> dict[str, str]:
    """Return what stands for each placeholder of a device whose own folder this is."""
    values = {template.RUN_DIR: str(folder), template.PLAN_DIR: str(plan.path.parent.absolute())}
    for node in plan.nodes:
        prefix = "" if node is device else f"{node.name}."
        place = node.bind
        values |= {f"{prefix}address": str(place), f"{prefix}ip": place.ip, f"{prefix}port": str(place.port)}
        values[f"{node.name}.user"] = str(node.settings.get("sip_user", node.name))
    return values | {name: str(folder / file) for name, file in template.AUDIO.items()}


def command_of(device: Node, plan: Plan, folder: Path) -> list[str]:
    """Return the command line with everything filled in."""
    values = values_for(device, plan, folder)
    return [template.fill(word, values) for word in device.settings["command"]]


def write_files(device: Node, plan: Plan, folder: Path) -> None:
    """Write the device's templates, filled in, and the sound that they or its command ask for, into its folder.

    Raises UsageError where a template can no longer be read, AudioError where the sound cannot be converted.
    """
    values = values_for(device, plan, folder)
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    for name, path in device.settings.get("files", {}).items():
        place = folder / name
        place.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        place.write_text(template.fill(read_template(Path(path)), values), encoding="utf-8")
    wanted = {name for _key, text in texts_of(device) for name in template.used(text)}
    for name in wanted & template.AUDIO.keys():
        convert.convert(Path(device.settings["audio_file"]), folder / template.AUDIO[name])


class Device:
    """A device of a run, seen by the supervisor as a role is; what it writes and how it ends goes to `post`."""

    def __init__(
        self, node: Node, plan: Plan, folder: Path, post: Callable[[Event], None], *, env: Mapping[str, str]
    ) -> None:
        self.node, self._post, self._env = node, post, env
        self._ready = ready_of(node)
        self._gone = threading.Event()
        self._told = False
        self.command: list[str] = []
        self._process = self._start(plan, folder) if node.starts_itself else None
        self._look = probe(self._ready, node.bind, is_ours=self._process is not None)
        if self._look:
            threading.Thread(target=self._watch, name=f"{node.name}-ready", daemon=True).start()
        elif not self._ready.output:
            self._is_ready()

    @property
    def pid(self) -> int | None:
        """The number of its keeper's process, which is the group's too; None for one that is there already."""
        return self._process.pid if self._process else None

    @property
    def alive(self) -> bool:
        """Whether its process is there."""
        return self._process is not None and self._process.poll() is None

    def held(self) -> Held | None:
        """Return what its processes hold just now; None for one that is there already."""
        return resources.held_by(child.descendants(self._process.pid)) if self._process else None

    def release(self) -> None:
        """Do nothing: it has been there for all who call it."""

    def terminate(self) -> None:
        """Ask it to stop, with its own signal; one that is there already is left alone."""
        self._gone.set()
        if self._process is None:
            self._post(Exited(self.node.name, 0))
            return
        assert self._process.stdin
        with contextlib.suppress(OSError):
            os.write(self._process.stdin.fileno(), f"{self.node.settings['stop']['signal']}\n".encode())

    def kill(self) -> None:
        """End it and all that it has started, wherever that has moved itself."""
        self._gone.set()
        if self._process is None:
            return
        assert self._process.stdin
        with contextlib.suppress(OSError):
            self._process.stdin.close()
        if not child.wait(self._process, clock.Deadline.patience(SWEEP_S)):
            child.kill_group(self._process.pid)

    def _start(self, plan: Plan, folder: Path) -> subprocess.Popen[bytes]:
        write_files(self.node, plan, folder)
        self.command = command_of(self.node, plan, folder)
        keeper = [*child.python_command("b2b.orchestrator.keeper"), *self.command]
        env = {**self._env, "PATH": search_path()}
        process = child.start(keeper, stdin=subprocess.PIPE, dies_with_us=False, env=env, cwd=folder)
        self._reader = threading.Thread(target=self._read, args=(process, folder / LOG), daemon=True)
        self._reader.start()
        threading.Thread(target=self._wait, args=(process,), name=f"{self.node.name}-exit", daemon=True).start()
        return process

    def _is_ready(self) -> None:
        if not self._told:
            self._told = True
            self._post(ReadySeen(self.node.name, str(self.node.bind)))

    def _watch(self) -> None:
        assert self._look
        before = ""
        while why := self._look():
            if why != before:
                self._post(NotReady(self.node.name, why))
                before = why
            if self._gone.wait(PROBE_S):
                return
        self._is_ready()

    def _read(self, process: subprocess.Popen[bytes], log: Path) -> None:
        assert process.stdout
        with process.stdout as pipe, log.open("w", encoding="utf-8") as file:
            for raw in pipe:
                line = printable(raw.decode(errors="replace"))
                file.write(line + "\n")
                file.flush()
                self._post(WordsSeen(self.node.name, line))
                if self._ready.output and re.search(self._ready.output, line):
                    self._is_ready()

    def _wait(self, process: subprocess.Popen[bytes]) -> None:
        code = process.wait()
        self._gone.set()
        child.kill_group(process.pid)
        self._reader.join(LAST_OUTPUT_S)
        ended_by = code - SIGNALLED
        self._post(Exited(self.node.name, -ended_by if ended_by in {*signal.Signals} else code))
