"""Runs the orchestrator on a plan with a capture of the loopback beside it, and if asked a bare pair of baresips.

    python tests/calls/run_tapped.py PCAP SECONDS [--bare] -- ORCHESTRATOR-FLAGS...

To be started in a private network: everything on the loopback is captured.
"""

from __future__ import annotations

import contextlib
import json
import subprocess
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

from calls.bare_pair import bare_pair
from oracle.capture import capturing


def main() -> None:
    """Run, and write what the capture counted beside it."""
    pcap, seconds = Path(sys.argv[1]), sys.argv[2]
    ours = sys.argv.index("--")
    command = [sys.executable, "-m", "b2b", "orchestrator", "--network", "host", "--duration-s", seconds]
    beside = bare_pair(float(seconds)) if "--bare" in sys.argv[:ours] else contextlib.nullcontext()
    with capturing(pcap) as capture, beside:
        code = subprocess.run([*command, *sys.argv[ours + 1 :]], check=False).returncode
    pcap.with_suffix(".json").write_text(json.dumps({"packets": capture.packets, "drops": capture.drops}))
    sys.exit(code)


if __name__ == "__main__":
    main()
