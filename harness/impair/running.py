"""Keeps the process that a run's packets pass through beside the run."""

from __future__ import annotations

import contextlib
import select
import subprocess
from collections.abc import Iterator
from pathlib import Path

from b2b import child
from b2b.errors import B2bError, UsageError

READY = "ready"  # its first line
START_S = 10.0
PATIENCE_S = 5.0


class ImpairError(B2bError):
    """What impairs the packets went away in the middle of the run."""


@contextlib.contextmanager
def impairing(folder: Path) -> Iterator[subprocess.Popen[bytes]]:
    """Let the packets through for as long as the block lasts. Raises UsageError where that cannot begin."""
    process = child.start([*child.python_command("harness.impair.process"), str(folder)])
    try:
        if (said := _first_line(process)) != READY:
            child.stop(process, patience_s=(PATIENCE_S,))
            raise UsageError(f"[impair] cannot impair packets here: {_last_words(process) or said or 'no answer'}")
        yield process
        ended_early = process.poll() is not None
    finally:
        child.stop(process, patience_s=(PATIENCE_S,))
        words = _last_words(process)
    if ended_early or process.returncode:
        how = words or child.how_it_ended(process.returncode)
        raise ImpairError(f"what impairs the packets ended by itself: {how}")


def _first_line(process: subprocess.Popen[bytes]) -> str:
    assert process.stdout
    readable, _, _ = select.select([process.stdout], [], [], START_S)
    return process.stdout.readline().decode(errors="replace").strip() if readable else ""


def _last_words(process: subprocess.Popen[bytes]) -> str:
    assert process.stdout
    lines = [] if process.stdout.closed else process.stdout.read().decode(errors="replace").split("\n")
    process.stdout.close()
    return next((line.strip() for line in reversed(lines) if line.strip()), "")
