"""What one input may cost."""

from __future__ import annotations

import contextlib
import resource
import signal
from collections.abc import Iterator
from types import FrameType

CPU_S = 10.0  # of processor time, so that a busy machine is no finding
MEMORY = 1 << 30  # octets of address space beyond what is in use when it begins
PAGE = resource.getpagesize()


class TooSlow(BaseException):
    """An input took longer than any input of its size may."""


@contextlib.contextmanager
def time_limited() -> Iterator[None]:
    """Raise TooSlow in the block once it has used that much processor time."""
    signal.signal(signal.SIGVTALRM, _too_slow)
    signal.setitimer(signal.ITIMER_VIRTUAL, CPU_S)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_VIRTUAL, 0)


def limit_memory() -> None:
    """Let whoever wants much more memory than this process has now have a MemoryError."""
    with open("/proc/self/statm", encoding="ascii") as file:  # noqa: PTH123
        used = int(file.read().split()[0]) * PAGE
    resource.setrlimit(resource.RLIMIT_AS, (used + MEMORY, resource.RLIM_INFINITY))


def peak_mb() -> float:
    """Return the most memory that this process has had, in MB."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def _too_slow(_signum: int, _frame: FrameType | None) -> None:
    raise TooSlow(f"more than {CPU_S:g} s of processor time")
