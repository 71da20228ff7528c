"""What a fault is, and whether the checks found it: by name, at its place, in its size."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace

from harness.verdict import Check, Outcome

NUMBER = r"(-?\d+(?:\.\d+)?)"


@dataclass(frozen=True, slots=True, kw_only=True)
class Expected:
    """What one check must say of a fault: that it failed, and where it is given the figure, the place and the words.

    `where` is the leg or node, any if empty. `size` is what `figure` finds in what the check got, the first number,
    within `size_error`, unless it has the words `instead`; `at_s` its place, within `at_error_s`. `fails` is False for
    what is measured and no failure, and `optional` is what may follow from a fault and need not.
    """

    check: str
    where: str = ""
    size: float | None = None
    size_error: float = 0.0
    figure: str = NUMBER
    instead: str = ""
    at_s: float | None = None
    at_error_s: float = 0.05
    says: str = ""
    fails: bool = True
    optional: bool = False

    def is_about(self, check: Check) -> bool:
        """Whether a check is the one that is meant."""
        return check.name == self.check and self.where in ("", check.where)


@dataclass(frozen=True, slots=True, kw_only=True)
class Fault:
    """What was done to a clean call, and when; no other checks than the expected ones may fail."""

    name: str
    what: str
    at_s: float | None = None
    expects: Sequence[Expected] = ()

    @property
    def injected(self) -> str:
        """What was done and when, in words."""
        return self.what if self.at_s is None else f"{self.what} at {self.at_s:.2f} s"

    def later(self, seconds: float, *, error_s: float = 0.0) -> Fault:
        """Return the same with all places that much later, and less exactly known."""
        moved = [
            replace(one, at_s=None if one.at_s is None else one.at_s + seconds, at_error_s=one.at_error_s + error_s)
            for one in self.expects
        ]
        return replace(self, expects=moved, at_s=None if self.at_s is None else self.at_s + seconds)


@dataclass(frozen=True, slots=True)
class Finding:
    """What the checks said of a fault, and what was wrong with that: nothing, at best.

    A doubt is a check that could not tell. That is never right, but no lie either.
    """

    fault: Fault
    seed: int
    checks: Sequence[Check]
    objections: Sequence[str] = field(default=())
    doubts: Sequence[str] = field(default=())

    @property
    def is_good(self) -> bool:
        """Whether all was said and nothing else."""
        return not self.objections and not self.doubts

    @property
    def reported(self) -> str:
        """What the checks said that failed or measured it; where there is a doubt, also those that could not tell."""
        tell = {Outcome.FAIL, Outcome.UNKNOWN} if self.doubts else {Outcome.FAIL}
        told = [check for check in self.checks if check.outcome in tell or self._measured(check)]
        return "; ".join(dict.fromkeys(f"{check.name}: {check.got}{_place(check)}" for check in told)) or "all passed"

    @property
    def verdict(self) -> str:
        """What that is worth, in a word or three."""
        if self.objections:
            return "wrong" if self.fault.expects else "false alarm"
        if self.doubts:
            return "could not tell"
        return "found" if self.fault.expects else "clean"

    def _measured(self, check: Check) -> bool:
        return any(one.is_about(check) and not one.fails and not one.optional for one in self.fault.expects)


def examine(fault: Fault, seed: int, checks: Sequence[Check]) -> Finding:
    """Compare what the checks said with what was done.

    On a clean call every check has to tell; with a fault those that it is for, whatever the host did to the others.
    """
    expected = {one: [check for check in checks if one.is_about(check)] for one in fault.expects}
    other = [check for check in checks if not any(check in about for about in expected.values())]
    needed = [about for one, about in expected.items() if not one.optional]
    unsure = [check for about in needed for check in _open(about)] if fault.expects else other
    objections = [words for one, about in expected.items() for words in _missed(one, about)]
    objections += [f"false alarm: {check}" for check in other if check.outcome is Outcome.FAIL]
    doubts = [f"could not tell: {check}" for check in unsure if check.outcome is Outcome.UNKNOWN]
    return Finding(fault, seed, checks, objections, doubts)


def _open(about: Sequence[Check]) -> Sequence[Check]:
    """Return the checks of one kind, if none of them has told yet."""
    return [] if any(check.outcome is Outcome.FAIL for check in about) else about


def _missed(expected: Expected, about: Sequence[Check]) -> Iterator[str]:
    said = [check for check in about if check.outcome is Outcome.FAIL or not expected.fails]
    for check in said:
        yield from _mistaken(expected, check)
    if not said and not expected.optional and all(check.outcome is Outcome.PASS for check in about):
        came = "; ".join(str(check) for check in about) or "there is no such check"
        yield f"missed: {expected.check} did not fail: {came}"


def _mistaken(expected: Expected, check: Check) -> Iterator[str]:
    """Yield what is wrong with the size, the place and the words of a check."""
    if expected.size is not None and not (expected.instead and expected.instead in check.got):
        found = re.search(expected.figure, check.got)
        if not found or abs(float(found[1]) - expected.size) > expected.size_error:
            yield f"{check.name}: wanted {expected.size:g} within {expected.size_error:g}, came {check.got}"
    if expected.at_s is not None and (check.at_s is None or abs(check.at_s - expected.at_s) > expected.at_error_s):
        came = "no place" if check.at_s is None else f"{check.at_s:.3f} s"
        yield f"{check.name}: wanted it at {expected.at_s:.3f} s within {expected.at_error_s:.3f}, came {came}"
    if expected.says not in check.got:
        yield f"{check.name}: wanted {expected.says!r} in it, came {check.got!r}"


def _place(check: Check) -> str:
    return "" if check.at_s is None else f" at {check.at_s:.2f} s"
