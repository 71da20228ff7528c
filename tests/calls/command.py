"""b2b as its user runs it: as a command, with real baresips behind it."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import threading
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from calls.places import PATIENCE_S


class Command:
    """A running `b2b …`, with what stands `before` it; its output is collected line by line."""

    def __init__(
        self,
        *arguments: object,
        env: dict[str, str] | None = None,
        cwd: Path | None = None,
        before: Sequence[str] = (),
    ) -> None:
        self.process = subprocess.Popen(
            [*before, sys.executable, "-m", "b2b", *map(str, arguments)],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            env={**os.environ, **(env or {})},
            cwd=cwd,
            start_new_session=True,
        )
        self.lines: list[str] = []
        self._changed = threading.Condition()
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def _read(self) -> None:
        assert self.process.stdout
        with self.process.stdout as output:
            for line in output:
                with self._changed:
                    self.lines.append(line.rstrip("\n"))
                    self._changed.notify_all()
        with self._changed:
            self._changed.notify_all()

    @property
    def output(self) -> str:
        """All that it has written so far."""
        return "\n".join(self.lines)

    def wait_line(self, pattern: str, count: int = 1) -> re.Match[str]:
        """Return the count-th line that holds the pattern, once it is there."""

        def found() -> list[re.Match[str]]:
            return [match for line in self.lines if (match := re.search(pattern, line))]

        with self._changed:
            self._changed.wait_for(lambda: len(found()) >= count or not self._reader.is_alive(), PATIENCE_S)
            assert len(found()) >= count, f"no {pattern!r} in\n{self.output}"
            return found()[count - 1]

    def wait_ready(self) -> str:
        """Return the ip:port of its READY line."""
        return self.wait_line(r"^READY role=\w+ sip=(\S+) codec=pcmu ptime=\d+ms$")[1]

    def wait_exit(self) -> int:
        """Return its exit code, once it has ended and all of its output is here."""
        code = self.process.wait(PATIENCE_S)
        self._reader.join(PATIENCE_S)
        return code

    def interrupt(self, signum: int = signal.SIGINT) -> None:
        """Send it a signal, as Ctrl-C does."""
        self.process.send_signal(signum)

    def metrics(self) -> list[dict[str, Any]]:
        """Return the metrics that it has logged as JSON."""
        parsed = [json.loads(line) for line in self.lines if line.startswith("{")]
        return [line for line in parsed if line.get("event") == "metrics"]
