"""Which digits a written sequence stands for."""

from __future__ import annotations

import pytest

from b2b.audio.digits import DIGITS, Sequence, check_fits, parse_sequence
from b2b.errors import UsageError


@pytest.mark.parametrize(("text", "digits", "skipped"), [
    ("", "", ""),
    ("123#", "123#", ""),
    (DIGITS, DIGITS, ""),
    ("abcd", "ABCD", ""),
    ("+442083661177", "442083661177", "+"),
    ("+44 20\t1", "44201", "+ \t"),
])
def test_a_sequence_is_read_as_people_write_it(text, digits, skipped):
    """'+' and blanks of a phone number are skipped and remembered; letters may be small."""
    assert parse_sequence(text) == Sequence(digits, skipped)


@pytest.mark.parametrize(("text", "wrong"), [("12-3", "-"), ("(0)1", "("), ("12E", "E"), ("１", "１"), ("１+", "１")])
def test_what_is_no_digit_is_named(text, wrong):
    """The character and the sequence are both told."""
    with pytest.raises(UsageError) as caught:
        parse_sequence(text)
    assert str(caught.value) == f"wanted digits of 0-9 * # A-D, came {wrong!r} in {text!r}"


@pytest.mark.parametrize("text", ["+", " ", "+ +"])
def test_only_the_empty_text_asks_for_no_digits(text):
    """Blanks alone are more likely a slip."""
    with pytest.raises(UsageError, match="came none"):
        parse_sequence(text)


def test_a_sequence_may_fill_its_period():
    """Four digits of 160 ms fit into 640 ms exactly."""
    check_fits("123#", 80, 80, 640)


def test_a_sequence_longer_than_its_period_is_refused():
    """Length and period are both told."""
    with pytest.raises(UsageError, match="'123#' takes 640 ms, wanted at most its period of 639 ms"):
        check_fits("123#", 80, 80, 639)
