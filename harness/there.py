"""What hangs itself into b2b on another machine, while roles of a run are there: a capture, and watch over the machine.

It leaves in its folder what a run's own folder has for the machine that the orchestrator is on.
"""

from __future__ import annotations

import contextlib
import json
from collections.abc import Iterator, Sequence
from dataclasses import asdict
from pathlib import Path

from harness import canary, runqueue
from harness.call import NOTES, PCAP
from harness.capture import capturing
from harness.report import environment


@contextlib.contextmanager
def around(addresses: Sequence[str], folder: Path) -> Iterator[None]:
    """Capture what arrives from or at these addresses, until the block ends."""
    host = folder / canary.FILE
    with canary.watching(host), runqueue.watching(host), capturing(folder / PCAP, addresses) as capture:
        yield
    (folder / NOTES).write_text(json.dumps(asdict(capture)) + "\n", encoding="utf-8")
    environment.note(folder)
