"""Whether what a plan's devices are made of is installed here."""

from __future__ import annotations

import os
import shlex
import shutil
from collections.abc import Iterator

from b2b import child
from b2b.host import ROOTS_FOLDERS
from b2b.plan.model import Node, Plan

PATIENCE_S = 10.0


def search_path() -> str:
    """Return where devices' programs are looked for."""
    return f"{os.environ.get('PATH', os.defpath)}:{ROOTS_FOLDERS}"


def missing(plan: Plan) -> Iterator[tuple[Node, str]]:
    """Yield each device that is not installed, and what shows it: no such program, or what it `needs` fails."""
    for device in plan.devices:
        if why := _missing(device):
            yield device, why


def _missing(device: Node) -> str | None:
    program: str | None = next(iter(device.settings.get("command", ())), None)
    if program and not shutil.which(program, path=search_path()):
        return f"there is no program {program} on PATH"
    needs = device.settings.get("needs")
    if needs and not child.succeeds(needs, env={**os.environ, "PATH": search_path()}, patience_s=PATIENCE_S):
        return f"`{shlex.join(needs)}` fails"
    return None
