"""Many short calls in a row, or one long one: whether anything grows, and whether starts get slower.

    python benchmarks/soak.py [--calls 1000] [--seconds 2] [--svg PICTURE]
    python benchmarks/soak.py --long 3600 [--every 10] [--svg PICTURE]

The calls are made one after the other from this process, as a pytest session makes them, and read; after each one it is
written down what this process has, and what the call has left on the machine: processes with our mark in their
environment, network namespaces in which one of them is, files below our temporary folder. In a long call the run's own
processes are looked at while it lasts. A figure grows where its slope over the samples (Theil and Sen's: the median of
the slopes of all pairs), times their number, is more than its bound. Exits with 1 where one does, or where the median
start of the last fifth of the calls takes longer than that of the first by more than --slower.
"""

from __future__ import annotations

import argparse
import itertools
import math
import os
import statistics
import sys
import tempfile
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from b2b.errors import B2bError
from b2b.flags import ORCHESTRATOR, SOURCE
from harness.call import IN_CALL, Call
from harness.topology import make_call, topology

PLAN = Path(__file__).parents[1] / "plans" / "smk.plan.toml"
PAGE = os.sysconf("SC_PAGE_SIZE")
RECORDINGS = {".wav", ".pcap"}
MOST_PAIRS = 400  # samples that slopes are made of: of more, every so many-th
WARM_UP = 0.1  # of the samples: what is loaded once, and buffers that fill
Sample = Mapping[str, float]

# What each figure may have more of in the end: a bound, and one for each call or second.
BOUNDS = {
    "memory, MB": (2.0, 0.001), "descriptors": (0.5, 0.0), "threads": (0.5, 0.0), "processes": (0.5, 0.0),
    "namespaces": (0.5, 0.0), "files, kB": (0.5, 0.0), "logs, kB": (20.0, 4.0),
}  # fmt: skip


def slope(values: Sequence[float]) -> float:
    """Return by how much a series grows from one value to the next: the median over all pairs; 0 for fewer than two."""
    step = max(1, math.ceil(len(values) / MOST_PAIRS))
    pairs = itertools.combinations(list(enumerate(values))[::step], 2)
    return statistics.median([(b - a) / (j - i) for (i, a), (j, b) in pairs] or [0.0])


def growth(values: Sequence[float]) -> float:
    """Return by how much a series has grown from its first value to its last, going by its slope after a warm-up."""
    settled = values[math.ceil(len(values) * WARM_UP) :]
    return slope(settled) * (len(settled) - 1)


