"""Memory of a process that judges a long call, and ends then."""

from __future__ import annotations

import ctypes
import sys

M_TRIM_THRESHOLD, M_MMAP_MAX = -1, -4  # mallopt(3)


def keep_freed() -> None:
    """Keep what is freed for what is allocated next, where the C library is glibc.

    It gives arrays of megabytes back to the kernel each time, and has them filled with zeros again: of judging ten
    minutes that takes a third of the time.
    """
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)
    if mallopt and sys.platform == "linux":
        mallopt(M_MMAP_MAX, 0)
        mallopt(M_TRIM_THRESHOLD, (1 << 31) - 1)
