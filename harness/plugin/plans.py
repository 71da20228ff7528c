"""Plan files as tests: each `*.plan.toml` that has an [expect] is one, named after its file."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

import pytest

from b2b.errors import UsageError
from b2b.plan.installed import missing
from b2b.plan.load import EXPECT, load_plan
from b2b.plan.resolve import LOOPBACK, resolve
from harness.call import Call
from harness.expect import expectations
from harness.plugin import checks

SUFFIX = ".plan.toml"
NOT_INSTALLED = "not installed: "  # the beginning of why a plan's call is not made


def judge_plan(call: Call, subtests: pytest.Subtests) -> None:
    """Make the plan's call, and check what it expects."""
    checks.report(call, subtests)


class PlanFile(pytest.Module):
    """A plan; a module to pytest, so that its test has fixtures, marks and Allure's labels like any other."""

    def _getobj(self) -> ModuleType:
        return ModuleType(self.path.name.removesuffix(SUFFIX))

    def collect(self) -> Iterator[pytest.Function]:
        """Yield the plan's one test. Raises CollectError for a plan that cannot be used."""
        try:
            plan = load_plan(self.path, known_tables={EXPECT})
            expected = expectations(resolve(plan, host_ip=LOOPBACK))
        except UsageError as error:
            raise self.CollectError(str(error)) from None
        if expected:
            name = self.path.name.removesuffix(SUFFIX)
            test = pytest.Function.from_parent(self, name=name, callobj=judge_plan)
            test.add_marker(pytest.mark.plan(str(self.path)))
            for device, why in missing(plan):
                test.add_marker(pytest.mark.skip(reason=f"{NOT_INSTALLED}{device.name}: {why}"))
            yield test
        elif self.session.isinitpath(self.path):
            raise self.CollectError(f"{self.path}: wanted a table [expect], came none, so there is nothing to test")


def collect_file(path: Path, parent: pytest.Collector) -> PlanFile | None:
    """Return a plan as a collector; None for any other file."""
    return PlanFile.from_parent(parent, path=path) if path.name.endswith(SUFFIX) else None
