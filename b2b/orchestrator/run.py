"""The edge of the orchestrator: it starts and ends processes as the supervisor says, and writes down what happens."""

from __future__ import annotations

import os
import queue
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from b2b import clock
from b2b.errors import B2bError, UsageError
from b2b.flags import DEFAULT_APLAY, ORCHESTRATOR, SINK, SOURCE
from b2b.orchestrator import signals
from b2b.orchestrator.children import RoleProcess, role_command, without
from b2b.orchestrator.console import Console
from b2b.orchestrator.devices import Device
from b2b.orchestrator.elsewhere import FarRole, Machine
from b2b.orchestrator.events import (
    Broken,
    Command,
    Event,
    Exited,
    Interrupted,
    Launch,
    LogSeen,
    NotReady,
    Passed,
    ReadySeen,
    Release,
    Started,
    Terminate,
    WordsSeen,
)
from b2b.orchestrator.folder import RunFolder
from b2b.orchestrator.report import progress
from b2b.orchestrator.resources import Held
from b2b.orchestrator.supervise import Supervisor
from b2b.plan.model import Node, Plan
from b2b.plan.resolve import finish_target

PROGRESS_S = 5.0
ROLES_S = 0.5  # after which all roles have told their metrics of the last five seconds
HOUR_S = 3600.0


@dataclass(frozen=True, slots=True)
class Wishes:
    """What the command line adds to the plan; `expected_s` is the plan's own length of a call."""

    duration_s: float | None
    listen: bool
    kill_s: float
    expected_s: float | None = None
    ears: frozenset[str] = frozenset()  # the sources that hear somebody: a device, or themselves in its echo


def extra_flags(node: Node, wishes: Wishes, folder: RunFolder | Machine) -> dict[str, str]:
    """Return the flags of a node that come from the run rather than from the plan."""
    extra = {
        "--log-format": "json",
        "--supervised": "",
        "--work-dir": str(folder.node(node.name)),
        "--kill-after-s": f"{wishes.kill_s:g}",
    }
    expected_s = None if "duration_s" in node.given else wishes.expected_s
    if node.role == SOURCE and (duration_s := wishes.duration_s or expected_s):
        extra["--duration-s"] = repr(duration_s)
    if node.role == SINK or node.name in wishes.ears:
        extra["--capture"] = str(folder.recording(node.name))
    if node.role == SINK and wishes.listen and not node.host and "aplay_cmd" not in node.given:
        extra["--aplay-cmd"] = DEFAULT_APLAY
    return extra


def password_of(node: Node) -> dict[str, str]:
    """Return the variable with a role's password, as its own process on another machine is to have it.

    Raises UsageError where it cannot be read.
    """
    name = node.settings["password_env"]
    if path := node.settings.get("password_file"):
        try:
            return {name: Path(path).read_text(encoding="utf-8").rstrip("\r\n")}
        except (OSError, UnicodeDecodeError) as error:
            reason = getattr(error, "strerror", None) or "it is no UTF-8"
            raise UsageError(f"{path}: cannot read the password: {reason}") from None
    return {name: os.environ[name]} if name in os.environ else {}


