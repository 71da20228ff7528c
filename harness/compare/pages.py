"""The pages of comparisons: two runs side by side below what differs, and the history of many."""

from __future__ import annotations

import os
import shlex
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

from harness.compare import text
from harness.compare.charts import BOTTOM, HEIGHT, LEFT, RIGHT, TOP, WIDTH, chart
from harness.compare.difference import Change, CheckDifference, Difference, FigureDifference
from harness.compare.history import GAP, TRENDS, History
from harness.compare.runs import Run
from harness.report.continuity import MARKS
from harness.report.page.making import PAGE
from harness.report.page.of_run import view_of_run
from harness.report.page.write import render
from harness.verdict import Outcome

STYLES = ("page.css", "compare.css")
HEADINGS = {Outcome.PASS: "No worse", Outcome.FAIL: "Worse", Outcome.UNKNOWN: "Could not tell"}
SIGNS = {
    Change.WORSE: "▼ worse", Change.BETTER: "▲ better", Change.NEW: "+ only in the second",
    Change.GONE: "− only in the first", Change.SAME: "= same",
}  # fmt: skip


def of_difference(found: Difference, page: Path) -> str:
    """Return the page of two runs."""
    changed = [one for change in SIGNS if change is not Change.SAME for one in found.changed(change)]
    runs = (found.before, found.after)
    return render(
        "compare.html",
        title=f"{found.after.name} {text.SENTENCES[found.verdict]}",
        styles=STYLES,
        views=[view_of_run(call, call.verdict, page) for call in (run.call for run in runs)],
        outcome=found.verdict,
        heading=HEADINGS[found.verdict],
        says=_says(found),
        changed=_by_place(changed),
        same=_by_place(found.changed(Change.SAME)),
        signs={change.value: sign for change, sign in SIGNS.items()},
    )


def of_histories(found: Sequence[History], page: Path) -> str:
    """Return the page of many runs, whose links are relative to where it will lie."""
    runs = sorted((run for history in found for run in history.runs), key=lambda run: run.began_s)
    return render(
        "history.html",
        title=f"History of {len(runs)} runs",
        styles=STYLES,
        views=(),
        plans=[_plan(history, page) for history in found],
        total=len(runs),
        first=runs[0].day,
        last=runs[-1].day,
        trends=TRENDS,
        outcomes=MARKS,
        width=WIDTH, height=HEIGHT, left=LEFT, right=WIDTH - RIGHT, top=TOP, bottom=HEIGHT - BOTTOM,
    )  # fmt: skip


def _says(found: Difference) -> str:
    """Return the sentence below the heading."""
    worse, better = len(found.changed(Change.WORSE)), len(found.changed(Change.BETTER))
    before, after = (MARKS[run.outcome].partition(" ")[2] for run in (found.before, found.after))
    outcome = f"both: {after}" if before == after else f"{before} before, {after} now"
    return f"{found.before.name}, then {found.after.name}: {outcome}; {worse} worse, {better} better"


def _by_place(some: Sequence[CheckDifference | FigureDifference]) -> dict[str, list[dict[str, Any]]]:
    """Return rows by the leg or node that they are about, in the order in which those come first."""
    rows: dict[str, list[dict[str, Any]]] = {}
    for one in some:
        rows.setdefault(one.where, []).append(_row(one))
    return rows


def _row(one: CheckDifference | FigureDifference) -> dict[str, Any]:
    if isinstance(one, FigureDifference):
        what, shown = one.measure.title, [one.measure.text(value) for value in (one.before, one.after)]
    else:
        what = f"check: {one.name}"
        shown = [f"{check.outcome.value}: {check.got}" if check else "not checked" for check in (one.before, one.after)]
    return {"what": what, "before": shown[0], "after": shown[1], "change": one.change}


def _plan(history: History, page: Path) -> dict[str, Any]:
    state = "fail" if history.bad else "pass" if history.last_good else "unknown"
    link = _links(page)
    limit = history.runs[-1].max_gap_ms
    charts = (chart(history, trend, limit=limit if trend is GAP else None, href=link) for trend in TRENDS)
    good, bad = history.last_good, history.first_bad
    return {
        "name": history.plan,
        "state": state,
        "mark": {"fail": "✗", "pass": "✓", "unknown": "?"}[state],
        "sentence": text.sentence(history),
        "changes": text.changes(history),
        "changes_since": "From the last good run to the first bad one" if bad else "Between the last two good runs",
        "command": shlex.join(["b2b", "compare", str(good.folder), str(bad.folder)]) if good and bad else "",
        "charts": [drawn for drawn in charts if drawn],
        "days": history.days,
        "rows": list(_rows(history, link)),
    }


def _rows(history: History, link: Callable[[Run], str]) -> Iterator[dict[str, Any]]:
    said = {"first-bad": history.first_bad, "last-good": history.last_good if history.first_bad else None}
    for run in history.runs:
        role = next((role for role, one in said.items() if one is run), "")
        yield {
            "run": run,
            "href": link(run),
            "figures": {trend.key: trend.of(run) for trend in TRENDS},
            "role": role,
            "said": {"first-bad": "the first bad run", "last-good": "the last good run"}.get(role, ""),
        }


def _links(page: Path) -> Callable[[Run], str]:
    """Return what links to a run's own page, or to its folder where it has none."""

    def link(run: Run) -> str:
        there = run.folder / PAGE
        return Path(os.path.relpath(there if there.exists() else run.folder, page.parent)).as_posix()

    return link
