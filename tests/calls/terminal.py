"""A terminal with a program in it, as a user sees it: what is on the screen, and keys to type."""

from __future__ import annotations

import contextlib
import fcntl
import os
import pty
import re
import select
import struct
import subprocess
import sys
import termios
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import pyte

from calls.places import PATIENCE_S

CTRL_C = b"\x03"
HISTORY = 1000  # lines that scroll out of the screen


class Terminal:
    """`b2b …` in a terminal of its own, whose Ctrl-C is the keyboard's."""

    def __init__(
        self,
        *arguments: object,
        width: int = 100,
        height: int = 40,
        cwd: Path | None = None,
        env: Mapping[str, str] | None = None,
    ) -> None:
        self.screen = pyte.HistoryScreen(width, height, history=HISTORY)
        self.raw = b""
        self._stream = pyte.ByteStream(self.screen)
        self._ours, theirs = pty.openpty()
        self._set_size(theirs, width, height)
        self._before = termios.tcgetattr(theirs)
        self.process = subprocess.Popen(
            [sys.executable, "-m", "b2b", *map(str, arguments)],
            stdin=theirs,
            stdout=theirs,
            stderr=theirs,
            cwd=cwd,
            env={**_environment(), "TERM": "xterm-256color", **(env or {})},
            start_new_session=True,
            preexec_fn=lambda: fcntl.ioctl(0, termios.TIOCSCTTY, 0),
        )
        self._theirs = theirs  # kept open, so that its state can be looked at when everybody has gone

    @property
    def shown(self) -> str:
        """What is on the screen."""
        return "\n".join(line.rstrip() for line in self.screen.display).rstrip()

    @property
    def all(self) -> str:
        """What has scrolled out of the screen, and what is on it."""
        gone = ("".join(line[x].data for x in range(self.screen.columns)) for line in self.screen.history.top)
        return "\n".join([*(line.rstrip() for line in gone), self.shown])

    @property
    def in_order(self) -> bool:
        """Whether it is as it was before: its cursor is there, and its keys do what they did."""
        return not self.screen.cursor.hidden and termios.tcgetattr(self._theirs) == self._before

    def read(self, patience_s: float = 0.1) -> bool:
        """Take in what is written; return whether there was anything."""
        if not select.select([self._ours], [], [], patience_s)[0]:
            return False
        chunk = os.read(self._ours, 1 << 16)
        self.raw += chunk
        self._stream.feed(chunk)
        return True

    def wait_for(self, pattern: str) -> re.Match[str]:
        """Return the pattern as it is found on the screen, once it is there."""
        ends = time.monotonic() + PATIENCE_S
        while not (found := re.search(pattern, self.shown, re.MULTILINE)):
            assert time.monotonic() < ends, f"no {pattern!r} in\n{self.shown}"
            self.read()
        return found

    def resize(self, width: int, height: int) -> None:
        """Make it that many columns and lines large; its lines are broken anew, as terminals do."""
        lines = [line.rstrip() for line in self.screen.display[: self.screen.cursor.y + 1]]
        self.screen = pyte.HistoryScreen(width, height, history=HISTORY)
        self._stream = pyte.ByteStream(self.screen)
        self._stream.feed("\r\n".join(lines).encode())
        self._set_size(self._ours, width, height)

    @staticmethod
    def _set_size(terminal: int, width: int, height: int) -> None:
        fcntl.ioctl(terminal, termios.TIOCSWINSZ, struct.pack("HHHH", height, width, 0, 0))

    def type(self, keys: bytes) -> None:
        """Press keys."""
        os.write(self._ours, keys)

    def wait_exit(self) -> int:
        """Return the program's exit code, when all that it wrote has been read."""
        ends = time.monotonic() + PATIENCE_S
        while self.process.poll() is None:
            assert time.monotonic() < ends, f"still there, with\n{self.shown}"
            self.read()
        while self.read():
            pass
        return self.process.returncode

    def close(self) -> None:
        """End what is left in it."""
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.process.pid, 9)
        self.process.wait()
        for end in (self._ours, self._theirs):
            os.close(end)


def _environment() -> dict[str, str]:
    """Return ours without the size of a terminal, which workers of pytest-xdist have in theirs."""
    return {name: value for name, value in os.environ.items() if name not in ("COLUMNS", "LINES")}


@contextlib.contextmanager
def terminals() -> Iterator[Callable[..., Terminal]]:
    """Return a function that opens a terminal; in the end all are closed."""
    opened: list[Terminal] = []

    def start(*arguments: object, **more: Any) -> Terminal:
        opened.append(Terminal(*arguments, **more))
        return opened[-1]

    try:
        yield start
    finally:
        for one in opened:
            one.close()
