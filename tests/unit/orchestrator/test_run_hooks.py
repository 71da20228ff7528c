"""What other packages hang into a run by entry point, and the verdict that they leave."""

from __future__ import annotations

import contextlib
import importlib.metadata
import io
import logging
from collections.abc import Iterator
from importlib.metadata import EntryPoint, EntryPoints
from pathlib import Path

import pytest
from stories import SK

from b2b.errors import ExitCode, UsageError
from b2b.orchestrator.console import Console
from b2b.orchestrator.hooks import around, dry_run, heard, table_names, verdict
from b2b.plan.model import Plan

PLAN = Plan(Path("x.plan.toml"), SK)
STORY: list[object] = []


@contextlib.contextmanager
def told(plan: Plan, folder: Path) -> Iterator[None]:
    """Tell what it was called with, and when it was left."""
    STORY.append(("told in", plan, folder))
    yield
    STORY.append("told out")


class Judge:
    """A hook that is a class: it hears of what ended the run."""

    def __init__(self, _plan: Plan, _folder: Path) -> None:
        STORY.append("judge made")

    def __enter__(self) -> None:
        STORY.append("judge in")

    def __exit__(self, kind: type[BaseException] | None, *_error: object) -> None:
        STORY.append(("judge out", kind))


@contextlib.contextmanager
def refuses(_plan: Plan, _folder: Path) -> Iterator[None]:
    """Fail before anything starts."""
    raise RuntimeError("no capture without tcpdump")
    yield


def shows(plan: Plan) -> Iterator[str]:
    """Show something of the plan."""
    yield f"{len(plan.nodes)} nodes"


def objects(_plan: Plan) -> Iterator[str]:
    """Find a table that cannot be used."""
    raise UsageError("weather.rain: wanted none")
    yield


@pytest.fixture
def installed(monkeypatch):
    """Return a function that makes these the installed entry points, by name and our own attribute."""
    STORY.clear()

    def install(hooks: dict[str, str]) -> None:
        entries = EntryPoints(
            [
                *(EntryPoint(name, f"{__name__}:{attribute}", "b2b.run") for name, attribute in hooks.items()),
                *(EntryPoint(name, f"{__name__}:{attribute}", "b2b.dry_run") for name, attribute in hooks.items()),
                EntryPoint("impairment", f"{__name__}:nowhere", "b2b.commands"),
            ]
        )
        monkeypatch.setattr(importlib.metadata, "entry_points", lambda **wanted: entries.select(**wanted))

    return install


@pytest.mark.parametrize("names", [[], ["expect"], ["expect", "impairment"]])
def test_a_hook_owns_the_table_of_its_name(installed, names):
    """Which tables of a plan somebody reads is known without importing anybody."""
    installed(dict.fromkeys(names, "no_such_attribute"))
    assert table_names() == set(names)


def test_hooks_are_around_the_run(installed, tmp_path):
    """They are entered in the order of their names, with the plan and the folder, and left in reverse."""
    installed({"b": "Judge", "a": "told"})
    with around(PLAN, tmp_path):
        STORY.append("the run")
    assert list(STORY) == [
        ("told in", PLAN, tmp_path), "judge made", "judge in", "the run", ("judge out", None), "told out",
    ]  # fmt: skip


def test_a_run_without_hooks(installed, tmp_path):
    """Where nothing is installed the run is all there is."""
    installed({})
    with around(PLAN, tmp_path):
        STORY.append("the run")
    assert list(STORY) == ["the run"]


def test_hooks_are_left_when_the_run_breaks(installed, tmp_path):
    """They hear of it, and it is told on."""
    installed({"b": "Judge"})

    def break_down() -> None:
        with around(PLAN, tmp_path):
            raise OSError("no processes left")

    with pytest.raises(OSError, match="no processes left"):
        break_down()
    assert STORY[-1] == ("judge out", OSError)


def test_a_hook_that_cannot_begin(installed, tmp_path):
    """Those before it are left, and no run begins."""
    installed({"a": "Judge", "b": "refuses", "c": "told"})
    with pytest.raises(RuntimeError, match="no capture without tcpdump"), around(PLAN, tmp_path):
        STORY.append("the run")
    assert list(STORY) == ["judge made", "judge in", ("judge out", RuntimeError)]


def test_what_a_dry_run_shows_of_the_tables(installed):
    """The lines of each, in the order of their names."""
    installed({"b": "shows", "a": "shows"})
    assert list(dry_run(PLAN)) == ["2 nodes", "2 nodes"]


def test_a_dry_run_checks_the_tables(installed):
    """What is wrong with a table is known without a run."""
    installed({"a": "objects"})
    with pytest.raises(UsageError, match="wanted none"):
        list(dry_run(PLAN))


def test_what_a_hook_has_to_say_is_in_the_log(capsys):
    """With its level, for as long as the run lasts."""
    stops: list[str] = []
    log, logger = io.StringIO(), logging.getLogger("b2b.run")
    with heard(Console(SK, color="never", as_json=False, run_log=log), stops.append):
        logger.info("impaired %s", "2 % of it")
        logger.warning("too slow")
        logger.debug("nobody wants to know")
        assert not stops
        logger.critical("cannot go on after %d packets", 7)
    logger.info("too late")
    assert capsys.readouterr().out == "[ORCH] impaired 2 % of it\n[ORCH] ! too slow\n"
    assert log.getvalue().count("\n") == 2
    assert stops == ["cannot go on after 7 packets"]


VERDICTS = {
    "pass": ('{"outcome": "pass", "reason": "no gap over 40 ms"}', ExitCode.OK, "no gap over 40 ms"),
    "pass without a word": ('{"outcome": "pass"}', ExitCode.OK, ""),
    "fail": ('{"outcome": "fail", "reason": "2 gaps"}', ExitCode.CHECK_FAILED, "fail: 2 gaps"),
    "could not tell": ('{"outcome": "unknown", "reason": "stalled"}', ExitCode.CHECK_FAILED, "unknown: stalled"),
    "something new": ('{"outcome": "PASS"}', ExitCode.CHECK_FAILED, "PASS: "),
    "nothing": ('{"outcome": null, "reason": "?"}', ExitCode.CHECK_FAILED, "None: ?"),
}
BROKEN = {
    "empty": "", "cut off": '{"outcome": "pa', "no object": '["pass"]', "a word": '"pass"',
    "no outcome": '{"reason": "fine"}', "no text": "\xff",
}  # fmt: skip


@pytest.mark.parametrize(("written", "code", "said"), VERDICTS.values(), ids=VERDICTS)
def test_the_verdict_decides(tmp_path, written, code, said):
    """Only a pass is 0; whatever else it is, also what we do not understand, is 1, with its reason."""
    (tmp_path / "verdict.json").write_text(written)
    assert verdict(tmp_path) == (code, said)


def test_no_judge_no_verdict(tmp_path):
    """Where nobody has judged, the call's being made is all there is to say."""
    assert verdict(tmp_path) == (ExitCode.OK, "")


@pytest.mark.parametrize("written", BROKEN.values(), ids=BROKEN)
def test_a_broken_verdict_is_no_pass(tmp_path, written):
    """A judge that was cut off could not tell; where to look is told."""
    (tmp_path / "verdict.json").write_text(written, encoding="latin-1")
    code, said = verdict(tmp_path)
    assert code is ExitCode.CHECK_FAILED
    assert "verdict.json" in said
