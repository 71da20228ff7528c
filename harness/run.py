"""What hangs itself into every run of the orchestrator: the capture, the canary, the verdict and the report."""

from __future__ import annotations

import contextlib
import json
import logging
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path

from b2b.plan.model import Plan
from harness import canary, runqueue, verdict
from harness.call import NOTES, PCAP, Call
from harness.capture import capturing
from harness.expect import expectations
from harness.figures import UNREADABLE, figures_of
from harness.gathered import gather
from harness.machines import machines_of
from harness.memory import keep_freed
from harness.report.page import making
from harness.warm import load_beside


def dry_run(plan: Plan) -> Iterator[str]:
    """Yield nothing; only check what the plan expects. Raises UsageError for a broken `[expect]`."""
    expectations(plan)
    yield from ()


@contextlib.contextmanager
def around(plan: Plan, folder: Path) -> Iterator[None]:
    """Capture the run, judge it where its plan expects something, and tell of it on a page.

    Raises UsageError for a broken `[expect]`.
    """
    wanted = expectations(plan)
    addresses = {node.bind.ip for node in plan.nodes}
    host = folder / canary.FILE
    with canary.watching(host), runqueue.watching(host), capturing(folder / PCAP, addresses) as capture:
        load_beside(*(["harness.judging.run"] if wanted else []), "harness.report.page.of_run", pages=True)
        yield
    if machines := machines_of(folder):
        capture = gather(folder, plan, capture, machines)
    (folder / NOTES).write_text(json.dumps(asdict(capture)) + "\n", encoding="utf-8")
    keep_freed()
    call, judged = Call(folder), None
    from harness.report import environment  # when the call is over: it looks up versions

    environment.note(folder, machines)
    if wanted:
        from harness.judging.run import judge

        judged = judge(call, wanted)
        (folder / verdict.FILE).write_text(judged.to_json(), encoding="utf-8")
    if trouble := making.make(making.of_run(call, judged), folder / making.PAGE):
        logging.getLogger("b2b.run").warning(trouble)
    with contextlib.suppress(*UNREADABLE):  # nor is there then anything to be compared
        figures_of(call)  # while all that they need has been read
