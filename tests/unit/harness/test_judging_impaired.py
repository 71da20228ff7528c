"""Checks of a call whose network was impaired by a process that ended before it."""

from __future__ import annotations

import pytest

from harness.impair.ledger import Gone
from harness.judging.impaired import while_impaired
from harness.verdict import Check, Outcome

ANSWERED_S, GONE = 1000.0, Gone(at_s=1010.0, why="killed by SIGKILL")


def check(name, *, outcome=Outcome.FAIL, at_s=None):
    """Return a check."""
    return Check(name=name, where="sink", outcome=outcome, wanted="", got="", at_s=at_s)


@pytest.mark.parametrize(
    ("failed", "outcome"),
    [
        (check("lost", at_s=10.2), Outcome.UNKNOWN),
        (check("lost", at_s=9.8), Outcome.UNKNOWN),  # it was on its way
        (check("lost", at_s=4.0), Outcome.FAIL),
        (check("media"), Outcome.UNKNOWN),
        (check("codec"), Outcome.FAIL),
        (check("level"), Outcome.FAIL),
        (check("dtmf", outcome=Outcome.PASS), Outcome.PASS),
    ],
)
def test_what_failed_when_nothing_arrived_any_more(failed, outcome):
    """Nobody is blamed for it, and it is said since when; what was wrong before stays wrong."""
    first, found = while_impaired([failed], GONE, ANSWERED_S)
    assert (first.where, first.outcome, first.at_s, first.got) == ("[impair]", Outcome.UNKNOWN, 10.0, GONE.why)
    assert found.outcome is outcome


def test_a_call_that_was_never_answered():
    """All is unknown."""
    first, found = while_impaired([check("lost", at_s=1.0)], GONE, None)
    assert (first.at_s, found.outcome) == (None, Outcome.UNKNOWN)


def test_one_that_was_impaired_to_its_end():
    """Its checks are its checks."""
    assert list(while_impaired([check("lost")], None, ANSWERED_S)) == [check("lost")]
