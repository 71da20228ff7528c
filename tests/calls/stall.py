"""Stalls a run as a busy machine would: everything in it that makes sound or watches the clock stands still."""

from __future__ import annotations

import os
import signal
import time

from calls.processes import processes_of

CANARY = "harness.canary"


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
