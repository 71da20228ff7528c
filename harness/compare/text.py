"""What `b2b compare` and `b2b history` say in a terminal."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence

from b2b.logs import printable
from harness.compare.difference import Change, CheckDifference, Difference, FigureDifference
from harness.compare.history import TRENDS, History
from harness.compare.runs import Run
from harness.report.continuity import MARKS
from harness.verdict import Outcome

SAID = {
    Change.WORSE: "worse", Change.BETTER: "better",
    Change.NEW: "only in the second", Change.GONE: "only in the first",
}  # fmt: skip
SENTENCES = {
    Outcome.PASS: "is no worse", Outcome.FAIL: "is worse",
    Outcome.UNKNOWN: "seems worse, but nobody could tell of it",
}  # fmt: skip
MOST_NAMED, MOST_RUNS = 6, 12  # of changes and runs; the page has all


def of_difference(found: Difference) -> Iterator[str]:
    """Yield what two runs differ in, line by line."""
    for run in (found.before, found.after):
        yield f"{MARKS[run.outcome].ljust(16)}  {run.name}: {printable(run.reason)}"
    for change, said in SAID.items():
        if some := found.changed(change):
            yield f"{said}:"
            counted = change in (Change.NEW, Change.GONE) and len(some) > MOST_NAMED
            yield from (f"  {printable(one)}" for one in (_counted(some) if counted else map(str, some)))
    same = len(found.changed(Change.SAME))
    everything = len(found.checks) + len(found.figures)
    yield f"{same} of {everything} checks and figures are the same"
    yield f"{found.after.name} {SENTENCES[found.verdict]}"


def _counted(some: Sequence[CheckDifference | FigureDifference]) -> Iterator[str]:
    """Yield how much there is of each leg and node where plans differ much, after the checks that did not pass."""
    checks = [one for one in some if isinstance(one, CheckDifference)]
    amiss = [one for one in checks if one.after and one.after.outcome is not Outcome.PASS]
    yield from map(str, amiss)
    for where, count in Counter(one.where for one in some if one not in amiss).items():
        yield f"{where}: {count} check{'s' * (count > 1)} or figure{'s' * (count > 1)}"


def of_histories(found: Sequence[History]) -> Iterator[str]:
    """Yield how each plan is now and was, line by line."""
    for history in found:
        yield f"{history.plan}: {sentence(history)}"
        yield from (f"  {printable(named)}" for named in changes(history))
        head = ("began", "verdict", *(trend.title for trend in TRENDS), "run folder")
        rows = [head, *(_cells(run) for run in history.runs[-MOST_RUNS:])]
        widths = [max(len(row[column]) for row in rows) for column in range(len(head))]
        for row in rows:
            yield "  " + "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()


def sentence(history: History) -> str:
    """Return how a plan is now, and since when."""
    good, bad = history.last_good, history.first_bad
    if bad and good:
        return f"bad since {bad.began} ({bad.name}: {printable(bad.reason)}); last good {good.began} ({good.name})"
    if bad:
        return f"never good; the first of {len(history.runs)} runs was {bad.began} ({printable(bad.reason)})"
    if good:
        return f"good, last {good.began}; {sum(run.good for run in history.runs)} of {len(history.runs)} runs were good"
    return "nobody could tell of any of its runs"


def changes(history: History) -> list[str]:
    """Return what got worse since the last good run, or, where all is well, between the last two good ones."""
    found = history.got_worse or history.drifted
    worse = [str(one) for one in found.changed(Change.WORSE)] if found else []
    return worse[:MOST_NAMED] + ([f"and {len(worse) - MOST_NAMED} more"] if len(worse) > MOST_NAMED else [])


def _cells(run: Run) -> tuple[str, ...]:
    return (run.began, MARKS[run.outcome], *(trend.text(trend.of(run)) for trend in TRENDS), str(run.folder))
