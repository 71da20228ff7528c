"""What a role costs beside a bare baresip: processor time and memory in a call, in the same seconds on one machine.

    python benchmarks/cost.py [--rounds 5] [--seconds 10]

A role is its own process and its user agent together, in the call of plans/smk.plan.toml. Beside it, at the same time,
are two baresips that play a WAV file to each other by their own aufile. Processor time is that of so many seconds in
the call; memory is what is a process's own and its part of what several share (PSS). A mixer has two calls, so that two
of a bare baresip's are what it is compared with. Rows of a role "itself" hold its own process against the rest of it.
"""

from __future__ import annotations

import os
import statistics
import sys
import tempfile
import threading
import time
from collections.abc import Iterable, Mapping
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1] / "tests"))

from result import Row, flags, hand_over

from calls.bare_pair import bare_pair
from harness.call import Call
from harness.topology import make_call

PLAN = Path(__file__).parents[1] / "plans" / "smk.plan.toml"
CALLS = {"source": 1, "mixer": 2, "sink": 1}
MOST_TIMES, MOST_MB = 1.5, 40.0
STARTS_S = 20.0  # at most, which a bare baresip has to play for longer
SETTLES_S = 2.0  # after the answer, with which what is done once is done


def below(pid: int) -> list[int]:
    """Return a process and all that it has started."""
    try:
        children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    except OSError:
        return []
    return [pid, *(found for child in children for found in below(int(child)))]


def processor_s(pids: Iterable[int]) -> float:
    """Return how much processor time the threads of processes have used, as the scheduler counts it."""
    threads = (thread for pid in pids for thread in Path(f"/proc/{pid}/task").iterdir())
    return sum(int((thread / "schedstat").read_text().split()[0]) for thread in threads) / 1e9


def memory_mb(pids: Iterable[int]) -> float:
    """Return the proportional set size of processes."""
    lines = (line for pid in pids for line in Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines())
    return sum(int(line.split()[1]) for line in lines if line.startswith("Pss:")) / 1000


def measure(groups: Mapping[str, list[int]], seconds: float) -> dict[str, tuple[float, float]]:
    """Return for each group of processes its processor time in so many seconds, and its memory then."""
    before = {name: processor_s(pids) for name, pids in groups.items()}
    time.sleep(seconds)
    return {name: (processor_s(pids) - before[name], memory_mb(pids)) for name, pids in groups.items()}


def turn(seconds: float) -> tuple[dict[str, tuple[float, float]], tuple[float, float]]:
    """Measure the roles of one call, their own processes without the user agents, and one of two bare baresips."""
    with tempfile.TemporaryDirectory() as folder, bare_pair(seconds + STARTS_S):
        bare = [pid for pid in below(os.getpid()) if "baresip" in Path(f"/proc/{pid}/comm").read_text()]
        run = Path(folder) / "run"
        calling = threading.Thread(target=make_call, args=(PLAN, run), kwargs={"duration_s": seconds + SETTLES_S + 3})
        calling.start()
        try:
            while calling.is_alive() and not Call(run).answered_at_s:
                time.sleep(0.1)
            time.sleep(SETTLES_S)
            pids = {node: below(pid) for pid, node in Call(run).groups.items()}
            if set(pids) != set(CALLS):
                raise SystemExit(f"wanted a call of {', '.join(CALLS)}, came one of {', '.join(pids) or 'nobody'}")
            own = {f"{node} itself": found[:1] for node, found in pids.items()}
            found = measure({**pids, **own, **{str(pid): [pid] for pid in bare}}, seconds)
        finally:
            calling.join()
    cpu, mb = (statistics.mean(found[str(pid)][which] for pid in bare) for which in (0, 1))
    return found, (cpu, mb)


def main() -> int:
    """Measure, round by round."""
    parser = flags(__doc__)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=float, default=10.0)
    asked = parser.parse_args()
    turns = [turn(asked.seconds) for _ in range(asked.rounds)]
    rows, share = [], 100 / asked.seconds
    for node, calls in CALLS.items():
        rows.append(Row(
            what=f"{node}, processor time", unit="%", most=MOST_TIMES,
            peer="a baresip" if calls == 1 else f"{calls} baresips",
            ours=[share * own[node][0] for own, _ in turns], theirs=[share * calls * bare[0] for _, bare in turns],
        ))  # fmt: skip
        rows.append(Row(
            what=f"{node} itself, processor time", unit="%", peer="its baresip",
            ours=[share * own[f"{node} itself"][0] for own, _ in turns],
            theirs=[share * (own[node][0] - own[f"{node} itself"][0]) for own, _ in turns],
        ))  # fmt: skip
    for node in CALLS:
        rows.append(Row(
            what=f"{node}, memory", unit="MB", peer="the goal", most=1.0,
            ours=[own[node][1] for own, _ in turns], theirs=[MOST_MB for _ in turns],
        ))  # fmt: skip
        rows.append(Row(
            what=f"{node} itself, memory", unit="MB", peer="a baresip",
            ours=[own[f"{node} itself"][1] for own, _ in turns], theirs=[bare[1] for _, bare in turns],
        ))  # fmt: skip
    return hand_over(rows, asked)


if __name__ == "__main__":
    sys.exit(main())
