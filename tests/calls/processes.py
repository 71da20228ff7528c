"""The processes of a run, from /proc."""

from __future__ import annotations

import time
from pathlib import Path

from calls.places import PATIENCE_S


def processes_of(pid: int) -> dict[int, str]:
    """Return the processes below a process, itself included: pid -> command line."""
    children: dict[int, list[int]] = {}
    names = {}
    for entry in Path("/proc").glob("[0-9]*"):
        try:
            parent = int((entry / "stat").read_text().rpartition(")")[2].split()[1])
            names[int(entry.name)] = (entry / "cmdline").read_text().replace("\0", " ").strip()
        except OSError:
            continue
        children.setdefault(parent, []).append(int(entry.name))
    below, todo = {}, [pid]
    while todo:
        if (at := todo.pop()) in names:
            below[at] = names[at]
        todo += children.get(at, [])
    return below


def assert_gone(below: dict[int, str]) -> None:
    """Wait until none of the processes is left; fail when one stays."""
    ends = time.monotonic() + PATIENCE_S
    while (left := {pid: name for pid, name in below.items() if is_alive(pid)}) and time.monotonic() < ends:
        time.sleep(0.05)
    assert not left


def is_alive(pid: int) -> bool:
    """Whether there is such a process, and it is no zombie."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False
