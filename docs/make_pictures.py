"""Makes the pictures of the documentation: a real call in which the source's user agent is stopped for 0.7 s.

Run it as `make pictures`. What is seen is what report.html shows, in Chromium.
"""

from __future__ import annotations

import io
import os
import shutil
import signal
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from PIL import Image
from playwright.sync_api import sync_playwright

from calls.command import Command
from calls.places import REPOSITORY
from calls.processes import processes_of

PICTURES = REPOSITORY / "docs" / "pictures"
CALL_S, STOPPED_AFTER_S, STOPPED_S = 20, 9, 0.7
MOST_OCTETS = 300_000


def main() -> None:
    """Make the call, look at its page in several ways, and write what is seen."""
    PICTURES.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="b2b-pictures-") as folder:
        page = call(Path(folder) / "smk-with-a-stall")
        with sync_playwright() as playwright:
            browser = playwright.chromium.launch(executable_path=shutil.which("chromium"), args=["--no-sandbox"])
            for name, picture in seen(browser, page):
                write(PICTURES / f"{name}.png", picture)
            browser.close()


def call(folder: Path) -> Path:
    """Make a call in which something goes wrong, and return the page about it."""
    command = Command("orchestrator", "--plan", REPOSITORY / "plans" / "smk.plan.toml",
                      "--duration-s", CALL_S, "--run-dir", folder)  # fmt: skip
    source = int(command.wait_line(r"started source pid=(\d+)")[1])
    command.wait_line("streaming")
    time.sleep(STOPPED_AFTER_S)
    baresip = next(pid for pid, name in processes_of(source).items() if name.startswith("baresip"))
    os.kill(baresip, signal.SIGSTOP)
    time.sleep(STOPPED_S)
    os.kill(baresip, signal.SIGCONT)
    command.wait_exit()
    return folder / "report.html"


def seen(browser: Any, path: Path) -> Any:
    """Yield the name and the picture of each thing that is shown of the page."""
    page = opened(browser, path, width=1280, height=1000)
    yield "report", page.screenshot()
    yield "timeline", page.locator(".timeline").screenshot()
    page.locator(".findings .jump").first.click()
    settle(page)
    yield "finding", page.locator(".timeline").screenshot()
    yield "ladder", page.locator(".ladder").screenshot()
    page = opened(browser, path, width=1280, height=1000, color_scheme="dark")
    yield "dark", page.locator(".timeline").screenshot()
    page = opened(browser, path, width=390, height=844, device_scale_factor=1.5)
    yield "phone", page.screenshot()


def opened(browser: Any, path: Path, *, width: int, height: int, **more: Any) -> Any:
    """Return the page, drawn to its last spectrogram."""
    page = browser.new_context(viewport={"width": width, "height": height}, **more).new_page()
    page.goto(path.as_uri())
    settle(page)
    return page


def settle(page: Any) -> None:
    """Wait until every spectrogram has been computed for what is in view."""
    page.wait_for_function("document.querySelector('.timeline').dataset.drawn === 'true'")


def write(path: Path, picture: bytes) -> None:
    """Write a screenshot in few colours."""
    with Image.open(io.BytesIO(picture)) as image:
        image.convert("RGB").quantize(method=Image.Quantize.MAXCOVERAGE).save(path, optimize=True)  # rare ones too
    if path.stat().st_size > MOST_OCTETS:
        sys.exit(f"{path}: wanted at most {MOST_OCTETS} octets, came {path.stat().st_size}")
    print(path.relative_to(REPOSITORY), path.stat().st_size)


if __name__ == "__main__":
    main()
