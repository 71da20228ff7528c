"""What a yes or no is worth."""

from __future__ import annotations

from harness.verdict import Outcome


def outcome_of(good: bool) -> Outcome:
    """Return pass or fail."""
    return Outcome.PASS if good else Outcome.FAIL
