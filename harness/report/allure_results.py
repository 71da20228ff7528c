"""What Allure is told of a test's calls: steps with their true times, parameters, and everything to look into."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from functools import partial
from pathlib import Path
from typing import Any
from uuid import uuid4

from b2b.errors import describe
from harness.call import NOTES, PCAP, Call
from harness.canary import FILE as STALLS
from harness.phases import Phase, phases
from harness.report import categories
from harness.report.row import Row
from harness.verdict import FILE as VERDICT

MOST_S = 160.0  # of sound that a test carries: a report of hundreds of megabytes does not open

FILES = {  # of the run folder, by the name that the report shows
    "plan.toml": ("plan as resolved", "text/plain", "toml"),
    "run.log": ("merged log", "text/plain", "log"),
    PCAP: ("capture", "application/vnd.tcpdump.pcap", "pcap"),
    VERDICT: ("verdict", "application/json", "json"),
    "summary.json": ("summary", "application/json", "json"),
    "metrics.jsonl": ("metrics", "text/plain", "jsonl"),
    STALLS: ("stalls of this machine", "text/plain", "jsonl"),
    NOTES: ("what the capture came to", "application/json", "json"),
}


class Bare:
    """Text that Allure shows as it is, rather than as Python would write it."""

    def __init__(self, text: str) -> None:
        self._text = text

    def __repr__(self) -> str:
        return self._text


def step(title: str) -> AbstractContextManager[Any]:
    """Return a step of the report; nothing where there is none."""
    import allure

    return allure.step(title)


def publish(logger: Any, call: Call, row: Row) -> None:
    """Tell Allure of a call of the test that is being reported; `logger` is the AllureReporter of this process."""
    from allure_commons.model2 import TestResult

    found = phases(call)
    with step(row.name):
        _steps(logger, found)
        _attach(call)
    _describe(row)
    test = logger.get_last_item(TestResult)
    if test and found:
        test.start = min(test.start, _ms(found[0].start_s))  # the call counts as well, not only what looked at it


def describe_session(results: Path, made_on: Mapping[str, str]) -> None:
    """Write what the whole report is headed by into a folder of results; `made_on` is the environment of the calls."""
    results.mkdir(parents=True, exist_ok=True)
    properties = "".join(f"{name.replace(' ', '.')}={value}\n" for name, value in made_on.items())
    (results / "environment.properties").write_text(properties, encoding="utf-8")
    categories.write_allure2(results)


def _steps(logger: Any, found: Sequence[Phase]) -> None:
    from allure_commons.model2 import Status, TestStepResult

    for phase in found:
        name, uuid = phase.name, str(uuid4())
        status = Status.PASSED if phase.done else Status.BROKEN
        logger.start_step(None, uuid, TestStepResult(name=name, start=_ms(phase.start_s), status=status))
        logger.stop_step(uuid, stop=_ms(phase.end_s))


def _ms(seconds: float) -> int:
    return round(1000 * seconds)


def _describe(row: Row) -> None:
    """Put the call's figures among the test's parameters, which do not make it another test."""
    import allure

    figures = {
        "plan": row.plan,
        "network": row.network,
        "duration": f"{row.duration_s:.1f} s",
        "packets": str(row.packets),
        "lost": str(row.lost),
        "worst gap": "-" if row.max_gap_ms is None else f"{row.max_gap_ms:.1f} ms ({row.max_gap_leg})",
    }
    for name, value in figures.items():
        allure.dynamic.parameter(name, Bare(value), excluded=True)
    allure.dynamic.feature(Path(row.plan).name)  # type: ignore[no-untyped-call]


def _attach(call: Call) -> None:
    import allure

    for name, draw, kind, extension in _pages(call):
        try:
            allure.attach(draw(), name=name, attachment_type=kind, extension=extension)
        except Exception as error:  # a picture is never worth a verdict
            allure.attach(describe(error), name=f"{name}: could not be drawn", attachment_type="text/plain")
    for file, (name, kind, extension) in FILES.items():
        if (call.folder / file).exists():
            path = call.folder / file
            allure.attach.file(path, name=name, attachment_type=kind, extension=extension)  # type: ignore[no-untyped-call]


def _pages(call: Call) -> Iterator[tuple[str, Callable[[], str | bytes], str, str]]:
    """Yield what can be drawn of a call: name, how, media type and file name's end."""
    if not call.events:
        return
    from harness.report import pictures
    from harness.report.page.of_run import view_of_run
    from harness.report.page.write import page

    yield "call", lambda: page([view_of_run(call, call.verdict, None, most_s=MOST_S)]), "text/html", "html"
    yield "gap timeline", lambda: pictures.gap_timeline(call), "image/svg+xml", "svg"
    for listener in call.listeners:
        draw = partial(pictures.spectrogram, call, listener)
        yield f"spectrogram of {listener.node.name}", draw, "image/svg+xml", "svg"
