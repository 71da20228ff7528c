"""What hangs itself into every run of the orchestrator: the capture, the canary, and the verdict at the end."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path

from b2b.plan.model import Plan
from harness import canary, verdict
from harness.call import NOTES, PCAP, Call
from harness.capture import capturing
from harness.expect import expectations


@contextlib.contextmanager
def around(plan: Plan, folder: Path) -> Iterator[None]:
    """Capture the run, and judge it where its plan expects something. Raises UsageError for a broken `[expect]`."""
    wanted = expectations(plan)
    addresses = {node.bind.ip for node in plan.nodes}
    tcp_ports = {node.bind.port for node in plan.nodes if node.bind.port}
    with canary.watching(folder / canary.FILE), capturing(folder / PCAP, addresses, tcp_ports) as capture:
        yield
    (folder / NOTES).write_text(json.dumps(asdict(capture)) + "\n", encoding="utf-8")
    if wanted:
        from harness.judging.run import judge

        judged = judge(Call(folder), wanted)
        (folder / verdict.FILE).write_text(judged.to_json(), encoding="utf-8")