def slower(starts_s: Sequence[float]) -> float:
    """Return the median of the last fifth of the starts over that of the first fifth, the very first left out."""
    fifth = max(1, len(starts_s) // 5)
    return statistics.median(starts_s[-fifth:]) / statistics.median(starts_s[1 : 1 + fifth] or starts_s)


def have(pids: Sequence[int]) -> dict[str, float]:
    """Return what processes have together; one that is gone has nothing."""
    memory = descriptors = threads = there = 0
    for pid in pids:
        try:
            memory += int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * PAGE
            descriptors += len(os.listdir(f"/proc/{pid}/fd"))  # noqa: PTH208
            threads += len(os.listdir(f"/proc/{pid}/task"))  # noqa: PTH208
            there += 1
        except OSError:
            continue
    return {"memory, MB": memory / 1e6, "descriptors": descriptors, "threads": threads, "processes": there}


def marked(mark: str) -> list[int]:
    """Return the processes, but for ourselves, that have a mark in their environment."""
    found = []
    for entry in Path("/proc").glob("[0-9]*"):
        try:
            if mark.encode() in (entry / "environ").read_bytes() and int(entry.name) != os.getpid():
                found.append(int(entry.name))
        except OSError:
            continue
    return found


def namespaces(pids: Sequence[int]) -> int:
    """Return how many networks beside our own there are in which one of the processes is."""
    found = set[Path]()
    for pid in pids:
        try:
            found.add(Path(f"/proc/{pid}/ns/net").readlink())
        except OSError:
            continue
    return len(found - {Path("/proc/self/ns/net").readlink()})


def size(folder: Path, *, logs: bool = False) -> float:
    """Return the size of all files below a folder in kB; of `logs`, only what is no recording."""
    files = (path for path in folder.rglob("*") if path.is_file() and not (logs and path.suffix in RECORDINGS))
    return sum(path.stat().st_size for path in files) / 1000


def many(calls: int, seconds: float, scratch: Path) -> Iterator[tuple[Sample, float]]:
    """Make the calls; yield what there is after each, and how long it took from its beginning to its answer."""
    for number in range(calls):
        with topology(PLAN, run_dir=scratch / f"run{number}", duration_s=seconds, keep="none") as call:
            start_s = started_in_s(call)
            assert call.listeners[0].length_s > 0, "nothing was recorded"
        left = marked(str(scratch))
        own = have([os.getpid()])
        yield {**own, "processes": len(left), "namespaces": namespaces(left), "files, kB": size(scratch)}, start_s


def started_in_s(call: Call) -> float:
    """Return how long a run took from its beginning to the answer to its source."""
    ours = (event for event in reversed(call.events) if event["node"] in (ORCHESTRATOR, SOURCE))
    at_s = {event["event"]: event["mono_s"] for event in ours}
    return float(at_s[IN_CALL] - at_s["begun"])


def long(seconds: float, every_s: float, scratch: Path) -> Iterator[Sample]:
    """Make one call, and yield what the processes of the run have while it lasts."""
    folder, failed = scratch / "run", list[BaseException]()
    changes = {"source": {"loop": True}}

    def make() -> None:
        try:
            make_call(PLAN, folder, duration_s=seconds, changes=changes)
        except B2bError as error:
            failed.append(error)

    thread = threading.Thread(target=make)
    thread.start()
    while thread.is_alive() and not Call(folder).answered_at_s:
        time.sleep(0.2)
    ends = time.monotonic() + seconds - every_s
    while thread.is_alive() and time.monotonic() < ends:
        time.sleep(every_s)
        there = marked(str(scratch))
        yield {**have(there), "namespaces": namespaces(there), "logs, kB": size(folder, logs=True)}
    thread.join()
    if failed:
        raise failed[0]


def rows(samples: Sequence[Sample], amount: float) -> Iterator[tuple[str, bool, str]]:
    """Yield of each figure its name, whether it grows, and that in numbers; `amount` is the calls or seconds of all."""
    for name in samples[0]:
        values = [sample[name] for sample in samples]
        more, (fixed, each) = growth(values), BOUNDS[name]
        bound = fixed + each * amount
        says = f"{values[0]:.1f} | {statistics.median(values):.1f} | {values[-1]:.1f} | {more:+.2f} | {bound:.1f}"
        yield name, more > bound, says


def picture(samples: Sequence[Sample], starts_s: Sequence[float]) -> str:
    """Return the figures over the samples as SVG, one below the other."""
    series = {name: [sample[name] for sample in samples] for name in samples[0]}
    series |= {"start, s": list(starts_s)} if starts_s else {}
    width, height, left = 720, 70, 130
    drawn = []
    for row, (name, values) in enumerate(series.items()):
        top, most, least = row * height + 10, max(values), min(0.0, *values)
        scale = (height - 25) / ((most - least) or 1.0)
        step = (width - left - 60) / max(1, len(values) - 1)
        base = top + height - 20
        points = " ".join(f"{left + at * step:.1f},{base - (y - least) * scale:.1f}" for at, y in enumerate(values))
        drawn.append(f'<text x="4" y="{top + 25}">{name}</text>')
        drawn.append(f'<text x="{width - 55}" y="{top + 12}">{most:.1f}</text>')
        drawn.append(f'<line x1="{left}" x2="{width - 60}" y1="{base}" y2="{base}" stroke="#bbb"/>')
        drawn.append(f'<polyline points="{points}" fill="none" stroke="#2563eb" stroke-width="1.5"/>')
    head = f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {len(series) * height + 20}" '
    head += 'font-family="sans-serif" font-size="12">'
    return "\n".join([head, '<rect width="100%" height="100%" fill="#fff"/>', *drawn, "</svg>"]) + "\n"


def main(arguments: Sequence[str]) -> int:
    """Soak, and tell; return 0 where nothing grows."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--calls", type=int, default=1000)
    parser.add_argument("--seconds", type=float, default=2.0)
    parser.add_argument("--long", type=float, default=0.0, metavar="SECONDS")
    parser.add_argument("--every", type=float, default=10.0, metavar="SECONDS")
    parser.add_argument("--slower", type=float, default=1.25)
    parser.add_argument("--svg", type=Path)
    asked = parser.parse_args(arguments)
    starts_s: list[float] = []
    samples: list[Sample] = []
    with tempfile.TemporaryDirectory(prefix="soak-") as folder:
        scratch = Path(folder)
        os.environ["TMPDIR"] = folder  # our mark, and where what the calls leave is found
        if asked.long:
            samples += long(asked.long, asked.every, scratch)
        else:
            for sample, start_s in many(asked.calls, asked.seconds, scratch):
                samples.append(sample)
                starts_s.append(start_s)
    what = f"{len(samples)} calls of {asked.seconds:g} s"
    if asked.long:
        what = f"One call of {asked.long:g} s, {len(samples)} samples"
    print(f"{what}:\n\n| | first | median | last | growth | bound | |\n|---|---|---|---|---|---|---|")
    wrong = 0
    for name, grows, says in rows(samples, asked.long or len(samples)):
        print(f"| {name} | {says} | {'✗ grows' if grows else '✓'} |")
        wrong += grows
    if starts_s:
        ratio, middle_s = slower(starts_s), statistics.median(starts_s)
        is_slower = ratio > asked.slower
        wrong += is_slower
        mark = "✗" if is_slower else "✓"
        print(f"\n{mark} A start takes {middle_s:.2f} s from the orchestrator's beginning to the answer;")
        print(f"in the last fifth of the calls {ratio:.2f} times as long as in the first; {asked.slower:g} is allowed.")
    if asked.svg:
        asked.svg.write_text(picture(samples, starts_s))
    return int(bool(wrong))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
