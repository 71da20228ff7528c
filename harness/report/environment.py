"""What the calls were made on: every version that matters, under names that a person understands."""

from __future__ import annotations

import contextlib
import importlib.metadata
import json
import os
import platform
from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path

from b2b import __version__, doctor
from b2b.errors import UsageError
from harness.evidence import read_object
from harness.machines import Machine

FILE = "versions.json"


@cache
def environment() -> dict[str, str]:
    """Return names and versions; the same for all calls of a process."""
    return {
        "b2b": __version__,
        "baresip": doctor.baresip().came,
        "Python": platform.python_version(),
        "pytest": importlib.metadata.version("pytest"),
        "kernel": f"{platform.system()} {platform.release()}",
        "machine": f"{platform.machine()}, {os.cpu_count()} processors",
        "host": platform.node(),
    }


def joined(environments: Sequence[Mapping[str, str]]) -> dict[str, str]:
    """Return the environment of calls of several machines: what differs is said of each host by name."""
    hosts = [each["host"] for each in environments]
    both = {}
    for name in environments[0]:
        values = [each.get(name, "-") for each in environments]
        if name == "host":
            both[name] = ", ".join(hosts)
        elif len(set(values)) == 1:
            both[name] = values[0]
        else:
            both |= {f"{name} on {host}": value for host, value in zip(hosts, values, strict=True)}
    return both


def note(folder: Path, others: Sequence[Machine] = ()) -> None:
    """Note in a run folder what the run was made with, for pages that are made elsewhere.

    `others` are the other machines that took part, each of which has brought such a note of its own.
    """
    made_with = joined([environment(), *filter(None, (noted(machine.folder) for machine in others))])
    made_with |= {f"clock of {machine.name}": str(machine.offset) for machine in others if machine.offset}
    with contextlib.suppress(OSError):
        (folder / FILE).write_text(json.dumps(made_with, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")


def noted(folder: Path) -> Mapping[str, str] | None:
    """Return what a run noted that it was made with; None where it noted nothing."""
    try:
        return {name: str(value) for name, value in read_object(folder / FILE).items()}
    except UsageError:
        return None
