"""libfaketime in front of a baresip: its clocks, its timers and its waits go as fast as the run's."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator
from pathlib import Path

from b2b import clock

# The one without a lock, which takes six times as long: what it computes from is set once, before there are threads.
NAME = "faketime/libfaketime.so.1"
FOLDERS = ("/usr/lib", "/usr/lib64", "/usr/local/lib")
PACKAGE = "libfaketime"
FOR_EVER_S = 10**9  # it reads its settings anew after that
SHARED = Path("/dev/shm")
LEAVINGS = ("faketime_shm_{pid}", "sem.faketime_sem_{pid}")


def library() -> Path | None:
    """Return where libfaketime is; None where it is not installed."""
    return next(_found(), None)


def environment() -> dict[str, str]:
    """Return what a program's environment needs for the run's speed, which is nothing where that is the machine's."""
    if clock.speed() == 1:
        return {}
    ahead_s = clock.wall() - clock.machine_wall()
    return {
        "LD_PRELOAD": str(library()),
        "FAKETIME": f"{ahead_s:+.6f} x{clock.speed():g}",
        "FAKETIME_CACHE_DURATION": str(FOR_EVER_S),
        "LC_NUMERIC": "C",  # else the point may be a comma
    }


def tidy(pid: int) -> None:
    """Remove what it has put into shared memory for the children of a process that has none."""
    if clock.speed() != 1:
        for name in LEAVINGS:
            with contextlib.suppress(OSError):
                (SHARED / name.format(pid=pid)).unlink()


def _found() -> Iterator[Path]:
    for folder in map(Path, FOLDERS):
        yield from (path for path in (folder / NAME, *folder.glob(f"*/{NAME}")) if os.access(path, os.R_OK))
