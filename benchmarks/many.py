"""How many topologies at once this machine carries, beside how many bare baresips.

    python benchmarks/many.py [--seconds 12] [--step 4] [--most 60]

One topology is the call of plans/smk.plan.toml, which has four user agents' legs; beside it are two pairs of bare
baresips that play a file to each other, which have as many. More and more of them run side by side, until the rule
breaks for the second time in a row: no stream on the wire has a gap of more than 100 ms. Of ours every verdict must be
a pass as well. What one carries is the most for which the rule held. Ours begin one after another, for what starts a
Python costs more than a call, and end together. Each step says how busy the processors were when all were in their
calls, the worst gap, and how long the slowest took to have its call answered.
"""

from __future__ import annotations

import os
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path
from typing import NamedTuple

sys.path.insert(0, str(Path(__file__).parents[1] / "tests"))

from result import OURS, Row, flags, hand_over
from soak import started_in_s

from calls.bare_pair import bare_pair
from harness.capture import capturing
from harness.errors import NoCallError
from harness.topology import make_call
from harness.verdict import Outcome
from harness.wire.bulk import collect_file

PLAN = Path(__file__).parents[1] / "plans" / "smk.plan.toml"
LIMIT_MS, LEAST_SHARE = 100.0, 0.9
SETTLES_S, APART_S = 2.0, 1.0
LEGS = 4  # of one topology, in user agents


class Step(NamedTuple):
    """So many side by side: share of all processors' time, worst gap, slowest start, and whether the rule held."""

    count: int
    busy: float
    worst_gap_ms: float
    start_s: float
    held: bool


def busy_s() -> tuple[float, float]:
    """Return how much time all processors have spent working, and in all."""
    spent = [int(word) for word in Path("/proc/stat").read_text().splitlines()[0].split()[1:9]]
    return float(sum(spent) - spent[3] - spent[4]), float(sum(spent))


def worst_gap_ms(capture: Path) -> float:
    """Return the longest gap of all streams of a capture."""
    wire, _ = collect_file(capture)
    return max((stream.max_gap_ms for stream in wire.streams), default=float("inf"))


def ours(count: int, seconds: float) -> Step:
    """Run so many topologies, all of which are in their calls for so many seconds at once."""
    begun_s = count * APART_S + SETTLES_S
    changes = {"expect": {"max_gap_ms": LIMIT_MS, "sink.max_heard_gap_ms": LIMIT_MS}}

    def one(folder: Path, late_s: float) -> tuple[float, float, bool]:
        time.sleep(late_s)
        try:
            call = make_call(PLAN, folder, changes=changes, duration_s=begun_s + seconds - late_s)
        except NoCallError:
            return float("inf"), float("inf"), False
        good = call.verdict is not None and call.verdict.outcome is Outcome.PASS
        return worst_gap_ms(folder / "capture.pcap"), started_in_s(call), good

    with tempfile.TemporaryDirectory() as scratch, ThreadPoolExecutor(count) as pool:
        found = [pool.submit(one, Path(scratch) / str(number), number * APART_S) for number in range(count)]
        time.sleep(begun_s + SETTLES_S)
        before = busy_s()
        time.sleep(seconds - 2 * SETTLES_S)
        after = busy_s()
        runs = [future.result() for future in found]
    worst, slowest = max(gap for gap, _, _ in runs), max(start for _, start, _ in runs)
    held = worst <= LIMIT_MS and all(good for _, _, good in runs)
    return Step(count, (after[0] - before[0]) / (after[1] - before[1]), worst, slowest, held)


def theirs(count: int, seconds: float) -> Step:
    """Run as many bare pairs as such topologies have."""
    pairs = count * LEGS // 2
    with tempfile.TemporaryDirectory() as scratch, ExitStack() as stack:
        capture = Path(scratch) / "bare.pcap"
        for number in range(pairs):
            stack.enter_context(bare_pair(seconds + SETTLES_S, number=number))
        time.sleep(SETTLES_S)
        with capturing(capture, {"127.0.0.1"}):
            before = busy_s()
            time.sleep(seconds)
            after = busy_s()
        wire, _ = collect_file(capture)
        worst = max((stream.max_gap_ms for stream in wire.streams), default=float("inf"))
    held = worst <= LIMIT_MS and len(wire.streams) == 2 * pairs
    return Step(count, (after[0] - before[0]) / (after[1] - before[1]), worst, float("nan"), held)


