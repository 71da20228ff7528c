"""The checks of one call as subtests: the call is made once, and each thing that its plan expects is told apart."""

from __future__ import annotations

from dataclasses import replace

import pytest

from b2b.orchestrator.children import relative
from harness.call import Call
from harness.errors import CheckError
from harness.report import allure_results
from harness.verdict import Check, Outcome


def report(call: Call, subtests: pytest.Subtests) -> None:
    """Report every check of a call's verdict. Raises CheckError where there is none, for that is no success."""
    if call.verdict is None:
        raise CheckError(f"the call was not judged; look into {relative(call.folder)}")
    for check in call.verdict.checks:
        found = replace(check, file=relative(call.folder / check.file)) if check.file else check
        with subtests.test(f"{check.where}: {check.name}"), allure_results.step(str(check)):
            _assert(found)


def _assert(check: Check) -> None:
    if check.outcome is not Outcome.PASS:
        raise CheckError(str(check) if check.outcome is Outcome.FAIL else f"could not tell: {check}")
