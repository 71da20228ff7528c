"""The checks, checked; and what checks them goes red itself."""

from __future__ import annotations

import ast
import json
from dataclasses import replace
from pathlib import Path

import pytest

from b2b.cli.app import run
from harness import selftest
from harness.selftest import files, table
from harness.selftest.fault import Expected, Fault, examine
from harness.verdict import Check, Outcome

SEEDS = range(2)
MAKERS = sorted(Path(selftest.__file__).parent.glob("on_*.py"))


@pytest.mark.parametrize("seed", SEEDS)
def test_every_fault_is_found_and_nothing_else(seed):
    """At its place, in its size, wherever the seed puts it."""
    found = list(files.findings(seed))
    assert [finding.fault.name for finding in found] == list(files.NAMES)
    assert [(finding.fault.name, finding.objections) for finding in found if finding.objections] == []


def check(name: str, outcome: str = "fail", got: str = "60 ms", at_s: float | None = 3.0) -> Check:
    """Return a check that failed, unless it did not."""
    return Check(name=name, where="x", outcome=Outcome(outcome), wanted="less", got=got, at_s=at_s)


GAP = Expected(check="gap", size=60, size_error=1, at_s=3.0, says="ms")
FAULT = Fault(name="f", what="w", expects=[GAP])


@pytest.mark.parametrize(("checks", "objection"), [
    ([check("gap", "pass")], "missed: gap did not fail: x: gap: wanted less, got 60 ms at 3.00 s"),
    ([], "missed: gap did not fail: there is no such check"),
    ([check("gap"), check("level")], "false alarm: x: level: wanted less, got 60 ms at 3.00 s"),
    ([check("gap", got="80 ms")], "gap: wanted 60 within 1, came 80 ms"),
    ([check("gap", got="much ms")], "gap: wanted 60 within 1, came much ms"),
    ([check("gap", got="60 s")], "gap: wanted 'ms' in it, came '60 s'"),
    ([check("gap", at_s=4.0)], "gap: wanted it at 3.000 s within 0.050, came 4.000 s"),
    ([check("gap", at_s=None)], "gap: wanted it at 3.000 s within 0.050, came no place"),
])  # fmt: skip
def test_what_the_checks_get_wrong_is_an_objection(checks, objection):
    """Missed, alarmed for nothing, at the wrong place, in the wrong size, of another kind."""
    assert examine(FAULT, 0, checks).objections == [objection]
    assert examine(FAULT, 0, [check("gap")]).objections == []


def test_a_check_may_measure_without_failing():
    """Its figure counts all the same; and what is optional may fail, but must then be right."""
    measured = replace(FAULT, expects=[replace(GAP, fails=False)])
    assert examine(measured, 0, [check("gap", "pass")]).objections == []
    assert len(examine(measured, 0, [check("gap", "pass", got="80 ms")]).objections) == 1
    instead = replace(FAULT, expects=[replace(GAP, instead="none", says="")])
    assert examine(instead, 0, [check("gap", got="none left")]).objections == []
    optional = replace(FAULT, expects=[replace(GAP, optional=True)])
    assert examine(optional, 0, [check("gap", "pass")]).objections == []
    assert examine(optional, 0, [check("gap")]).objections == []
    assert len(examine(optional, 0, [check("gap", got="80 ms")]).objections) == 1


def test_a_check_of_another_place_is_another_check():
    """What one leg should have said does not excuse the other."""
    here = replace(FAULT, expects=[replace(GAP, where="x")])
    assert examine(here, 0, [check("gap")]).objections == []
    elsewhere = replace(FAULT, expects=[replace(GAP, where="y")])
    assert len(examine(elsewhere, 0, [check("gap")]).objections) == 2


def test_a_clean_call_may_have_no_failure_at_all():
    """Then it is a false alarm."""
    clean = Fault(name="none", what="nothing")
    assert examine(clean, 0, [check("gap", "pass")]).verdict == "clean"
    assert examine(clean, 0, [check("gap")]).verdict == "false alarm"


@pytest.mark.parametrize("expects", [[GAP], []], ids=["fault", "clean"])
def test_a_check_that_could_not_tell_is_neither_right_nor_wrong(expects, capsys, monkeypatch):
    """It is said, and the command does not end with 0."""
    finding = examine(Fault(name="lost 1", what="w", expects=expects), 0, [check("gap", "unknown")])
    assert (finding.verdict, finding.objections, finding.is_good) == ("could not tell", [], False)
    monkeypatch.setattr(files, "findings", lambda seed, names: [finding])
    assert run(["selftest"]) == 1
    assert "? lost 1, seed 0: could not tell: x: " in capsys.readouterr().out
    assert table.rows([finding, finding])[0].verdict.endswith("0 of 2, could not tell 2")


def test_a_doubt_beside_a_fault_that_was_told_is_none():
    """Of another check, or of another leg with the same fault."""
    assert examine(FAULT, 0, [check("gap"), check("level", "unknown")]).verdict == "found"
    assert examine(FAULT, 0, [check("gap"), replace(check("gap", "unknown"), where="y")]).verdict == "found"


SABOTAGE = [
    ("harness.wire.streams.Stream.missing", property(lambda self: 0), "lost 1"),
    ("harness.wire.streams.Stream.gaps", lambda self, longer_than_s: (), "stall 41 ms"),
    ("harness.wire.streams.Stream.duplicates", property(lambda self: 0), "duplicate"),
    ("harness.wire.streams.Stream.reordered", property(lambda self: 0), "reorder"),
    ("harness.wire.legs.crossed", lambda leg, legs: None, "swapped leg"),
    ("harness.sound.hearing.broken", lambda laid, resampled: iter(()), "muted 60 ms"),
    ("harness.dtmf.detect", lambda samples, rate: [], "digit lost"),
    ("harness.judging.digits._short", lambda *all_of_it: None, "digit 35 ms"),
]


