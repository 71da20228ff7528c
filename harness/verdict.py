"""What judging a call comes to: outcomes as values, with the numbers and the place to look."""

from __future__ import annotations

import contextlib
import enum
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from b2b.errors import UsageError
from b2b.logs import to_json
from harness.jsonl import made, parse

FILE = "verdict.json"


class Outcome(str, enum.Enum):
    """How a check ended; `unknown` means that we could not tell, and is never a pass."""

    PASS = "pass"
    FAIL = "fail"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True, kw_only=True)
class Check:
    """One thing that was looked at: of a leg, as `mixer -> sink`, or of a node.

    `at_s` is when in the call it went wrong, in seconds from its answer; `file` what to open, in the run folder;
    `cause` whose fault it is and by what evidence, where that was looked into.
    """

    name: str
    where: str
    outcome: Outcome
    wanted: str
    got: str
    at_s: float | None = None
    file: str = ""
    cause: str | None = None

    def __str__(self) -> str:
        """Return the check as one sentence."""
        at = f" at {self.at_s:.2f} s" if self.at_s is not None else ""
        look = f" (see {self.file})" if self.file else ""
        why = f"; {self.cause}" if self._cause_is_news else ""
        return f"{self.where}: {self.name}: wanted {self.wanted}, got {self.got}{at}{look}{why}"

    @property
    def _cause_is_news(self) -> bool:
        """Whether the cause says more than what came: a stall of the host is told as what came."""
        if not self.cause or self.outcome is Outcome.PASS:
            return False
        return self.cause.partition(": ")[2] not in self.got


@dataclass(frozen=True, slots=True)
class Verdict:
    """All checks of a call, and what they come to together."""

    outcome: Outcome
    reason: str
    checks: Sequence[Check]

    def to_json(self) -> str:
        """Return the verdict as verdict.json has it."""
        return to_json(asdict(self), indent=2) + "\n"

    @classmethod
    def from_json(cls, text: str) -> Verdict:
        """Read a verdict.json. Raises ValueError for what is none."""
        values = parse(text)
        if not isinstance(values, dict) or not isinstance(values.get("checks"), list):
            raise ValueError("no verdict with checks in it")
        if not isinstance(values.get("reason"), str):
            raise ValueError("a verdict without a reason")
        return cls(Outcome(values.get("outcome")), values["reason"], [_check(check) for check in values["checks"]])

    @classmethod
    def read(cls, folder: Path) -> Verdict:
        """Read the verdict of a run folder. Raises UsageError where it is damaged."""
        path = folder / FILE
        try:
            return cls.from_json(path.read_text(encoding="utf-8"))
        except OSError as error:
            raise UsageError(f"{path}: wanted a verdict, but it cannot be read: {error.strerror}") from None
        except ValueError as error:
            raise UsageError(f"{path}: wanted a verdict, but it is damaged: {error}") from None


def together(checks: Iterable[Check]) -> Verdict:
    """Return what the checks come to: one failure fails the call, one doubt leaves it unknown, none at all too."""
    checks = list(checks)
    for outcome in (Outcome.FAIL, Outcome.UNKNOWN):
        if worst := [check for check in checks if check.outcome is outcome]:
            more = f" (and {len(worst) - 1} more)" if len(worst) > 1 else ""
            return Verdict(outcome, f"{worst[0]}{more}", checks)
    if not checks:
        return Verdict(Outcome.UNKNOWN, "nothing was checked", checks)
    return Verdict(Outcome.PASS, f"all {len(checks)} checks passed", checks)


def _check(values: object) -> Check:
    if isinstance(values, dict):
        with contextlib.suppress(ValueError):
            if check := made(Check, {**values, "outcome": Outcome(values.get("outcome"))}):
                return check
    raise ValueError("a check with something else in it than a check has")
