"""Broken and hostile input: a little of it each time, and all that once was a finding. `make fuzz` gives a million."""

from __future__ import annotations

import random
from pathlib import Path

import pytest

from fuzz.campaign import campaign
from fuzz.limits import TooSlow, time_limited
from fuzz.mutate import inputs
from fuzz.targets import BY_NAME, TARGETS, Target

EACH = pytest.mark.parametrize("target", TARGETS, ids=lambda target: target.name)


@EACH
def test_broken_input_is_refused_in_a_sentence_and_in_time(target: Target) -> None:
    """No exception that nobody foresaw, no hang, no terminal's commands."""
    for data in random_inputs(target):
        with time_limited():
            target.read(data)


def random_inputs(target: Target) -> list[bytes]:
    """Return as many inputs as a test of seconds has time for, the same each time; of each seed at least one."""
    some = inputs(target.seeds(), target.words, seed=7)
    return [next(some) for _ in range(max(target.short, len(target.seeds())))]


@pytest.mark.parametrize(
    ("target", "path"),
    [pytest.param(target, path, id=f"{target.name}-{path.name}") for target in TARGETS for path in target.corpus],
)
def test_what_once_was_a_finding_is_none_any_more(target: Target, path: Path) -> None:
    """Each was an exception, a hang or something that would have reached a terminal."""
    with time_limited():
        target.read(path.read_bytes())


def test_the_same_seed_makes_the_same_inputs() -> None:
    """Or a finding could not be repeated."""
    target = BY_NAME["sip"]
    assert random_inputs(target) == random_inputs(target)
    assert len(set(random_inputs(target))) > target.short / 2


def test_a_finding_is_told_once_for_each_place(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """With the input that makes it, as a file of the corpus."""
    monkeypatch.setattr("fuzz.campaign.CORPUS", tmp_path)
    monkeypatch.setattr("fuzz.campaign.limit_memory", lambda: None)

    def read(data: bytes) -> None:
        if b"x" in data:
            raise KeyError("x")
        if len(data) > 40:
            raise UnicodeError

    broken = Target(name="broken", read=read, seeds=lambda: [b"y" * 30], words=[b"x"])
    result = campaign(broken, count=2000, seconds=60, seed=1)
    assert len(result.findings) == 2
    assert {"KeyError", "UnicodeError"} == {place.partition(" ")[0] for place in result.findings}
    kept = [path.read_bytes() for path in (tmp_path / "broken").iterdir()]
    assert any(b"x" in data for data in kept)
    assert any(len(data) > 40 for data in kept)


def test_a_hang_is_a_finding(monkeypatch: pytest.MonkeyPatch) -> None:
    """Measured in processor time, so that a busy machine is none."""
    monkeypatch.setattr("fuzz.limits.CPU_S", 0.05)

    def hang() -> None:
        with time_limited():
            while True:
                random.random()

    with pytest.raises(TooSlow):
        hang()
