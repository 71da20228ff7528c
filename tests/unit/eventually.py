"""Waits for conditions, never for durations; and looks at processes from outside. Helps the tests beside it."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

import pytest

from b2b import clock

LONGEST_S = 20.0  # only a test that fails ever waits that long
POLL_S = 0.005

Found = TypeVar("Found")


def eventually(condition: Callable[[], Found], wanted: str) -> Found:
    """Return what the condition gives as soon as that counts as true; the test fails where it never does."""
    for _ in clock.every(POLL_S, clock.Deadline.after(LONGEST_S)):
        if found := condition():
            return found
    pytest.fail(f"wanted {wanted}, still not so after {LONGEST_S:g} s")


def state(pid: int) -> str:
    """Return a process's state letter, proc(5) field 3; "X" for one that is gone, also if nobody has reaped it yet."""
    try:
        letter = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except OSError:
        return "X"
    return "X" if letter == "Z" else letter


def gone(pid: int) -> bool:
    """Whether a process has ended."""
    return state(pid) == "X"


def children(name: str) -> list[int]:
    """Return our own living children that run a program of that name."""
    found = []
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            head, _, tail = (folder / "stat").read_text().rpartition(")")
        except OSError:
            continue
        letter, parent = tail.split()[:2]
        if head.partition("(")[2] == name and int(parent) == os.getpid() and letter != "Z":
            found.append(int(folder.name))
    return found