class Run:
    """One run of a plan, from the first process to the last."""

    def __init__(
        self, plan: Plan, supervisor: Supervisor, folder: RunFolder, console: Console, wishes: Wishes
    ) -> None:
        self.plan, self.supervisor = plan, supervisor
        self.metrics: dict[str, Mapping[str, Any]] = {}
        self.duration_s = 0.0
        self.broken = ""  # why what hangs in the run could not go on
        self.in_call: set[str] = set()
        self.machines: Mapping[str, Machine] = {}  # the others that roles of the plan are on
        self._folder, self._console, self._wishes = folder, console, wishes
        self._inbox: queue.SimpleQueue[Event] = queue.SimpleQueue()
        self.held: dict[str, list[Held]] = {}  # by each device before the calls, and after them
        self._processes: dict[str, RoleProcess | FarRole | Device] = {}
        self._addresses: dict[str, str] = {}
        self._commands: dict[str, list[str]] = {}  # of roles on other machines
        self._answered_at: float | None = None
        self._told_reason = ""
        self._next_progress = clock.now() + PROGRESS_S

    def play(self) -> None:
        """Return when no process of the run is left."""
        signals.report(lambda name: self._inbox.put(Interrupted(name)))
        try:
            self._do_all(self.supervisor.begin(clock.machine_now()))
            while not self.supervisor.finished:
                event = self._next_event()
                self._tell(event)
                self._do_all(self.supervisor.handle(event, clock.machine_now()))
                self._tell_stop()
                self._show_progress()
        finally:
            for process in self._processes.values():
                process.kill()

    def post(self, event: Event) -> None:
        """Let the run know of something, from whatever thread."""
        self._inbox.put(event)

    def stop_broken(self, reason: str) -> None:
        """Stop, from whatever thread, because what hangs in the run cannot go on."""
        self.broken = self.broken or reason
        self.post(Broken(reason))

    def bring_home(self) -> None:
        """Get what the roles on other machines, and those themselves, have left there."""
        for machine in self.machines.values():
            self.broken = self.broken or machine.bring_home()
            if offset := machine.clocks.offset:
                self._console.say(f"the clock of {machine.name} is {offset}")
        if self.machines:
            self._folder.write_hosts({name: machine.as_json() for name, machine in self.machines.items()})

    def _next_event(self) -> Event:
        now = clock.machine_now()
        due = min(
            self.supervisor.next_deadline or now + HOUR_S, now + clock.on_machine(self._next_progress - clock.now())
        )
        try:
            return self._inbox.get(timeout=max(0.0, due - now))
        except queue.Empty:
            return Passed()

    def _do_all(self, commands: list[Command]) -> None:
        for command in commands:
            self._do(command)

    def _do(self, command: Command) -> None:
        if isinstance(command, Launch):
            node = self.plan.node(command.node)
            self._launch_device(node) if node.is_device else self._launch(node)
            return
        process = self._processes[command.node]
        if isinstance(command, Release | Terminate) and isinstance(process, Device):
            self._look_into(process)
        if isinstance(command, Release):
            self._folder.event(command.node, "released")
            process.release()
        elif isinstance(command, Terminate):
            self._folder.event(command.node, "terminate", pid=process.pid)
            process.terminate()
        else:
            self._folder.event(command.node, "kill", pid=process.pid)
            self._console.say(f"killing {command.node}", level="WARNING")
            process.kill()

    def _launch(self, node: Node) -> None:
        target = finish_target(node.settings["sip_target"], self._addresses) if node.target else None
        if node.host:
            self._launch_far(node, target, self.machines[node.host])
            return
        command = role_command(node, target=target, extra=extra_flags(node, self._wishes, self._folder))
        self._processes[node.name] = process = RoleProcess(
            node, command, self._inbox.put, secrets=self._secrets()
        )
        self._folder.event(node.name, "started", pid=process.pid, command=command)
        self._console.say(f"started {node.name} pid={process.pid}", mark="✓", started=node.name, pid=process.pid)

    def _launch_far(self, node: Node, target: str | None, machine: Machine) -> None:
        as_there = machine.as_there(node)
        command = role_command(as_there, target=target, extra=extra_flags(as_there, self._wishes, machine))
        self._commands[node.name] = command
        self._processes[node.name] = machine.launch(node, command, password_of(node))

    def _note_started(self, event: Started) -> None:
        """Note a role that another machine has started."""
        name, host = event.node, self.plan.node(event.node).host
        role = self._processes[name]
        assert isinstance(role, FarRole)
        role.pid = event.pid
        self._folder.event(name, "started", pid=event.pid, host=host, command=self._commands[name])
        self._console.say(f"started {name} on {host} pid={event.pid}", mark="✓", started=name, pid=event.pid)

    def _launch_device(self, node: Node) -> None:
        try:
            device = Device(
                node, self.plan, self._folder.node(node.name), self._inbox.put, env=without(self._secrets())
            )
        except B2bError as error:  # what was checked before has changed since
            self._inbox.put(WordsSeen(node.name, str(error)))
            self._inbox.put(Exited(node.name, int(error.code)))
            return
        self._processes[node.name] = device
        if device.pid is None:
            self._console.say(f"{node.name} is there already, at {node.bind}")
            return
        self._folder.event(node.name, "started", pid=device.pid, command=device.command)
        self._console.say(f"started {node.name} pid={device.pid}", mark="✓", started=node.name, pid=device.pid)

    def _secrets(self) -> set[str]:
        """Return the variables of the environment that hold a password of some role."""
        return {node.settings["password_env"] for node in self.plan.nodes if "password_env" in node.settings}

    def _look_into(self, device: Device) -> None:
        """Note what a device holds, twice: when the calls may begin, and when they are over."""
        if (held := device.held()) and device.alive:
            self.held.setdefault(device.node.name, []).append(held)
            self._folder.event(device.node.name, "holds", **held.as_json())

    def _tell(self, event: Event) -> None:
        if isinstance(event, Started):
            self._note_started(event)
        elif isinstance(event, ReadySeen):
            self._addresses[event.node] = event.sip
            self._folder.event(event.node, "ready", sip=event.sip)
            self._console.say(f"ready sip={event.sip}", node=event.node, mark="✓", event="ready", sip=event.sip)
        elif isinstance(event, LogSeen):
            self._tell_log(event)
        elif isinstance(event, WordsSeen):
            level = "INFO" if self.plan.node(event.node).is_device else "WARNING"
            self._folder.event(event.node, "words", msg=event.words)
            self._console.say(event.words, node=event.node, level=level)
        elif isinstance(event, NotReady):
            self._folder.event(event.node, "not ready", msg=event.says)
        elif isinstance(event, Exited):
            self._folder.event(event.node, "exited", code=event.code)
            if self._answered_at is not None and not self.duration_s and self._is_caller(event.node):
                self.duration_s = clock.now() - self._answered_at  # it had no time to tell
        elif isinstance(event, Interrupted):
            self._folder.event(ORCHESTRATOR, "interrupted", reason=event.reason)
            self._console.say(event.reason, level="WARNING")
        elif isinstance(event, Broken):
            self._folder.event(ORCHESTRATOR, "broken", reason=event.reason)
            self._console.say(event.reason, level="ERROR")

    def _tell_log(self, event: LogSeen) -> None:
        line = event.line
        name = str(line.fields.get("event", "log"))
        if name == "metrics":
            values = {key: value for key, value in line.fields.items() if key != "event"}
            self.metrics[event.node] = values
            self._folder.metrics(event.node, values)
            if self._is_caller(event.node):
                self.duration_s = float(values.get("call_s", self.duration_s))
            self._console.show_metrics(event.node, line)
            return
        fields = {key: value for key, value in line.fields.items() if key != "event"}
        self._folder.event(event.node, name, ts=line.ts, level=line.level, msg=line.msg, **fields)
        self._note_call(event.node, name)
        if line.level != "DEBUG":
            self._console.show(event.node, line)

    def _tell_stop(self) -> None:
        if (reason := self.supervisor.stop_reason) != self._told_reason:
            self._told_reason = reason
            self._folder.event(ORCHESTRATOR, "stopping", reason=reason)
            self._console.say(f"stopping: {reason}")

    def _note_call(self, name: str, event: str) -> None:
        if event == "CALL_ESTABLISHED":
            self.in_call.add(name)
        if event == "CALL_ESTABLISHED" and self._answered_at is None and self._is_caller(name):
            self._answered_at = clock.now()
            self._next_progress = self._answered_at + PROGRESS_S + ROLES_S

    def _is_caller(self, name: str) -> bool:
        """Whether a node's call is the one that is timed: a source's, or in a plan without one anybody's."""
        return self.plan.node(name).role == SOURCE or not self.plan.with_role(SOURCE)
    def _show_progress(self) -> None:
        if clock.now() < self._next_progress:
            return
        self._next_progress += PROGRESS_S
        if self._answered_at is not None and self.metrics:
            self._console.say(progress(self.plan, self.metrics, clock.now() - self._answered_at))
