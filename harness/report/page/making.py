"""Makes report.html, and never costs a run its verdict: an error on the way is a sentence."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from b2b.errors import describe

if TYPE_CHECKING:
    from harness.call import Call
    from harness.report.page.view import View
    from harness.verdict import Verdict

PAGE = "report.html"


def make(gather: Callable[[Path], View], page: Path) -> str:
    """Write the page about what `gather` returns, which is told where the page will lie; return why there is none."""
    try:
        from harness.report.page.write import page as page_of

        page.parent.mkdir(parents=True, exist_ok=True)
        page.write_text(page_of([gather(page)]), encoding="utf-8")
    except OSError as error:
        return f"there is no {page}: {error.filename or page}: {error.strerror}"
    except Exception as error:
        return f"there is no {page}: {describe(error)}"
    return ""


def of_run(call: Call, verdict: Verdict | None) -> Callable[[Path], View]:
    """Return what gathers everything about a run."""

    def gather(page: Path) -> View:
        from harness.report.page.of_run import view_of_run

        return view_of_run(call, verdict, page)

    return gather
