"""Checks of the digits that a listener got: the sequence, as often as there was time for it, and each of them once."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Protocol

from harness.judging.outcome import outcome_of
from harness.signalled import INBAND, Heard
from harness.verdict import Check, Outcome

SAME_S = 1.0  # a tone is heard that much later than an event at the most: jitter and player buffers


class Digit(Protocol):
    """A digit and when it began."""

    @property
    def digit(self) -> str: ...

    @property
    def start_s(self) -> float: ...


def check_digits(
    name: str,
    file: str,
    digits: Sequence[Digit],
    sequence: str,
    *,
    whole: int | None,
    once: bool = False,
    by: str = INBAND,
) -> Check:
    """Compare what was heard with the sequence; the end may cut one off, unless it was sent `once`.

    `whole` is how many sequences there was time for; None where nobody knows, and one will do.
    """
    heard = "".join(digit.digit for digit in digits)
    whole = 1 if once else whole
    least = sequence * whole if whole is not None else sequence
    repeated = sequence * (len(heard) // max(1, len(sequence)) + 1)
    most = len(heard) if whole is None else len(sequence) * (whole if once else whole + 1)
    good = heard.startswith(least) and repeated.startswith(heard) and len(heard) <= most
    at = next((i for i, (one, other) in enumerate(zip(heard, repeated, strict=False)) if one != other), len(heard))
    times = "once" if once else f"{whole} times" if whole is not None else "repeated"
    way = "" if by == INBAND else f" by {by}"
    return Check(
        name="dtmf",
        where=name,
        outcome=outcome_of(good),
        wanted=f"{sequence!r} {times}{way}",
        got=f"{heard!r}{way}",
        at_s=digits[at].start_s if at < len(digits) and not good else None,
        file=file,
    )


def check_twice(name: str, file: str, heard: Iterable[Heard]) -> Check:
    """Check that no digit came by two ways at once: a device that passes tones on and signals them too counts twice."""
    pairs = list(_pairs(sorted(heard, key=lambda one: one.start_s)))
    got = ", ".join(f"{one.digit!r} by {one.by} and by {other.by}" for one, other in pairs) or "each once"
    return Check(
        name="digits once",
        where=name,
        outcome=Outcome.FAIL if pairs else Outcome.PASS,
        wanted="no digit by two ways",
        got=got,
        at_s=pairs[0][0].start_s if pairs else None,
        file=file,
    )


def _pairs(heard: Sequence[Heard]) -> Iterator[tuple[Heard, Heard]]:
    used: set[int] = set()
    for at, one in enumerate(heard):
        for later in range(at + 1, len(heard)):
            other = heard[later]
            if other.start_s - one.start_s > SAME_S:
                break
            if other.digit == one.digit and other.by != one.by and not used & {at, later}:
                used |= {at, later}
                yield one, other
