"""One call in one line: what a table of many calls says of each."""

from __future__ import annotations

import platform
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Any

from b2b.errors import B2bError
from harness.call import Call
from harness.verdict import Outcome

if TYPE_CHECKING:
    from harness.wire.legs import Leg

ERROR = "error"


@dataclass(slots=True, kw_only=True)
class Row:
    """A call's figures; None where there was nothing to measure. `outcome` is a verdict's, "none" or "error"."""

    test: str
    plan: str
    attempt: int
    outcome: str
    reason: str
    began_s: float
    duration_s: float
    network: str
    host: str
    packets: int = 0
    lost: int = 0
    max_gap_ms: float | None = None
    max_gap_leg: str = ""
    jitter_p95_ms: float | None = None
    digits: dict[str, str] = field(default_factory=dict)
    stalls: int = 0
    speed: float = 1.0
    folder: str = ""

    @property
    def passed(self) -> bool:
        """Whether nothing is amiss; a call of which nothing was expected counts too."""
        return self.outcome in (Outcome.PASS.value, "none")

    @property
    def name(self) -> str:
        """The test's name, and which attempt it was where there were several."""
        return f"{self.test}{f' (attempt {self.attempt})' if self.attempt > 1 else ''}"

    def as_json(self) -> dict[str, Any]:
        """Return plain values, from which the row can be made again."""
        return asdict(self)


def row_of(call: Call, *, test: str, plan: str, attempt: int, folder: str, error: str = "") -> Row:
    """Return the line of a call; `error` says why there was none."""
    verdict = call.verdict
    if call.unreadable:
        error = error or f"what it left cannot be read: {call.unreadable}"
    try:
        figures = _figures(call) if call.events else {}
    except (B2bError, ValueError, OSError, LookupError) as trouble:  # a run that was cut off may have left half a file
        figures, error = {}, error or f"what it left cannot be read: {trouble}"
    return Row(
        test=test,
        plan=plan,
        attempt=attempt,
        outcome=ERROR if error else verdict.outcome.value if verdict else "none",
        reason=error or (verdict.reason if verdict else "nothing was expected"),
        began_s=next((event["wall_s"] for event in call.events), 0.0),
        duration_s=call.summary["duration_s"],
        network=call.summary["network"],
        host=platform.node(),
        stalls=len(call.stalls),
        speed=call.speed,
        folder=folder,
        **figures,
    )


def _figures(call: Call) -> dict[str, Any]:
    """Return what was measured on the wire and in the recordings."""
    legs = list(_legs(call))
    worst = max(legs, key=lambda leg: leg.max_gap_ms, default=None)
    return {
        "packets": sum(leg.packets for leg in legs),
        "lost": sum(leg.rtp.missing for leg in legs),
        "max_gap_ms": worst.max_gap_ms if worst else None,
        "max_gap_leg": worst.name if worst else "",
        "jitter_p95_ms": max((round(leg.rtp.jitter.p95_ms, 3) for leg in legs), default=None),
        "digits": {listener.node.name: listener.dtmf for listener in call.listeners},
    }


def _legs(call: Call) -> Iterator[Leg]:
    """Yield the legs between nodes of the plan that carried RTP; others' calls may have been captured as well."""
    yield from (leg for leg in call.legs if leg.src and leg.dst and leg.stream)