@pytest.mark.parametrize(("blinded", "instead", "fault"), SABOTAGE, ids=[one[0].split(".")[-1] for one in SABOTAGE])
def test_a_blinded_detector_is_found_out(monkeypatch, blinded, instead, fault):
    """A check that sees nothing makes the selftest red."""
    monkeypatch.setattr(blinded, instead)
    (finding,) = files.findings(0, [fault])
    assert any("missed" in objection or "wanted" in objection for objection in finding.objections)


@pytest.mark.parametrize(("expected", "change", "fault"), [
    ("STREAM", {"max_gap_ms": 42.0}, "stall 41 ms"),
    ("STREAM", {"max_lost": 1}, "lost 1"),
    ("STREAM", {"codec": "PCMA"}, "other codec"),
    ("SINK", {"max_heard_gap_ms": 61.0}, "muted 60 ms"),
    ("SINK", {"max_level_error_db": 3.1}, "level +3 dB"),
    ("SINK", {"min_digit_ms": 30.0}, "digit 35 ms"),
    ("SINK", {"max_clipped": 10**6}, "clipped"),
    ("SINK", {"max_drift_ppm": 101.0}, "drift +100 ppm"),
    ("SINK", {"max_delay_ms": 601.0}, "late by 200 ms"),
])  # fmt: skip
def test_a_limit_that_is_too_wide_is_found_out(monkeypatch, expected, change, fault):
    """Moved just beyond the fault, it lets that pass."""
    monkeypatch.setattr(files, expected, replace(getattr(files, expected), **change))
    (finding,) = files.findings(0, [fault])
    assert [objection for objection in finding.objections if objection.startswith("missed")]


@pytest.mark.parametrize(("expected", "change", "clean"), [
    ("STREAM", {"max_gap_ms": 20.0}, "clean stream"),
    ("STREAM", {"codec": "G729"}, "clean stream"),
    ("SINK", {"level_db": 2.0}, "clean recording"),
    ("SINK", {"min_digit_ms": 90.0}, "clean recording"),
    ("SINK", {"dtmf": "124#"}, "clean recording"),
])  # fmt: skip
def test_an_alarm_for_nothing_is_found_out(monkeypatch, expected, change, clean):
    """A limit that a healthy call breaks makes the selftest red as well."""
    monkeypatch.setattr(files, expected, replace(getattr(files, expected), **change))
    (finding,) = files.findings(0, [clean])
    assert [objection for objection in finding.objections if objection.startswith("false alarm")]
    assert table.rows([finding])[0].verdict == "false alarm"


@pytest.mark.parametrize("path", [*MAKERS, MAKERS[0].parent / "material.py"], ids=lambda path: path.stem)
def test_what_makes_faults_knows_nothing_of_what_finds_them(path):
    """Or an error of theirs would be in both."""
    names = [node.module for node in ast.walk(ast.parse(path.read_text())) if isinstance(node, ast.ImportFrom)]
    own = [name for name in names if name.startswith(("harness", "b2b"))]
    assert [name for name in own if not name.startswith("harness.selftest")] == []


def test_the_command_shows_a_table(capsys):
    """Fault, what was injected, what was reported, the verdict; 0 when all is as it should be."""
    assert run(["selftest"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].split() == ["fault", "injected", "reported", "verdict"]
    at = next(at for at, line in enumerate(lines) if line.startswith("✓  lost 2") and line.endswith("found"))
    assert "lost: 2 of 1500 (network)" in lines[at]
    assert "gap: 60 ms" in " ".join(lines[at : at + 2])
    assert max(map(len, lines)) <= 120
    assert lines[-1] == f"{len(files.NAMES)} of {len(files.NAMES)} as they should be"


def test_the_command_fails_with_its_reasons(capsys, monkeypatch):
    """A check that is blind is found out, and so is how often it was."""
    monkeypatch.setattr("harness.wire.streams.Stream.missing", property(lambda self: 0))
    assert run(["selftest", "--only", "lost 3", "--only", "clean stream", "--seeds", "2"]) == 1
    said = capsys.readouterr().out
    assert "✗ lost 3, seed 1: missed: lost did not fail" in said
    assert "found 0 of 2" in said
    assert "clean 2 of 2" in said


def test_the_command_as_json_and_markdown(capsys):
    """For programs, and for pages."""
    assert run(["selftest", "--only", "lost 3", "--json"]) == 0
    (found,) = json.loads(capsys.readouterr().out)
    assert (found["fault"], found["verdict"], found["objections"]) == ("lost 3", "found", [])
    assert {checked["name"] for checked in found["checks"]} >= {"lost", "gap", "codec"}
    assert run(["selftest", "--only", "lost 3", "--markdown"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == "| fault | injected | reported | verdict |"
    assert lines[2].startswith("| lost 3 | 3 packets missing at ")


def test_a_seed_is_made_again(capsys):
    """The same fault at the same place."""
    one = ["selftest", "--only", "lost 3", "--json"]
    assert (run([*one, "--seeds", "2"]), run([*one, "--seed", "1"])) == (0, 0)
    both, _, again = capsys.readouterr().out.partition("]\n[")
    assert json.loads("[" + again)[0] == json.loads(both + "]")[1]


def test_a_fault_that_there_is_not(capsys):
    """64, with those that there are."""
    assert run(["selftest", "--only", "lost 33"]) == 64
    assert "lost 20, stall 41 ms" in capsys.readouterr().err
