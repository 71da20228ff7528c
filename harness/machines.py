"""The other machines that roles of a run were on: what each of them left, and when that was by our own clock."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any

from b2b.errors import UsageError
from b2b.far.clocks import Offset
from harness import canary, evidence, runqueue
from harness.jsonl import made

FILE = "hosts.json"
UNKNOWN = "nothing is known of its clock"


@dataclass(frozen=True)
class Machine:
    """One of them: what the plan calls it, what it calls itself, the nodes that were there, and their addresses."""

    name: str
    host: str
    nodes: Sequence[str]
    addresses: Sequence[str]
    folder: Path
    offset: Offset | None

    def here_s(self, there_s: float) -> float:
        """Return a time of its clock in ours."""
        return self.offset.here(there_s) if self.offset else there_s

    @cached_property
    def stalls(self) -> list[canary.Stall]:
        """When it let nobody run."""
        found = canary.read(self.folder / canary.FILE)
        return [replace(stall, start_s=self.here_s(stall.start_s)) for stall in found]

    @cached_property
    def waits(self) -> list[runqueue.Wait]:
        """When a process of a role waited there for a processor."""
        found = runqueue.read(self.folder / canary.FILE)
        return [replace(wait, start_s=self.here_s(wait.start_s), end_s=self.here_s(wait.end_s)) for wait in found]

    @property
    def blind(self) -> str:
        """Why nobody watched it for a part of the run; "" where somebody did."""
        path = self.folder / canary.FILE
        why = canary.blind(path) if path.exists() else "nothing of that came home"
        return f"{self.name}: {why}" if why else ""

    @property
    def clock_set(self) -> str:
        """That somebody set its clock in the run; "" where nobody did."""
        said = canary.clock_set(self.folder / canary.FILE) if self.offset else UNKNOWN
        return f"{self.name}: {said}" if said else ""

    @property
    def capture(self) -> dict[str, Any]:
        """What its capture came to: packets, drops, refusal."""
        missing = "" if (self.folder / evidence.NOTES).exists() else "its capture did not come home as a whole"
        return evidence.notes(self.folder, refusal=missing)


def machines_of(folder: Path) -> list[Machine]:
    """Return the other machines of a run; none where all roles were on one. Raises UsageError for a damaged file."""
    path = folder / FILE
    if not path.exists():
        return []
    return [_machine(name, values, folder, path) for name, values in evidence.read_object(path).items()]


def _machine(name: str, values: object, folder: Path, path: Path) -> Machine:
    known: Mapping[str, Any] = values if isinstance(values, dict) else {}
    below, nodes, addresses = (known.get(key) for key in ("folder", "nodes", "addresses"))
    clock = known.get("clock")
    offset = made(Offset, clock) if isinstance(clock, dict) else None
    good = isinstance(below, str) and not Path(below).is_absolute() and ".." not in Path(below).parts
    if not (good and _are_texts(nodes) and _are_texts(addresses) and isinstance(known.get("host"), str)
            and (clock is None or offset)):  # fmt: skip
        raise UsageError(f"{path}: {name} is not what the orchestrator writes there; the file is damaged")
    return Machine(name, known["host"], nodes, addresses, folder / below, offset)  # type: ignore[arg-type, operator]


def _are_texts(values: object) -> bool:
    return isinstance(values, list) and all(isinstance(value, str) for value in values)
