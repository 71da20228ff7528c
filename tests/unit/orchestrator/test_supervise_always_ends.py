"""The supervisor over made-up roles of all tempers: it always ends, and it never wakes up for nothing."""

from __future__ import annotations

import heapq
import itertools
import random
from collections.abc import Sequence
from dataclasses import dataclass, field

import pytest
from stories import FREE_PORTS, PAIRS, SINK, SK, SMK, TIMING, exited, interrupt, ready

from b2b.orchestrator.events import Command, Event, Exited, Kill, Launch, Passed, Release
from b2b.orchestrator.supervise import LINGER_S, Supervisor
from b2b.plan.model import Node

WORLDS = 1000
CALL_S = 60.0
ALL_PATIENCE_S = TIMING.ready_s + CALL_S + LINGER_S + TIMING.kill_s + 1
CODES = (0, 0, 0, 0, 1, 64, 65, 66, 70, -6, -9)


@dataclass(slots=True)
class Temper:
    """How a made-up role takes things: seconds after which it does something, None where it never does."""

    ready_s: float | None
    dies_s: float | None
    dies_of: int
    notices_s: float | None
    stops_s: float | None
    sigterms_needed: int


@dataclass(slots=True)
class World:
    """A queue of what will happen, and what has been done to whom."""

    nodes: Sequence[Node]
    dice: random.Random
    supervisor: Supervisor
    tempers: dict[str, Temper] = field(default_factory=dict)
    coming: list[tuple[float, int, Event]] = field(default_factory=list)
    asked: dict[str, int] = field(default_factory=dict)
    killed: set[str] = field(default_factory=set)
    alive: set[str] = field(default_factory=set)
    launched: set[str] = field(default_factory=set)
    is_ready: set[str] = field(default_factory=set)
    idle_turns: int = 0
    idle_at: float | None = None
    _count: itertools.count[int] = field(default_factory=itertools.count)

    def will(self, at: float, event: Event) -> None:
        """Let something happen later; the dead do nothing any more."""
        heapq.heappush(self.coming, (at, next(self._count), event))

    def run(self) -> float:
        """Play until the supervisor is content, as the run loop does, and return when that was."""
        self._do(self.supervisor.begin(0), 0)
        now = 0.0
        while not self.supervisor.finished:
            event, now = self._next(now)
            if isinstance(event, Exited):
                self.alive.discard(event.node)
            commands = self.supervisor.handle(event, now)
            self._do(commands, now)
            due = self.supervisor.next_deadline
            if isinstance(event, Passed) and not commands and due is not None and due <= now:
                self.idle_turns += 1
                self.idle_at = due
        return now

    def _next(self, now: float) -> tuple[Event, float]:
        """Return what comes next: something that happens, or a deadline with something to be done."""
        self.coming = [entry for entry in self.coming if getattr(entry[2], "node", None) in {None, *self.alive}]
        heapq.heapify(self.coming)
        due = self.supervisor.next_deadline
        if due is not None and due > now and (not self.coming or due < self.coming[0][0]):
            return Passed(), due
        if due is not None and due <= now and due != self.idle_at:
            return Passed(), now  # not again where it was for nothing
        assert self.coming, f"at {now} nothing is due, nothing will happen, and yet it is not finished"
        at, _, event = heapq.heappop(self.coming)
        self.is_ready |= {event.node} if event == ready(getattr(event, "node", "")) else set()  # type: ignore[union-attr]
        return event, at

    def _do(self, commands: list[Command], now: float) -> None:
        for command in commands:
            name = command.node
            if isinstance(command, Launch):
                self._launch(name, now)
                continue
            assert name in self.alive, f"{command} at {now}, but there is no such process"
            if isinstance(command, Release):
                self._release(name, now)
            elif isinstance(command, Kill):
                assert self.asked[name], "killed without a word"
                assert name not in self.killed, "killed twice"
                self.killed.add(name)
                self.will(now + 0.01, exited(name, -9))
            else:
                self._terminate(name, now)

    def _launch(self, name: str, now: float) -> None:
        assert name not in self.launched
        assert not any(self.asked.values()), "launched after the stop"
        self.launched.add(name)
        self.alive.add(name)
        temper = self.tempers[name] = self._temper()
        if temper.ready_s is not None:
            self.will(now + temper.ready_s, ready(name))
        if temper.dies_s is not None:
            self.will(now + temper.dies_s, exited(name, temper.dies_of))

    def _release(self, name: str, now: float) -> None:
        assert self.is_ready == {node.name for node in self.nodes}, "released before all were READY"
        end = CALL_S if self.tempers[name].notices_s is not None else None
        if end is not None:
            self.will(now + end + (self.tempers[name].notices_s or 0), exited(name, 0))

    def _terminate(self, name: str, now: float) -> None:
        temper = self.tempers[name]
        self.asked[name] = self.asked.get(name, 0) + 1
        if name not in self.is_ready:
            self.coming = [entry for entry in self.coming if entry[2] != ready(name)]
        if temper.stops_s is not None and self.asked[name] >= temper.sigterms_needed:
            self.will(now + temper.stops_s, exited(name, -15 if name not in self.is_ready else 0))

    def _temper(self) -> Temper:
        dice = self.dice
        return Temper(
            ready_s=dice.choice([0.0, 0.1, 0.3, 0.5, 0.8, 1.2, 4.0, 9.99, 10.0, 12.0] + [None] * (dice.random() < 0.2)),
            dies_s=dice.uniform(0, CALL_S) if dice.random() < 0.15 else None,
            dies_of=dice.choice(CODES),
            notices_s=dice.choice([0.0, 0.1, 0.5, 2.9, 3.0, 3.1, None]),
            stops_s=dice.choice([0.0, 0.1, 0.5, 4.9, 5.0, 14.0, None]),
            sigterms_needed=dice.choice([1, 1, 1, 2]),
        )


