"""What pytest calls: one line here for each thing that the plugin does, which is done elsewhere."""

from __future__ import annotations

from collections.abc import Generator
from pathlib import Path

import pytest

from b2b.errors import B2bError
from harness.errors import CheckError, CouldNotTellError
from harness.plugin import lab, options, plans
from harness.plugin.fixtures import b2b_changes, b2b_network, call, topology
from harness.plugin.lab.hosts import Hosts
from harness.plugin.lab.send import join
from harness.plugin.making import RERUN, clean_up, made_by, publish
from harness.plugin.summary import ROWS, Summary

__all__ = ["b2b_changes", "b2b_network", "call", "topology"]

MARK = (
    "plan(path, duration_s=None, **changes): the plan whose call the fixture `call` makes, relative to the root "
    'directory or to the test; changes as in mixer={"mix_gain_in": 0.25}.'
)
FAILED = pytest.StashKey[bool]()
UNKNOWN = "b2b_unknown"


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add --b2b-keep and the like."""
    options.add(parser)


@pytest.hookimpl(tryfirst=True)
def pytest_configure(config: pytest.Config) -> None:
    """Read the options; whoever tells the user of the results sums the calls up, also those of other machines."""
    config.stash[options.KEY] = options.read(config)
    config.addinivalue_line("markers", MARK)
    given = getattr(config, "workerinput", None)
    if given is None:
        hosts = Hosts(config)
        config.pluginmanager.register(hosts, lab.PLUGIN)
        config.pluginmanager.register(Summary(config, hosts), "b2b-summary")
    elif lab.KEY in given:
        join(config, given[lab.KEY])


def pytest_collect_file(file_path: Path, parent: pytest.Collector) -> plans.PlanFile | None:
    """Collect plans."""
    return plans.collect_file(file_path, parent)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_call(item: pytest.Item) -> Generator[None, object, object]:
    """Tell Allure of the calls that the test's fixtures made, then of those that the test made itself."""
    publish(item)
    try:
        return (yield)
    finally:
        publish(item)


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[None]
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Say our own errors in a sentence, and send what is known of the test's calls along with its last report."""
    report = yield
    item.stash[FAILED] = item.stash.get(FAILED, False) or report.failed
    if call.excinfo and isinstance(call.excinfo.value, B2bError | CheckError):
        report.longrepr = str(call.excinfo.value)
        setattr(report, UNKNOWN, isinstance(call.excinfo.value, CouldNotTellError))
    if report.when == "setup" and report.failed:
        publish(item)
    if report.when == "teardown" and (made := made_by(item)):
        clean_up(item, failed=item.stash[FAILED])
        setattr(report, ROWS, [one.row.as_json() for one in made if one.row])
    return report


def pytest_report_teststatus(report: pytest.TestReport) -> tuple[str, str, str | tuple[str, dict[str, bool]]] | None:
    """Count a call that was made again as a rerun, and one that nobody could judge as an error."""
    if str(report.outcome) == RERUN:
        return RERUN, "R", ("RERUN", {"yellow": True})
    if report.when == "call" and getattr(report, UNKNOWN, False):
        return "error", "E", "ERROR"
    return None
