"""What a fault is, and whether the checks found it: by name, at its place, in its size."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field

from harness.verdict import Check, Outcome

NUMBER = re.compile(r"-?\d+(?:\.\d+)?")


@dataclass(frozen=True, slots=True, kw_only=True)
class Fault:
    """What was done to a clean call. `fails` are the checks that must fail, and no others may.

    `size` is the figure that such a check must report, within `size_error`; `at_s` its place, within `at_error_s`.
    """

    name: str
    injected: str
    fails: Sequence[str] = ()
    size: float | None = None
    size_error: float = 0.0
    at_s: float | None = None
    at_error_s: float = 0.05


@dataclass(frozen=True, slots=True)
class Finding:
    """What the checks said of a fault, and what was wrong with that: nothing, at best."""

    fault: Fault
    seed: int
    checks: Sequence[Check]
    objections: Sequence[str] = field(default=())

    @property
    def reported(self) -> str:
        """What the checks that failed said."""
        failed = [check for check in self.checks if check.outcome is not Outcome.PASS]
        return "; ".join(f"{check.name}: {check.got}{_place(check)}" for check in failed) or "all passed"


def examine(fault: Fault, seed: int, checks: Sequence[Check]) -> Finding:
    """Compare what the checks said with what was done."""
    failed = {check.name: check for check in checks if check.outcome is not Outcome.PASS}
    objections = [f"{name} did not fail" for name in fault.fails if name not in failed]
    objections += [f"false alarm: {failed[name]}" for name in failed if name not in fault.fails]
    if fault.fails and (check := failed.get(fault.fails[-1])):
        objections += _measured(fault, check)
    return Finding(fault, seed, checks, objections)


def _measured(fault: Fault, check: Check) -> list[str]:
    """Return what is wrong with the size and the place that the last of a fault's checks reports."""
    wrong = []
    if fault.size is not None:
        found = NUMBER.search(check.got)
        if not found or abs(float(found[0]) - fault.size) > fault.size_error:
            wrong.append(f"{check.name}: wanted {fault.size:g} within {fault.size_error:g}, came {check.got}")
    if fault.at_s is not None and (check.at_s is None or abs(check.at_s - fault.at_s) > fault.at_error_s):
        wrong.append(f"{check.name}: wanted it at {fault.at_s:.2f} s, came {check.at_s}")
    return wrong


def _place(check: Check) -> str:
    return "" if check.at_s is None else f" at {check.at_s:.2f} s"
