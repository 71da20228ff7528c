"""b2b as its user runs it: as a command, with real baresips behind it."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import threading
import time
import wave
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

PATIENCE_S = 40.0  # for what takes a second on an idle machine
REPOSITORY = Path(__file__).parents[2]
CLOSING = 8000 // 5  # samples: baresip stops a call's threads one by one, and its player plays pieces meanwhile
SAMPLE = REPOSITORY / "fixtures" / "sample.mp3"


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Everything in this folder makes calls."""
    for item in items:
        if Path(__file__).parent in item.path.parents:
            item.add_marker(pytest.mark.integration)


class Command:
    """A running `b2b …`; its output is collected line by line."""

    def __init__(self, *arguments: object, env: dict[str, str] | None = None, cwd: Path | None = None) -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-m", "b2b", *map(str, arguments)],
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


@pytest.fixture
def b2b() -> Iterator[Callable[..., Command]]:
    """Start `b2b …`; whatever still runs at the end of the test is killed with all that it started."""
    started: list[Command] = []

    def start(*arguments: object, **more: Any) -> Command:
        started.append(Command(*arguments, **more))
        return started[-1]

    yield start
    for command in started:
        if command.process.poll() is None:
            os.killpg(command.process.pid, signal.SIGKILL)
            command.wait_exit()


@pytest.fixture
def speech(tmp_path: Path) -> Callable[[float], Path]:
    """Cut that many seconds of the sample into a file of their own."""
    from pydub import AudioSegment

    def cut(seconds: float) -> Path:
        path = tmp_path / f"speech-{seconds:g}.wav"
        AudioSegment.from_file(SAMPLE)[: round(seconds * 1000)].export(path, format="wav").close()
        return path

    return cut


def read_wav(path: Path) -> np.ndarray:
    """Return the samples of an 8 kHz mono S16 recording, up to where its call was being closed."""
    with wave.open(str(path)) as recording:
        assert recording.getparams()[:3] == (1, 2, 8000)
        return np.frombuffer(recording.readframes(recording.getnframes()), "<i2")[:-CLOSING]


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
