"""Digits against the sequence that was to come: what is wrong with them, in words, and when."""

from __future__ import annotations

import pytest

from harness.dtmf import Digit
from harness.judging.digits import check_digits
from harness.verdict import Outcome

TONE_S = 0.08


def digits(text: str, **lengths_s: float) -> list[Digit]:
    """Return digits half a second apart; a length is given as n2=0.035 for the third."""
    return [
        Digit(
            digit=digit, start_s=n / 2, end_s=n / 2 + lengths_s.get(f"n{n}", TONE_S), low_dbm0=-9, high_dbm0=-9,
            low_error=0, high_error=0, confidence=1,
        )
        for n, digit in enumerate(text)
    ]  # fmt: skip


@pytest.mark.parametrize(("heard", "whole", "words", "at_s"), [
    ("12312", 2, "1 digit missing after 2.08 s", 2.08),
    ("", 1, None, None),
    ("12323", 2, "a 1 missing after 1.08 s", 1.08),
    ("1231123", 3, "a 1 too many", 2.0),
    ("123153", 2, "a 5 instead of a 2", 2.0),
    ("23123", 2, "a 1 missing after 0.00 s", 0.0),
    ("9123", 1, "a 9 too many", 0.0),
    ("123123123", 1, "3 too many", 3.0),
    ("1313", None, "a 2 missing after 0.08 s", 0.08),
])  # fmt: skip
def test_the_first_digit_that_is_wrong(heard, whole, words, at_s):
    """Missing, too many, or another one, whichever explains what follows."""
    check = check_digits("sink", "sink.wav", digits(heard), "123", whole=whole)
    assert check.outcome is Outcome.FAIL
    assert check.got == (f"{heard!r}, {words}" if words else repr(heard))
    assert check.at_s == at_s


@pytest.mark.parametrize(("heard", "whole"), [("123123", 2), ("1231231", 2), ("123", None), ("1231", None), ("", 0)])
def test_digits_as_they_should_be(heard, whole):
    """The end may cut a sequence off."""
    check = check_digits("sink", "sink.wav", digits(heard), "123", whole=whole)
    assert (check.outcome, check.at_s) == (Outcome.PASS if heard or whole == 0 else Outcome.FAIL, None)


def test_a_digit_that_is_too_short():
    """Not every receiver need have heard it (Q.24); a little below the limit is how exactly lengths are measured."""
    heard = digits("123123", n4=0.035)
    check = check_digits("sink", "sink.wav", heard, "123", whole=2, min_ms=40)
    assert check.outcome is Outcome.FAIL
    assert (check.got, check.at_s) == ("'123123', a 2 of 35 ms, shorter than 40", 2.0)
    assert check_digits("sink", "sink.wav", heard, "123", whole=2).outcome is Outcome.PASS
    assert check_digits("sink", "sink.wav", digits("123", n1=0.038), "123", whole=1, min_ms=40).outcome is Outcome.PASS


def test_the_last_digit_may_be_cut_off():
    """By the end of the call; but not one that there was time for."""
    assert check_digits("s", "s.wav", digits("1231", n3=0.02), "123", whole=1, min_ms=40).outcome is Outcome.PASS
    assert check_digits("s", "s.wav", digits("123", n2=0.02), "123", whole=1, min_ms=40).outcome is Outcome.FAIL
