"""How long the roles' and user agents' own threads waited for a processor: what a sleeping canary cannot know.

    python -m harness.runqueue FILE      # watches the roles that its parent starts

A scheduler favours who sleeps, so on a busy machine the canary runs soon and a thread that works does not. The kernel
counts for each thread the time that it was ready to run and had no processor (`schedstat`, proc(5)); we read it every
few milliseconds and append a line of JSON for each wait that is worth telling.
"""

from __future__ import annotations

import contextlib
import json
import os
import sys
from collections.abc import Iterator
from contextlib import AbstractContextManager
from dataclasses import asdict, dataclass, field
from pathlib import Path
from subprocess import Popen
from typing import TextIO

from b2b import clock
from harness.canary import beside
from harness.jsonl import made, read_lines

PERIOD_S = 0.01
LOOK_AROUND = 20  # periods from one look for new processes to the next
YOUNG = 25  # looks after which a process does not join a role's group any more
WORTH_TELLING_S = 0.002
PROC = Path("/proc")


@dataclass(frozen=True, slots=True, kw_only=True)
class Wait:
    """A thread of a role, or of its user agent, waited for a processor; times are seconds since the epoch.

    It waited `length_s` in all, at some time between `start_s` and `end_s`. `group` is the process id of its role,
    `of_role` says that it is the role's own.
    """

    start_s: float
    end_s: float
    length_s: float
    group: int
    thread: int
    of_role: bool = False

    def within(self, start_s: float, end_s: float) -> float:
        """Return how much of it, at most, lay between two instants."""
        return max(0.0, min(self.length_s, min(end_s, self.end_s) - max(start_s, self.start_s)))


@dataclass(slots=True)
class Thread:
    """A thread that is watched: its file, and what was read of it last."""

    file: int
    group: int
    number: int
    waited_s: float
    read_at_s: float
    of_role: bool = False

    def read(self) -> Wait | None:
        """Return how long it has waited since the last time; None for next to nothing. Raises OSError once it ended."""
        before_s, since_s = self.waited_s, self.read_at_s
        self.waited_s, self.read_at_s = _waited_s(self.file), clock.wall()
        length_s = self.waited_s - before_s
        if length_s < WORTH_TELLING_S:
            return None
        return Wait(  # the kernel counts a wait when it ends
            start_s=round(since_s - length_s, 6),
            end_s=round(self.read_at_s, 6),
            length_s=round(length_s, 6),
            group=self.group,
            thread=self.number,
            of_role=self.of_role,
        )


@dataclass(slots=True)
class Watch:
    """Knows the threads of the roles and their user agents: children of `parent`, and who is in their groups."""

    parent: int
    threads: dict[int, Thread] = field(default_factory=dict)
    _agents: dict[int, int] = field(default_factory=dict)  # process -> group
    _seen: dict[int, int] = field(default_factory=dict)  # process -> looks

    def look_around(self) -> None:
        """Find new processes and threads."""
        there = {int(name) for name in os.listdir(PROC) if name.isdecimal()}  # noqa: PTH208 - a hundred times a minute
        self._seen = {process: looks for process, looks in self._seen.items() if process in there}
        self._agents = {process: group for process, group in self._agents.items() if process in there}
        for process in there:
            looks = self._seen.setdefault(process, 0)
            if looks < YOUNG and process not in self._agents:
                self._seen[process] = looks + 1
                group = _group(process)
                if group not in (0, process, os.getpgrp()) and _parent(group) == self.parent:
                    self._agents.update({process: group, group: group})  # what has nobody in its group is no role
        for process, group in self._agents.items():
            with contextlib.suppress(OSError):
                for name in os.listdir(PROC / str(process) / "task"):  # noqa: PTH208
                    if int(name) not in self.threads:
                        self._add(process, int(name), group)

    def waits(self) -> Iterator[Wait]:
        """Yield what each thread has waited since the last time."""
        for number, thread in list(self.threads.items()):
            try:
                if wait := thread.read():
                    yield wait
            except OSError:
                os.close(self.threads.pop(number).file)

    def _add(self, process: int, number: int, group: int) -> None:
        file = os.open(PROC / str(process) / "task" / str(number) / "schedstat", os.O_RDONLY)
        self.threads[number] = Thread(file, group, number, _waited_s(file), clock.wall(), process == group)


def watching(path: Path) -> AbstractContextManager[Popen[bytes]]:
    """Watch the roles that this process starts in the block."""
    return beside("harness.runqueue", path)


def read(path: Path) -> list[Wait]:
    """Read the waits of a run; a line that was cut off is left out."""
    return [wait for values in read_lines(path) if (wait := made(Wait, values))]


def run(file: TextIO, watch: Watch) -> None:
    """Watch until somebody ends us."""
    due = clock.now()
    while True:
        watch.look_around()
        for _ in range(LOOK_AROUND):
            for wait in watch.waits():
                file.write(json.dumps(asdict(wait)) + "\n")
            file.flush()
            due = max(due + PERIOD_S, clock.now())
            clock.sleep_until(due)


def _waited_s(file: int) -> float:
    return clock.in_call(int(os.pread(file, 64, 0).split()[1]) / 1e9)


def _group(process: int) -> int:
    return _stat(process)[2]


def _parent(process: int) -> int:
    return _stat(process)[1]


def _stat(process: int) -> tuple[str, int, int]:
    """Return a process's state, parent and group; zeros for one that is gone."""
    try:
        fields = (PROC / str(process) / "stat").read_text().rpartition(")")[2].split()
        return fields[0], int(fields[1]), int(fields[2])
    except (OSError, ValueError, IndexError):
        return "", 0, 0


if __name__ == "__main__":
    with Path(sys.argv[1]).open("a", encoding="utf-8") as host:
        run(host, Watch(os.getppid()))
