"""The scheduling canary: a process that wants to run every few milliseconds and writes down when it could not.

    python -m harness.canary FILE

What happens to it happens to the user agents beside it: a packet that is late while the canary was stalled is the
host's doing. One line of JSON for each stall: when it began, in seconds since the epoch, and how long it was.
"""

from __future__ import annotations

import contextlib
import json
import os
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from b2b import child, clock
from harness.jsonl import made, read_lines

FILE = "host.jsonl"
PERIOD_S = 0.005
WORTH_TELLING_S = 0.005
MOST_THREADS = 16  # with more processors than that, one that is free is never far


@dataclass(frozen=True, slots=True, kw_only=True)
class Stall:
    """A stretch in which this machine let nobody run; times are seconds since the epoch."""

    start_s: float
    length_s: float

    @property
    def end_s(self) -> float:
        """When the canary ran again."""
        return self.start_s + self.length_s


@contextlib.contextmanager
def watching(path: Path) -> Iterator[subprocess.Popen[bytes]]:
    """Keep a canary beside what happens in the block."""
    with beside("harness.canary", path) as canary:
        yield canary


@contextlib.contextmanager
def beside(module: str, path: Path) -> Iterator[subprocess.Popen[bytes]]:
    """Keep a module that writes to a file running beside what happens in the block."""
    process = child.start([*child.python_command(module), str(path)], stdout=subprocess.DEVNULL)
    try:
        yield process
    finally:
        child.stop(process, patience_s=(1.0,))


def read(path: Path) -> list[Stall]:
    """Read the stalls of a run; a line that was cut off is left out."""
    return [stall for values in read_lines(path) if (stall := made(Stall, values))]


def longest_within(stalls: Sequence[Stall], start_s: float, end_s: float) -> float:
    """Return the longest stretch, in seconds, for which the canary was stalled between two instants."""
    inside = (min(stall.end_s, end_s) - max(stall.start_s, start_s) for stall in stalls)
    return max([0.0, *inside])


def main(path: Path) -> None:
    """Run until somebody ends it, with a thread bound to each processor: one of them may be stalled by itself."""
    writing = threading.Lock()
    with path.open("a", encoding="utf-8") as file:

        def tell(stall: Stall) -> None:
            with writing:
                file.write(json.dumps(asdict(stall)) + "\n")
                file.flush()

        for processor in sorted(os.sched_getaffinity(0))[:MOST_THREADS]:
            threading.Thread(target=_watch, args=(processor, tell), name=f"processor-{processor}", daemon=True).start()
        threading.Event().wait()


def _watch(processor: int, tell: Callable[[Stall], None]) -> None:
    """Want to run on a processor every few milliseconds, and tell when it was not to be had."""
    os.sched_setaffinity(0, {processor})
    due = clock.now() + PERIOD_S
    while True:
        clock.sleep_until(due)
        late_s = clock.now() - due
        if late_s > WORTH_TELLING_S:
            tell(Stall(start_s=round(clock.wall() - late_s, 6), length_s=round(late_s, 6)))
            due += late_s
        due += PERIOD_S


if __name__ == "__main__":
    main(Path(sys.argv[1]))
