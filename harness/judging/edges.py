"""The check that a leg's sound lasts from the answer to the BYE: where nothing came at all there is no gap."""

from __future__ import annotations

from collections.abc import Iterator

from harness import canary
from harness.judging.wire import Circumstances
from harness.verdict import Check, Outcome
from harness.wire.legs import Leg

CLOSING_S = 0.2  # beyond the limit: baresip starts and stops a call's threads one by one


def check_edges(leg: Leg, limit_ms: float, known: Circumstances, *, ended_at_s: float | None) -> Iterator[Check]:
    """Yield a check that failed where nothing came for longer than a gap may be, after the answer or before the BYE.

    `ended_at_s` is when the BYE was sent, which may be long before it arrived; None where nobody knows.
    """
    first, last = leg.streams[0], max(leg.streams, key=lambda stream: stream.end_s)
    edges = (
        ("begin", leg.answered_at_s, first.start_s, "since the answer", (None, int(first.columns.seqs[0]))),
        ("end", last.end_s, ended_at_s, "until the BYE", (int(last.columns.seqs[-1]), None)),
    )
    for name, start_s, end_s, when, place in edges:
        if start_s is None or end_s is None or end_s - start_s <= limit_ms / 1000 + CLOSING_S:
            continue
        silent_s = end_s - start_s
        stall_s = canary.longest_within(known.stalls, start_s, end_s)
        by_host = stall_s >= silent_s - limit_ms / 1000 - CLOSING_S
        why = f"host stalled {1000 * stall_s:.0f} ms" if by_host else known.impaired.between(last.ssrc, *place)
        yield Check(
            name=name,
            where=leg.name,
            outcome=Outcome.UNKNOWN if by_host else Outcome.FAIL,
            wanted="sound from the answer to the BYE",
            got=f"nothing for {silent_s:.2f} s {when}{f' ({why})' if why else ''}",
            at_s=max(0.0, start_s - (leg.answered_at_s or start_s)),
            file=known.file,
        )
