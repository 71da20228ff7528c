"""The check of the digits in a recording: the sequence, repeated as often as there was time for it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from harness.judging.outcome import outcome_of
from harness.verdict import Check

if TYPE_CHECKING:
    from harness.dtmf import Digit


def check_digits(name: str, file: str, digits: Sequence[Digit], sequence: str, *, whole: int | None) -> Check:
    """Compare what was heard with the sequence; the end may cut one off.

    `whole` is how many sequences there was time for; None where nobody knows, and one will do.
    """
    heard = "".join(digit.digit for digit in digits)
    least = sequence * whole if whole is not None else sequence
    repeated = sequence * (len(heard) // max(1, len(sequence)) + 1)
    most = len(heard) if whole is None else len(sequence) * (whole + 1)
    good = heard.startswith(least) and repeated.startswith(heard) and len(heard) <= most
    at = next((i for i, (one, other) in enumerate(zip(heard, repeated, strict=False)) if one != other), len(heard))
    return Check(
        name="dtmf",
        where=name,
        outcome=outcome_of(good),
        wanted=f"{sequence!r} {f'{whole} times' if whole is not None else 'repeated'}",
        got=repr(heard),
        at_s=digits[at].start_s if at < len(digits) and not good else None,
        file=file,
    )
