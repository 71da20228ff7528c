"""Calls for one test: made, made once more where we could not tell, and remembered until the test is over."""

from __future__ import annotations

import contextlib
import os
import re
import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from b2b.errors import B2bError
from b2b.plan.load import RUN
from harness.call import Call
from harness.errors import CouldNotTellError
from harness.plugin import options
from harness.plugin.lab import PLUGIN as LAB
from harness.plugin.lab.send import Sender
from harness.plugin.progress import Progress, uncaptured
from harness.report import allure_results
from harness.report.row import Row, row_of
from harness.topology import kept, make_call, new_folder
from harness.verdict import Outcome
from harness.warm import load_beside

ATTEMPTS = 2
RERUN = "rerun"  # an outcome that pytest does not know, under the name that others gave it
ALLURE = "allure_listener"  # what allure-pytest calls it
FIGURES = ("harness.wire.legs", "harness.dtmf", "harness.sound")  # the modules that a row takes
PAGES = ("allure", "harness.report.page.of_run", "harness.report.pictures")  # and what Allure is told
NAME = re.compile(r"[^A-Za-z0-9_.-]+")


@dataclass(slots=True)
class Made:
    """One call of a test, whatever became of it."""

    call: Call
    row: Row | None = None
    published: bool = False


MADE = pytest.StashKey[list[Made]]()


def made_by(item: pytest.Item) -> list[Made]:
    """Return the calls of a test so far."""
    return item.stash.setdefault(MADE, [])


def publish(item: pytest.Item) -> None:
    """Tell Allure, if it is there, of the calls of a test that it has not heard of yet."""
    if (listener := item.config.pluginmanager.get_plugin(ALLURE)) is None:
        return
    for made in made_by(item):
        if made.row and not made.published:
            made.published = True
            allure_results.publish(listener.allure_logger, made.call, made.row)


def clean_up(item: pytest.Item, *, failed: bool) -> None:
    """Remove the run folders of a test that are not to stay; of another machine bring home those that are."""
    chosen, lab = item.config.stash[options.KEY], item.config.pluginmanager.get_plugin(LAB)
    for made in made_by(item):
        empty = not made.call.folder.exists() or not any(made.call.folder.iterdir())
        if made.row and (empty or not kept(chosen.keep, good=made.row.passed and not failed)):
            shutil.rmtree(made.call.folder, ignore_errors=True)
            made.row.folder = ""
        elif made.row and isinstance(lab, Sender) and not lab.bring_home(made.call.folder):
            made.row.folder = f"{made.row.host}:{made.call.folder}"
    with contextlib.suppress(OSError):
        chosen.runs.rmdir()  # unless there is something in it


class Maker:
    """Makes the calls of one test."""

    def __init__(self, item: pytest.Item, network: str, changes: Mapping[str, Mapping[str, Any]]) -> None:
        self._item, self._network, self._changes = item, network, changes
        self._options = item.config.stash[options.KEY]

    def make(self, plan: str | Path, duration_s: float | None, changes: Mapping[str, Mapping[str, Any]]) -> Call:
        """Make the call of a plan, twice if need be. Raises CouldNotTellError, NoCallError or UsageError."""
        names = {**self._changes, **changes}
        merged = {name: {**self._changes.get(name, {}), **changes.get(name, {})} for name in names}
        if self._options.speed is not None:
            merged[RUN] = {"speed": self._options.speed, **merged.get(RUN, {})}
        for attempt in range(1, ATTEMPTS + 1):
            call = self._once(self._find(plan), duration_s, merged, attempt)
            verdict = call.verdict
            if verdict is None or verdict.outcome is not Outcome.UNKNOWN:
                return call
            says = f"could not tell: {verdict.reason}"
            if call.capture["refusal"]:  # which a second call would not change
                break
            if attempt < ATTEMPTS:
                self._tell_rerun(says)
                if call.speed != 1:  # with which this machine did not keep up
                    merged[RUN] = {**merged.get(RUN, {}), "speed": 1}
        if self._options.unknown == "skip":
            pytest.skip(says)
        raise CouldNotTellError(f"{says}; look into {self._short(call.folder)}")

    def _once(self, plan: Path, duration_s: float | None, changes: Mapping[str, Any], attempt: int) -> Call:
        name = NAME.sub("-", self._item.name).strip("-") + self._options.place
        made = Made(Call(new_folder(self._options.runs, name)))
        made_by(self._item).append(made)
        error = ""
        try:
            told = self._item.config.pluginmanager.has_plugin(ALLURE)
            load_beside(*FIGURES, *(PAGES if told else ()), pages=told)
            with Progress(self._item) as watch:
                make_call(
                    plan, made.call.folder, changes=changes, duration_s=duration_s, network=self._network, watch=watch
                )
        except B2bError as raised:
            error = str(raised)
            raise
        finally:
            made.row = row_of(made.call, test=self._item.nodeid, plan=self._short(plan), attempt=attempt, error=error,
                              folder=self._short(made.call.folder))  # fmt: skip
        return made.call

    def _tell_rerun(self, says: str) -> None:
        """Report the attempt as a rerun, so that everybody sees it: the terminal, its counts, and other machines."""
        report = pytest.TestReport(
            nodeid=self._item.nodeid,
            location=self._item.location,
            keywords={},
            outcome=RERUN,  # type: ignore[arg-type]
            longrepr=says,
            when="setup",
        )
        with uncaptured(self._item.config):
            self._item.ihook.pytest_runtest_logreport(report=report)

    def _find(self, plan: str | Path) -> Path:
        """Return a plan's path: relative to the root directory, or else to the test's own folder."""
        from_root = self._item.config.rootpath / plan
        return from_root if from_root.exists() else self._item.path.parent / plan

    def _short(self, path: Path) -> str:
        return os.path.relpath(path, self._item.config.rootpath)
