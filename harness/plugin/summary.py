"""All calls of a session, wherever they were made: the section at the end, and the continuity report."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from harness.plugin import options
from harness.plugin.lab.hosts import Hosts
from harness.plugin.plans import NOT_INSTALLED
from harness.report import allure_results, continuity
from harness.report.environment import environment, joined
from harness.report.row import Row
from harness.verdict import Outcome

ROWS = "b2b_rows"  # what a test's last report carries, as plain values, from worker to controller


class Summary:
    """Listens to the reports of all tests."""

    def __init__(self, config: pytest.Config, hosts: Hosts) -> None:
        self._config, self._hosts = config, hosts
        self._rows: list[Row] = []
        self._not_made: dict[str, str] = {}

    def pytest_report_header(self) -> str:
        """Say how calls will be made."""
        chosen = self._config.stash[options.KEY]
        return f"b2b: network {chosen.network}, keeps {chosen.keep} run folders in {chosen.runs}"

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Take in the calls of a test."""
        self._rows += [self._here(Row(**values)) for values in getattr(report, ROWS, [])]
        if report.skipped and isinstance(report.longrepr, tuple) and NOT_INSTALLED in (why := report.longrepr[2]):
            self._not_made[report.nodeid] = why.partition(NOT_INSTALLED)[2]

    def pytest_sessionfinish(self) -> None:
        """Write the continuity report, and what Allure wants to know of the session."""
        if self._rows:
            made_on = self._made_on()
            continuity.write(self._config.stash[options.KEY].reports, self._sorted(), made_on)
            if results := self._config.getoption("allure_report_dir", None):
                allure_results.describe_session(Path(results), made_on)

    def pytest_terminal_summary(self, terminalreporter: pytest.TerminalReporter) -> None:
        """Write one line per call, and one per call that could not be made for want of the device."""
        if not self._rows and not self._not_made:
            return
        terminalreporter.section("b2b calls")
        for row, line in zip(self._sorted(), continuity.lines(self._sorted()) if self._rows else (), strict=True):
            colour = "green" if row.passed else "yellow" if row.outcome == Outcome.UNKNOWN.value else "red"
            terminalreporter.line(line, **{colour: True})
        for test, why in self._not_made.items():
            terminalreporter.line(f"{test}  - not made, as a device is not installed: {why}", yellow=True)
        if self._rows:
            report = self._config.stash[options.KEY].reports / continuity.MARKDOWN
            terminalreporter.line(f"continuity report: {report}")

    def _here(self, row: Row) -> Row:
        """Return a row that names its run folder as it is here, unless it could not be brought here."""
        if row.folder and not row.folder.startswith(f"{row.host}:"):
            runs = self._config.stash[options.KEY].runs
            row.folder = os.path.relpath(runs / Path(row.folder).name, self._config.rootpath)
        return row

    def _made_on(self) -> dict[str, str]:
        """Return what the calls were made on, on however many machines."""
        hosts = sorted({row.host for row in self._rows})
        return joined([self._hosts.environments.get(host) or environment() for host in hosts])

    def _sorted(self) -> list[Row]:
        return sorted(self._rows, key=lambda row: (row.test, row.began_s))