def world(seed: int) -> World:
    """Return a world with roles of some temper, in which somebody may interrupt once or more."""
    dice = random.Random(seed)
    nodes = dice.choice([SINK, SK, SMK, PAIRS, FREE_PORTS])
    made = World(nodes, dice, Supervisor(nodes, TIMING))
    # A sink that waits for a call from outside waits for ever: there somebody always interrupts in the end.
    for _ in range(dice.choice([0, 0, 1, 1, 2, 3])):
        made.will(dice.uniform(0, ALL_PATIENCE_S), interrupt())
    made.will(2 * CALL_S, interrupt())
    return made


@pytest.mark.parametrize("seed", range(0, WORLDS, 250))
def test_it_always_ends(seed):
    """Nobody is left, nobody is told anything after the end, and no failure goes unnamed."""
    for number in range(seed, seed + 250):
        made = world(number)
        assert made.run() <= 2 * CALL_S + TIMING.kill_s + 1, f"world {number}"
        assert not made.alive, f"world {number}"
        codes = made.supervisor.exit_codes()
        failed = made.supervisor.failed_first()
        assert {name for name, code in codes.items() if code is not None} == made.launched, f"world {number}"
        assert not made.killed or 67 in codes.values(), f"world {number}"
        if failed is None:
            assert {*codes.values()} <= {0, 65, None}, f"world {number}"
        else:
            assert failed.code != 0, f"world {number}"
            assert failed.reason, f"world {number}"


def test_it_never_wakes_up_for_nothing():
    """Whenever the loop wakes up because something is due there is something to do, or something due later."""
    made = [world(number) for number in range(WORLDS)]
    for each in made:
        each.run()
    assert [number for number, each in enumerate(made) if each.idle_turns] == []


def test_the_end_of_one_pair_does_not_keep_a_processor_busy():
    """When one of two calls is over and tidied up, nothing is due until the other one ends."""
    supervisor = Supervisor(PAIRS, TIMING)
    supervisor.begin(0)
    for event in (*(ready(node.name) for node in PAIRS), exited("a", 0), exited("ear_a", 0)):
        supervisor.handle(event, 1)
    supervisor.handle(Passed(), 1 + LINGER_S)
    assert supervisor.next_deadline is None


def test_nothing_is_due_after_the_kill():
    """Once killed, a process can only be waited for."""
    supervisor = Supervisor(SINK, TIMING)
    supervisor.begin(0)
    supervisor.handle(interrupt(), 1)
    supervisor.handle(Passed(), 1 + TIMING.kill_s)
    assert supervisor.next_deadline is None
