"""What hangs itself into a run whose plan has `[impair]`."""

from __future__ import annotations

import contextlib
import logging
from collections.abc import Iterator
from pathlib import Path

from b2b.plan.model import Plan
from harness.call import SENT, Call
from harness.capture import capturing
from harness.impair import network
from harness.impair.ledger import FILE, Ledger
from harness.impair.running import impairing
from harness.impair.table import TABLE, Impairments, impairments

PRIVATE = "private"
LOG = logging.getLogger("b2b.run")


@contextlib.contextmanager
def around(plan: Plan, folder: Path) -> Iterator[None]:
    """Impair the run as its plan wants it. Raises UsageError before anything starts where that is not possible."""
    wanted = impairments(plan)
    if wanted is None:
        yield
        return
    used = Call(folder).summary["network"]
    if used != PRIVATE:
        says = f"wanted a network of the run's own, this run uses that of the {used}; see --network"
        raise plan.where.error(TABLE, says=says)
    network.divert()
    addresses = {node.bind.ip for node in plan.nodes}
    with capturing(folder / SENT, addresses, as_sent=True) as sent, impairing(folder, LOG.critical):
        for said in words(wanted):
            LOG.info("impairing %s", said)
        yield
    ledger = Ledger.read(folder / FILE)
    for said in ledger.summary():
        LOG.info(said)
    if ledger.drops:
        LOG.warning("%d packets were lost on their way to what impairs them: this machine was too slow", ledger.drops)
    if sent.drops:
        LOG.warning("%s lacks %d packets: this machine was too slow", SENT, sent.drops)


def dry_run(plan: Plan) -> Iterator[str]:
    """Yield what would be done to the plan's calls. Raises UsageError for a broken `[impair]`."""
    if wanted := impairments(plan):
        yield from (f"impair {said}" for said in words(wanted))


def words(wanted: Impairments) -> Iterator[str]:
    """Yield what is asked for, one line for each direction's media or SIP."""
    for direction in wanted.directions:
        yield from (f"{said} (seed {wanted.seed})" for said in direction.words())
