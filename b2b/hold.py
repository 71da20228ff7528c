"""A stretch of a call for which it is on hold, as plans and flags write it."""

from __future__ import annotations

import re
from dataclasses import dataclass

from b2b.errors import UsageError

STRETCH = re.compile(r"(\d{1,9})-(\d{1,9})", re.ASCII)


@dataclass(frozen=True, slots=True)
class Hold:
    """From when to when, in milliseconds from the call's answer."""

    from_ms: int
    to_ms: int

    def __str__(self) -> str:
        """Return it as a plan writes it."""
        return f"{self.from_ms}-{self.to_ms}"


def parse_hold(text: str) -> Hold | None:
    """Read `2000-4000`; the empty text stands for no hold. Raises UsageError."""
    if not text:
        return None
    found = STRETCH.fullmatch(text)
    if found and (hold := Hold(int(found[1]), int(found[2]))).from_ms < hold.to_ms:
        return hold
    raise UsageError(f"wanted from when to when in milliseconds from the answer, as 2000-4000, came {text!r}")
