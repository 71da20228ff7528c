"""Keeps the process that a run's packets pass through beside the run."""

from __future__ import annotations

import contextlib
import select
import subprocess
import threading
from collections.abc import Callable, Iterator
from dataclasses import asdict
from pathlib import Path

from b2b import child, clock
from b2b.errors import UsageError
from harness.impair.ledger import FILE, GONE, Gone, line

READY = "ready"  # its first line
START_S = 10.0
PATIENCE_S = 5.0


@contextlib.contextmanager
def impairing(folder: Path, cannot_go_on: Callable[[str], None]) -> Iterator[None]:
    """Let the packets through for as long as the block lasts. Raises UsageError where that cannot begin.

    Where the process ends before, the ledger says when, and why is told at once, from another thread.
    """
    watch: _Watch | None = None
    process = child.start([*child.python_command("harness.impair.process"), str(folder)])
    try:
        if (said := _first_line(process)) != READY:
            child.stop(process, patience_s=(PATIENCE_S,))
            raise UsageError(f"[impair] cannot impair packets here: {_last_words(process) or said or 'no answer'}")
        watch = _Watch(process, cannot_go_on)
        yield
    finally:
        if watch:
            watch.over = True
        child.stop(process, patience_s=(PATIENCE_S,))
        if watch:
            watch.join()
    if watch.gone:
        _note(watch.gone, folder / FILE)


class _Watch(threading.Thread):
    """Waits for the end of the process, and tells of one that comes too early or is none of its own."""

    def __init__(self, process: subprocess.Popen[bytes], tell: Callable[[str], None]) -> None:
        super().__init__(daemon=True, name="impairer's end")
        self._process, self._tell = process, tell
        self.over = False
        self.gone: Gone | None = None
        self.start()

    def run(self) -> None:
        """Read what the process says until it is gone."""
        words, at_s = _last_words(self._process), clock.wall()
        if (code := self._process.wait()) or not self.over:
            how = words or child.how_it_ended(code)
            self.gone = Gone(at_s=at_s, why=f"what impairs the packets ended by itself: {how}")
            self._tell(self.gone.why)


def _note(gone: Gone, path: Path) -> None:
    """Add the end to the ledger, whose last line may have been cut off."""
    with contextlib.suppress(OSError), path.open("ab+") as file:
        file.seek(max(0, file.tell() - 1))
        whole = file.read() in (b"", b"\n")
        file.write(("" if whole else "\n").encode() + line(GONE, **asdict(gone)).encode())


def _first_line(process: subprocess.Popen[bytes]) -> str:
    assert process.stdout
    readable, _, _ = select.select([process.stdout], [], [], START_S)
    return process.stdout.readline().decode(errors="replace").strip() if readable else ""


def _last_words(process: subprocess.Popen[bytes]) -> str:
    assert process.stdout
    lines = [] if process.stdout.closed else process.stdout.read().decode(errors="replace").split("\n")
    process.stdout.close()
    return next((line.strip() for line in reversed(lines) if line.strip()), "")
