"""The scheduling canary: a process that wants to run every few milliseconds and writes down when it could not.

    python -m harness.canary FILE

What happens to it happens to the user agents beside it: a packet that is late while the canary was stalled is the
host's doing. One line of JSON for each stall: when it began, in seconds since the epoch, and how long it was.
"""

from __future__ import annotations

import contextlib
import json
import logging
import os
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from b2b import child, clock
from harness.jsonl import made, read_lines

FILE = "host.jsonl"
BLIND = "blind"  # the key of a line that says why nobody watched any more
CLOCK_SET = "clock_set_s"  # of one that says by how much somebody set the wall clock, which stamps the packets
SET_S = 0.01  # more than a clock is slewed by in a tenth of a second
LOOK_S = 0.1
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
        if process.poll() is not None:
            _tell_death(path, f"{module} ended by itself: {child.how_it_ended(process.returncode)}")
        child.stop(process, patience_s=(1.0,))


def _tell_death(path: Path, why: str) -> None:
    logging.getLogger("b2b.run").warning("nobody knows whether this machine was stalled: %s", why)
    with contextlib.suppress(OSError), path.open("a+b") as file:
        if file.tell():  # its last line may have been cut off
            file.seek(-1, os.SEEK_END)
        line_end = b"" if file.read(1) in (b"", b"\n") else b"\n"
        file.write(line_end + json.dumps({BLIND: why}).encode() + b"\n")


def read(path: Path) -> list[Stall]:
    """Read the stalls of a run; a line that was cut off is left out."""
    return [stall for values in read_lines(path) if (stall := made(Stall, values))]


def blind(path: Path) -> str:
    """Return why nobody watched the machine for a part of the run; "" where somebody did."""
    return next((str(values[BLIND]) for values in read_lines(path) if BLIND in values), "")


def clock_set(path: Path) -> str:
    """Return that somebody set the clock in the run, and by how much; "" where nobody did."""
    steps_s = [float(values[CLOCK_SET]) for values in read_lines(path) if CLOCK_SET in values]
    said = ", then by ".join(f"{step_s:+.3f} s" for step_s in steps_s)
    return f"the clock was set by {said}" if said else ""


def longest_within(stalls: Sequence[Stall], start_s: float, end_s: float) -> float:
    """Return the longest stretch, in seconds, for which the canary was stalled between two instants."""
    inside = (min(stall.end_s, end_s) - max(stall.start_s, start_s) for stall in stalls)
    return max([0.0, *inside])


def main(path: Path) -> None:
    """Run until somebody ends it, with a thread bound to each processor: one of them may be stalled by itself.

    Where a call goes faster than its sound it comes first, as the roles' media do.
    """
    if clock.speed() != 1:
        child.run_first()
    writing = threading.Lock()
    with path.open("a", encoding="utf-8") as file:

        def tell(values: Mapping[str, float]) -> None:
            with writing:
                file.write(json.dumps(values) + "\n")
                file.flush()

        for processor in sorted(os.sched_getaffinity(0))[:MOST_THREADS]:
            threading.Thread(target=_watch, args=(processor, tell), name=f"processor-{processor}", daemon=True).start()
        for step_s in clock_steps():
            tell({CLOCK_SET: round(step_s, 6)})


def clock_steps() -> Iterator[float]:
    """Yield by how many seconds the wall clock was set, each time that it was."""
    before_s = _wall_ahead_s()
    while True:
        clock.sleep_until(clock.now() + LOOK_S)
        now_s = _wall_ahead_s()
        if abs(now_s - before_s) > SET_S:
            yield now_s - before_s
        before_s = now_s


def _wall_ahead_s() -> float:
    """Return by how much the wall clock is ahead of the monotonic one, both read without a pause between them."""
    while True:
        began_s = clock.now()
        wall_s = clock.wall()
        if (read_s := clock.now()) - began_s < SET_S / 4:
            return wall_s - read_s


def _watch(processor: int, tell: Callable[[Mapping[str, float]], None]) -> None:
    """Want to run on a processor every few milliseconds, and tell when it was not to be had."""
    os.sched_setaffinity(0, {processor})
    due = clock.now() + PERIOD_S
    while True:
        clock.sleep_until(due)
        late_s = clock.now() - due
        if late_s > WORTH_TELLING_S:
            tell(asdict(Stall(start_s=round(clock.wall() - late_s, 6), length_s=round(late_s, 6))))
            due += late_s
        due += PERIOD_S


if __name__ == "__main__":
    main(Path(sys.argv[1]))
