"""The checks, checked; and what checks them goes red itself."""

from __future__ import annotations

import pytest

from b2b.cli.app import run
from harness.selftest import sound, wire
from harness.selftest.fault import Fault, examine
from harness.verdict import Check, Outcome

SEEDS = range(3)


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("findings", [wire.findings, sound.findings], ids=["wire", "sound"])
def test_every_fault_is_found_and_nothing_else(findings, seed):
    """At its place, in its size, wherever the seed puts it."""
    found = list(findings(seed))
    assert len(found) > 10
    assert [(finding.fault.name, finding.objections) for finding in found if finding.objections] == []


def check(name: str, outcome: str = "fail", got: str = "60 ms", at_s: float | None = 3.0) -> Check:
    """Return a check that failed, unless it did not."""
    return Check(name=name, where="x", outcome=Outcome(outcome), wanted="less", got=got, at_s=at_s)


FAULT = Fault(name="f", injected="i", fails=("gap",), size=60, size_error=1, at_s=3.0)


@pytest.mark.parametrize(("checks", "objection"), [
    ([check("gap", "pass")], "gap did not fail"),
    ([], "gap did not fail"),
    ([check("gap"), check("level")], "false alarm: x: level: wanted less, got 60 ms at 3.00 s"),
    ([check("gap", got="80 ms")], "gap: wanted 60 within 1, came 80 ms"),
    ([check("gap", got="much")], "gap: wanted 60 within 1, came much"),
    ([check("gap", at_s=4.0)], "gap: wanted it at 3.00 s, came 4.0"),
    ([check("gap", at_s=None)], "gap: wanted it at 3.00 s, came None"),
])  # fmt: skip
def test_what_the_checks_get_wrong_is_an_objection(checks, objection):
    """Missed, alarmed for nothing, at the wrong place, in the wrong size."""
    assert examine(FAULT, 0, checks).objections == [objection]
    assert examine(FAULT, 0, [check("gap")]).objections == []


def test_a_clean_call_may_have_no_failure_at_all():
    """One that could not tell is a false alarm too."""
    clean = Fault(name="none", injected="nothing")
    assert examine(clean, 0, [check("gap", "pass")]).objections == []
    assert len(examine(clean, 0, [check("gap", "unknown")]).objections) == 1


def test_the_command_shows_a_table(capsys):
    """Fault, what was injected, what was reported; 0 when all is as it should be."""
    assert run(["selftest"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].split() == ["fault", "injected", "reported"]
    assert any(line.startswith("✓  lost 2") and "gap: 60 ms (lost" in line for line in lines)
    assert lines[-1] == f"{len(lines) - 2} of {len(lines) - 2} as they should be"


def test_the_command_fails_with_its_reasons(capsys, monkeypatch):
    """A check that is blind is found out."""
    monkeypatch.setattr("harness.selftest.wire._checks", lambda packets: [check("gap", "pass")])
    assert run(["selftest"]) == 1
    assert "✗ lost 3, seed 0: lost did not fail; gap did not fail" in capsys.readouterr().out
