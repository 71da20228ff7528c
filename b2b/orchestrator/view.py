"""`--watch`: the command `b2b watch` beside us, on the terminal, which shows our lines and the roles live.

It is a process of its own that reads the run folder: what it draws costs the run nothing, and if it dies our lines go
on without it.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

from b2b import child, clock

COMMAND = "watch"  # of the group `b2b.commands`
LAST_LOOK_S = 5.0
ALL_LINES = "1000"
SHOW_CURSOR = "\x1b[?25h"
DUMB = ("dumb", "unknown")


class View:
    """Nothing at all unless it is wanted and standard output is a terminal."""

    def __init__(self, *, wanted: bool, color: str) -> None:
        self._wanted = wanted and sys.stdout.isatty() and os.environ.get("TERM") not in DUMB
        self._color = color
        self._process: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> View:
        """Show nothing yet."""
        return self

    def __exit__(self, *error: object) -> None:
        """Wait until it has shown the end; the run folder must be closed by now."""
        if self._process is None:
            return
        if not child.wait(self._process, clock.Deadline.patience(LAST_LOOK_S)):
            child.stop(self._process, patience_s=(1.0,))
        if self._process.returncode < 0:  # it had no time to leave the terminal as it was
            sys.stdout.write(SHOW_CURSOR)
            sys.stdout.flush()

    @property
    def shows(self) -> bool:
        """Whether it is there to show our lines."""
        return self._process is not None and self._process.poll() is None

    def open(self, folder: Path) -> None:
        """Show a run folder until its run has ended."""
        if self._wanted:
            command = [*child.python_command("b2b"), COMMAND, str(folder), "--lines", ALL_LINES, "--color", self._color]
            # Its end is the end of the run, and so is Ctrl-C's; if we are killed it leaves the terminal in order.
            self._process = child.start(
                command, own_group=False, dies_with_us=False, stdout=sys.stdout.fileno(), before_exec=_ignore_interrupt
            )


def _ignore_interrupt() -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)
