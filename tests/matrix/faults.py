"""Makes a fault happen to a process."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

from matrix.stories import KILLED, STARVED, STOPPED

LASTS_S = 1.0
HOG = "while True: pass"


def kill(pid: int) -> None:
    """End it."""
    os.kill(pid, signal.SIGKILL)


def stop(pid: int) -> None:
    """Stop it, and continue it."""
    os.kill(pid, signal.SIGSTOP)
    time.sleep(LASTS_S)
    os.kill(pid, signal.SIGCONT)


def starve(pid: int) -> None:
    """Let it have next to nothing of one processor, on which somebody else spins."""
    everywhere = os.sched_getaffinity(0)
    processor = {max(everywhere)}
    with _hog(processor):
        for thread in _threads(pid):
            os.sched_setaffinity(thread, processor)
            os.sched_setscheduler(thread, os.SCHED_IDLE, os.sched_param(0))
        time.sleep(LASTS_S)
        with contextlib.suppress(OSError):
            for thread in _threads(pid):
                os.sched_setscheduler(thread, os.SCHED_OTHER, os.sched_param(0))
                os.sched_setaffinity(thread, everywhere)


FAULTS: dict[str, Callable[[int], None]] = {KILLED: kill, STOPPED: stop, STARVED: starve}


def _threads(pid: int) -> list[int]:
    return [int(task.name) for task in Path(f"/proc/{pid}/task").iterdir()]


@contextlib.contextmanager
def _hog(processor: set[int]) -> Iterator[None]:
    """Keep a processor busy; in our own session, which shares its time with those that we starve."""
    spinning = subprocess.Popen([sys.executable, "-c", HOG], preexec_fn=lambda: os.sched_setaffinity(0, processor))
    try:
        yield
    finally:
        spinning.kill()
        spinning.wait()
