"""What an investigation comes to: who, where, and by what evidence."""

from __future__ import annotations

import enum
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any


class Who(str, enum.Enum):
    """Who can be at fault; `unknown` is an answer, and its evidence says what is not known."""

    SENDER = "sender"
    NETWORK = "network"
    HOST = "host"  # the machine that the test runs on
    RECEIVER = "receiver"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True, kw_only=True)
class Cause:
    """Where a gap arose: on a leg, as `source -> mixer`, or in a node. Times are seconds since the epoch."""

    who: Who
    where: str
    evidence: str
    at_s: float | None = None
    length_s: float = 0.0

    def beside(self, place: str = "") -> str:
        """Return who it was, and where unless that is the place which it is said of."""
        who = "could not tell whose" if self.who is Who.UNKNOWN else self.who.value
        return who if self.where == place else f"{who}, {self.where}"

    def __str__(self) -> str:
        """Return it as one sentence."""
        return f"{self.beside()}: {self.evidence}"


def counted(node: str, metrics: Mapping[str, Any], names: Sequence[str]) -> str:
    """Return those of a node's own counters that are not 0, for the end of a sentence."""
    said = [f"{name} {metrics[name]}" for name in dict.fromkeys(names) if metrics.get(name)]
    return f" ({node} counts {', '.join(said)})" if said else ""
