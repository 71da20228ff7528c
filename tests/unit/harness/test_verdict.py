"""Checks, and what they come to together."""

from __future__ import annotations

import pytest

from harness.verdict import Check, Outcome, Verdict, together


def check(outcome: str, name: str = "gap") -> Check:
    """Return a check that ended like that."""
    return Check(
        name=name, where="a -> b", outcome=Outcome(outcome), wanted="40 ms", got="60 ms", at_s=1.5, file="x.pcap"
    )


@pytest.mark.parametrize(
    ("outcomes", "whole"),
    [
        (["pass", "pass"], "pass"),
        (["pass", "unknown"], "unknown"),
        (["unknown", "fail", "pass"], "fail"),
        ([], "unknown"),
    ],
)
def test_the_worst_decides(outcomes, whole):
    """A doubt is no pass, a failure is worse than a doubt, and nothing checked is a doubt too."""
    assert together(map(check, outcomes)).outcome == Outcome(whole)


def test_the_reason_is_a_sentence():
    """What was wanted, what came, at what second, and which file to open; and how many more there are."""
    reason = together([check("fail"), check("fail")]).reason
    assert reason == "a -> b: gap: wanted 40 ms, got 60 ms at 1.50 s (see x.pcap) (and 1 more)"


def test_it_is_read_as_it_was_written():
    """verdict.json has all of it."""
    verdict = together([check("fail"), check("pass", "lost")])
    assert Verdict.from_json(verdict.to_json()) == verdict
