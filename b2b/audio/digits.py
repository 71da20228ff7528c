"""Digit sequences as users write them."""

from __future__ import annotations

from dataclasses import dataclass

from b2b.errors import UsageError

DIGITS = "0123456789*#ABCD"


@dataclass(frozen=True, slots=True)
class Sequence:
    """The digits to play, and the characters of a written number that were left out."""

    digits: str
    skipped: str


def parse_sequence(text: str) -> Sequence:
    """Read a sequence; '+' and blanks are skipped, and the empty text stands for no digits."""
    skipped = "".join(char for char in text if char == "+" or char.isspace())
    digits = "".join(char.upper() if char in "abcd" else char for char in text if char not in skipped)
    if wrong := next((char for char in digits if char not in DIGITS), None):
        raise UsageError(f"wanted digits of 0-9 * # A-D, came {wrong!r} in {text!r}")
    if text and not digits:
        raise UsageError(f"wanted digits of 0-9 * # A-D, came none in {text!r}; an empty text asks for no digits")
    return Sequence(digits, skipped)


def check_fits(digits: str, tone_ms: int, pause_ms: int, period_ms: int) -> None:
    """Refuse a sequence that would start again before it has ended."""
    if (length_ms := len(digits) * (tone_ms + pause_ms)) > period_ms:
        raise UsageError(f"the sequence {digits!r} takes {length_ms} ms, wanted at most its period of {period_ms} ms")
