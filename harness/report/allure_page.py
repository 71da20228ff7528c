"""Makes one page of Allure's results, which opens offline and asks nobody for anything.

Run it as `python -m harness.report.allure_page RESULTS PAGE.html`.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import sys
import tempfile
from pathlib import Path

from b2b import child
from b2b.errors import B2bError, ExitCode, UsageError
from harness.report import categories

VERSION = "3.18.0"
INSTALLING_S, MAKING_S = 600.0, 600.0
ANALYTICS = re.compile(r"<script[^>]*googletagmanager[^>]*>\s*</script>|<script>[^<]*\bgtag\([^<]*</script>")
# The page may begin before its data script has run; then it would try to fetch what is in it, and stay blank.
WAIT = (
    "<script>window.allureReportData=window.allureReportData||{};window.allureReportDataReady=false;</script>"
    '<style>iframe[src^="blob:"]{min-height:640px}</style>'  # attached pages are shown 150 px high otherwise
)


class PageError(B2bError):
    """Allure could not be had, or could not make the page."""


def main(arguments: list[str]) -> int:
    """Make the page, print where it is, and return the exit code."""
    try:
        if len(arguments) != 2:
            raise UsageError("wanted two arguments, the folder of Allure's results and the page to write")
        results, page = map(Path, arguments)
        make(results, page)
    except B2bError as error:
        print(f"Error: {error}", file=sys.stderr)
        return int(error.code)
    print(page)
    return int(ExitCode.OK)


def make(results: Path, page: Path) -> None:
    """Write the page. Raises UsageError where there are no results, PageError where Allure fails."""
    if not any(results.glob("*-result.json")):
        hint = f"`pytest plans/ --alluredir {results}` makes them"
        raise UsageError(f"{results}: wanted Allure's results, found none; {hint}")
    command = [str(allure()), "awesome", "--single-file", "--report-name", "b2b"]
    with tempfile.TemporaryDirectory(prefix="b2b-allure-") as folder:
        settings = Path(folder) / "allurerc.json"
        settings.write_text(json.dumps({"name": "b2b", "categories": categories.rules()}))
        made = Path(folder) / "report"
        said = child.ask(
            [*command, "--config", str(settings), "--output", str(made), str(results.resolve())], patience_s=MAKING_S
        )
        if not (made / "index.html").exists():
            raise PageError(f"Allure made no page of {results}; it said: {_last(said)}")
        page.parent.mkdir(parents=True, exist_ok=True)
        page.write_text(offline((made / "index.html").read_text(encoding="utf-8")), encoding="utf-8")


def offline(html: str) -> str:
    """Return Allure's page without what asks others for anything, and without its race."""
    return ANALYTICS.sub("", html).replace("<head>", f"<head>{WAIT}", 1)


def allure() -> Path:
    """Return Allure's command, installed by npm into a cache of ours when it is not there yet."""
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    folder = Path(os.environ.get("B2B_ALLURE") or cache / "b2b" / f"allure-{VERSION}")
    command = folder / "node_modules" / ".bin" / "allure"
    if not command.exists():
        if not (npm := shutil.which("npm")):
            raise PageError("npm is not installed, which brings Allure: `sudo apt-get install nodejs npm` installs it")
        install = [npm, "install", "--prefix", str(folder), "--no-audit", "--no-fund", f"allure@{VERSION}"]
        said = child.ask(install, patience_s=INSTALLING_S)
        if not command.exists():
            raise PageError(f"npm could not install allure@{VERSION}; it said: {_last(said)}")
    return command


def _last(said: str) -> str:
    return " / ".join(said.strip().splitlines()[-3:]) or "nothing"


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