def climb(measure: Callable[[int, float], Step], name: str, counts: Sequence[int], seconds: float) -> Iterator[Step]:
    """Yield step by step, until the rule has broken twice in a row."""
    broken = 0
    for count in counts:
        found = measure(count, seconds)
        start = "" if found.start_s != found.start_s else f", slowest start {found.start_s:.1f} s"
        print(f"{name} {count}: {100 * found.busy:.0f} % busy, worst gap {found.worst_gap_ms:.0f} ms{start}"
              f"{'' if found.held else ': broken'}", file=sys.stderr, flush=True)  # fmt: skip
        yield found
        broken = 0 if found.held else broken + 1
        if broken == 2:
            return


def knee(steps: Sequence[Step]) -> int:
    """Return the most for which the rule held."""
    return max((step.count for step in steps if step.held), default=0)


def curve(own: Sequence[Step], bare: Sequence[Step]) -> str:
    """Draw how busy the processors were, the worst gap and the slowest start, against how many there were."""
    rows = (
        ("processors busy, %", [(s.count, 100 * s.busy) for s in own], [(s.count, 100 * s.busy) for s in bare]),
        ("worst gap, ms", [(s.count, min(s.worst_gap_ms, 500)) for s in own],
         [(s.count, min(s.worst_gap_ms, 500)) for s in bare]),
        ("slowest start, s", [(s.count, min(s.start_s, 20)) for s in own], []),
    )  # fmt: skip
    width, height, left, drawn = 720, 130, 60, list[str]()
    across = width - left - 20
    most = max(step.count for step in (*own, *bare))
    for row, (name, *lines) in enumerate(rows):
        base, top = (row + 1) * height, max(value for line in lines for _, value in line) or 1.0
        drawn.append(f'<text x="{left}" y="{base - height + 24}">{name}, at most {top:.0f}</text>')
        drawn.append(f'<line x1="{left}" x2="{width - 20}" y1="{base}" y2="{base}" stroke="#bbb"/>')
        for line, colour in zip(lines, (OURS, "#888"), strict=False):
            places = ((left + across * count / most, base - (height - 40) * value / top) for count, value in line)
            points = " ".join(f"{x:.1f},{y:.1f}" for x, y in places)
            drawn.append(f'<polyline points="{points}" fill="none" stroke="{colour}" stroke-width="2"/>')
    foot = len(rows) * height + 18
    drawn += [f'<text x="{left + across * n / most:.0f}" y="{foot}" text-anchor="middle">{n}</text>'
              for n in sorted({step.count for step in (*own, *bare)})]  # fmt: skip
    drawn.append(f'<text x="{left}" y="{foot + 18}">topologies at once; blue: ours, grey: as many bare baresips</text>')
    head = f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {foot + 28}" font-family="sans-serif" '
    head += 'font-size="12">'
    return "\n".join([head, '<rect width="100%" height="100%" fill="#fff"/>', *drawn, "</svg>"]) + "\n"


def _cells(steps: Sequence[Step], count: int, *, start: bool = False) -> str:
    step = next((step for step in steps if step.count == count), None)
    if step is None:
        return " | | |" if start else " | |"
    began = f" {step.start_s:.1f} s |" if start else ""
    return f"{100 * step.busy:.0f} % | {step.worst_gap_ms:.0f} ms |{began} {'✓' if step.held else '✗'}"


def main() -> int:
    """Climb with both."""
    parser = flags(__doc__)
    parser.add_argument("--seconds", type=float, default=12.0)
    parser.add_argument("--first", type=int, default=4)
    parser.add_argument("--step", type=int, default=4)
    parser.add_argument("--most", type=int, default=60)
    parser.add_argument("--curve", type=Path, help="Draw the steps there, as SVG.")
    asked = parser.parse_args()
    counts = range(asked.first, asked.most + 1, asked.step)
    own, bare = (list(climb(*one, counts, asked.seconds)) for one in ((ours, "ours"), (theirs, "bare")))
    print("| at once | busy | worst gap | slowest start | | bare: busy | worst gap | |")
    print("|---|---|---|---|---|---|---|---|")
    for count in sorted({step.count for step in (*own, *bare)}):
        print(f"| {count} | {_cells(own, count, start=True)} | {_cells(bare, count)} |")
    print()
    if asked.curve:
        asked.curve.write_text(curve(own, bare))
    share = Row(what="topologies at once", unit="", peer="bare baresips", least=LEAST_SHARE,
                ours=[knee(own)], theirs=[max(1, knee(bare))])  # fmt: skip
    steps = [100 * steps[0].busy * len(os.sched_getaffinity(0)) / steps[0].count
             for steps in (own, bare)]  # fmt: skip
    each = Row(what="processor time of one topology", unit="%", peer="bare baresips",
               ours=[steps[0]], theirs=[steps[1]])  # fmt: skip
    return hand_over([share, each], asked)


if __name__ == "__main__":
    sys.exit(main())
