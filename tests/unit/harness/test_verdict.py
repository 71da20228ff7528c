"""Checks, and what they come to together."""

from __future__ import annotations

from dataclasses import replace

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


def test_a_cause_is_told_once():
    """After what came, unless it is what came; a check that passed needs none."""
    lost = replace(check("fail"), cause="network, a -> b: lost between a and b: 1 packet")
    assert str(lost).endswith("(see x.pcap); network, a -> b: lost between a and b: 1 packet")
    stalled = replace(check("unknown"), got="60 ms (host stalled 52 ms)", cause="host, a -> b: host stalled 52 ms")
    assert str(stalled).endswith("got 60 ms (host stalled 52 ms) at 1.50 s (see x.pcap)")
    assert str(replace(lost, outcome=Outcome.PASS)).endswith("(see x.pcap)")


def test_it_is_read_as_it_was_written():
    """verdict.json has all of it."""
    verdict = together([check("fail"), check("pass", "lost")])
    assert Verdict.from_json(verdict.to_json()) == verdict
