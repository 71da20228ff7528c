"""Eight copies of one plan at once: the same ports, two processors, and every verdict as if it were alone."""

from __future__ import annotations

import json

import pytest

from calls.places import REPOSITORY, SAMPLE

COPIES = 8


@pytest.mark.alone
def test_eight_copies_of_a_plan(pytester):
    """Each has a network of its own, so all of them pass."""
    plan = (REPOSITORY / "plans" / "smk.plan.toml").read_text()
    plan = plan.replace("../fixtures/sample.mp3", str(SAMPLE)).replace("duration_s = 60", "duration_s = 10")
    for number in range(COPIES):
        (pytester.path / f"copy{number}.plan.toml").write_text(plan)
    result = pytester.runpytest_subprocess("-n", str(COPIES), ".")
    assert result.parseoutcomes()["passed"] == COPIES
    assert "failed" not in result.parseoutcomes()
    rows = json.loads((pytester.path / "reports" / "continuity.json").read_text())["rows"]
    assert {row["digits"]["sink"][:16] for row in rows} == {"123#" * 4}
    assert len({row["test"] for row in rows if row["outcome"] == "pass" and row["network"] == "private"}) == COPIES
