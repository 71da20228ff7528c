"""How long it takes to judge a run of ten minutes and make its page, beside tshark's statistics of the same capture.

    python benchmarks/analysis.py [--rounds 5] [--minutes 10] [--speed 5]

The run is made first, at a speed at which it takes two minutes, and then judged by `b2b judge` in processes of their
own. Where the machine did not keep up the verdict may be that nobody can tell; judging takes longer then, not less.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
import time
from pathlib import Path

from result import Row, flags, hand_over

from harness.topology import make_call

PLAN = Path(__file__).parents[1] / "plans" / "smk.plan.toml"
MOST_S = 3.0


def timed(command: list[str], codes: tuple[int, ...] = (0,)) -> float:
    """Run a command to its end, and return how long it took."""
    began = time.monotonic()
    finished = subprocess.run(command, capture_output=True, text=True, check=False)
    if finished.returncode not in codes:
        raise SystemExit(f"{' '.join(command)} ended with {finished.returncode}:\n{finished.stdout}{finished.stderr}")
    return time.monotonic() - began


def main() -> int:
    """Make the run, and judge it in turns with tshark."""
    parser = flags(__doc__)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--minutes", type=float, default=10.0)
    parser.add_argument("--speed", type=float, default=5.0)
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as scratch:
        run = Path(scratch) / "run"
        changes = {"run": {"speed": asked.speed}, "source": {"loop": True}}
        make_call(PLAN, run, changes=changes, duration_s=60 * asked.minutes)
        judge = [sys.executable, "-m", "b2b", "judge", str(run)]
        capture = str(run / "capture.pcap")
        tshark = ["tshark", "-n", "-q", "-z", "rtp,streams", "-d", "udp.port==1-65535,rtp", "-r", capture]
        turns = [(timed(judge, (0, 1, 2)), timed(tshark)) for _ in range(asked.rounds)]
    ours, theirs = [own for own, _ in turns], [other for _, other in turns]
    what = f"{asked.minutes:g} minutes judged and reported"
    return hand_over([
        Row(what=what, unit="s", peer="the goal", ours=ours, theirs=[MOST_S] * len(ours), most=1),
        Row(what=what, unit="s", peer="tshark -z rtp,streams", ours=ours, theirs=theirs),
    ], asked)  # fmt: skip


if __name__ == "__main__":
    sys.exit(main())
