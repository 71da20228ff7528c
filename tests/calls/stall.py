"""Does to a run what a machine does that is busy or stands still."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

from calls.processes import processes_of

CANARY = "harness.canary"


@contextlib.contextmanager
def busy_processes(count: int) -> Iterator[None]:
    """Keep that many processes spinning while the block lasts."""
    spinning = [subprocess.Popen([sys.executable, "-c", "while True: pass"]) for _ in range(count)]
    try:
        yield
    finally:
        for process in spinning:
            process.kill()
            process.wait()


def make_modest(pid: int) -> None:
    """Let everybody else go before all threads of a process and of those below it, from now on."""
    for one in processes_of(pid):
        with contextlib.suppress(OSError):
            for task in Path(f"/proc/{one}/task").iterdir():
                os.setpriority(os.PRIO_PROCESS, int(task.name), 19)


def stall(pid: int, seconds: float) -> None:
    """Stop all baresips, roles and the canary below a process for a while; the canary is the first and the last."""
    below = processes_of(pid)
    canaries = [one for one, name in below.items() if CANARY in name]
    others = [one for one, name in below.items() if name.startswith("baresip") or "--supervised" in name]
    assert canaries
    assert others
    _signal([*canaries, *others], signal.SIGSTOP)
    time.sleep(seconds)
    _signal([*others, *canaries], signal.SIGCONT)


def _signal(pids: list[int], signum: int) -> None:
    for pid in pids:
        os.kill(pid, signum)
