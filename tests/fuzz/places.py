"""Files that are in memory alone, so that a million of them wear no disk out."""

from __future__ import annotations

import contextlib
import io
import os
from collections.abc import Callable
from pathlib import Path

from b2b.logs import CONTROL


class MemoryFile:
    """A file with a path, whose content is put into it again and again."""

    def __init__(self, name: str) -> None:
        self._fd = os.memfd_create(name)
        self.path = Path(f"/proc/{os.getpid()}/fd/{self._fd}")  # which a program that we start can open as well

    def put(self, data: bytes) -> Path:
        """Make this the content, and return the path."""
        os.ftruncate(self._fd, 0)
        os.pwrite(self._fd, data, 0)
        return self.path


_out = io.StringIO()  # one for all: click remembers every output that it was ever given


def said(speak: Callable[[], object]) -> str:
    """Return what a function prints; a terminal's commands in it are an AssertionError."""
    _out.seek(0)
    _out.truncate()
    with contextlib.redirect_stdout(_out), contextlib.redirect_stderr(_out):
        speak()
    return harmless(_out.getvalue())


def harmless(text: str) -> str:
    """Return the text; a terminal's commands in it are an AssertionError."""
    if found := CONTROL.search(text):
        raise AssertionError(f"{found[0]!r} would reach a terminal in {text[max(0, found.start() - 40):][:80]!r}")
    return text
