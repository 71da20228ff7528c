"""The check that a leg's sound lasts from the answer to the BYE: where nothing came at all there is no gap."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from harness.fault.cause import Cause, Who
from harness.fault.wire import Sight
from harness.judging.wire import Circumstances
from harness.verdict import Check, Outcome
from harness.wire.holds import off_hold_s
from harness.wire.legs import Leg
from harness.wire.streams import Stream

CLOSING_S = 0.2  # beyond the limit: baresip starts and stops a call's threads one by one


def check_edges(
    leg: Leg, sight: Sight, limit_ms: float, known: Circumstances, *, ended_at_s: float | None
) -> Iterator[Check]:
    """Yield a check that failed where nothing came for longer than a gap may be, after the answer or before the BYE.

    `ended_at_s` is when the BYE was sent, which may be long before it arrived; None where nobody knows.
    """
    if not known.whole:  # then nobody knows what came
        return
    first, last = leg.streams[0], max(leg.streams, key=lambda stream: stream.end_s)
    edges = (
        ("begin", leg.answered_at_s, first.start_s, "since the answer", first),
        ("end", last.end_s, ended_at_s, "until the BYE", last),
    )
    limit_s = limit_ms / 1000 + CLOSING_S
    for name, start_s, end_s, when, stream in edges:
        if start_s is None or end_s is None or off_hold_s(leg.holds, start_s, end_s - start_s) <= limit_s:
            continue
        cause = _cause(name, stream, sight, known, start_s=start_s, end_s=end_s, limit_s=limit_s)
        yield Check(
            name=name,
            where=leg.name,
            outcome=Outcome.UNKNOWN if cause.who is Who.HOST else Outcome.FAIL,
            wanted="sound from the answer to the BYE",
            got=f"nothing for {end_s - start_s:.2f} s {when}",
            at_s=max(0.0, start_s - (leg.answered_at_s or start_s)),
            file=known.file,
            cause=str(cause),
        )


def _cause(
    edge: str, stream: Stream, sight: Sight, known: Circumstances, *, start_s: float, end_s: float, limit_s: float
) -> Cause:
    def cause(who: Who, where: str, evidence: str) -> Cause:
        return Cause(who=who, where=where, evidence=evidence, at_s=start_s, length_s=end_s - start_s)

    held = sight.held(known.host, start_s, end_s)
    if edge == "begin":  # which the other side's ACK comes before
        held = max(held, known.host.held(sight.dst, start_s, end_s), key=lambda one: one.length_s)
    if held.length_s >= end_s - start_s - limit_s:
        return cause(Who.HOST, sight.leg, held.evidence)
    seqs = stream.columns.seqs
    place = {"before": int(seqs[0])} if edge == "begin" else {"after": int(seqs[-1])}
    if injected := sight.impaired.lost_outside(stream.ssrc, **place):
        return cause(Who.NETWORK, sight.leg, injected)
    if sight.tap and (passed := _beside(sight.tap, start_s, end_s)):
        says = f"{passed} packets passed {sight.tap.flow} meanwhile and came no further"
        return cause(Who.NETWORK, sight.leg, says)
    if sight.tap or sight.at_sender:
        return cause(Who.SENDER, sight.src, f"{sight.src} sent nothing; seen where it left")
    return cause(Who.UNKNOWN, sight.leg, "one capture cannot tell whether nothing was sent or all of it was lost")


def _beside(tap: Stream, start_s: float, end_s: float) -> int:
    """Count the packets that a tap saw well inside a stretch of time."""
    times_s = tap.columns.times_s
    return int(np.sum((times_s > start_s + CLOSING_S) & (times_s < end_s - CLOSING_S)))
