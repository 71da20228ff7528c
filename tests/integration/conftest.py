"""Fixtures of the tests that make short calls."""

from __future__ import annotations

import json
import os
import shutil
import signal
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from pydub import AudioSegment

from calls.command import Command
from calls.places import PATIENCE_S, SAMPLE

ALONE = ("no-sandbox", "disable-gpu", "disable-background-networking", "disable-component-update", "disable-sync",
         "no-first-run")  # fmt: skip


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Everything in this folder makes calls."""
    for item in items:
        if Path(__file__).parent in item.path.parents:
            item.add_marker(pytest.mark.integration)


@pytest.fixture
def b2b() -> Iterator[Callable[..., Command]]:
    """Start `b2b …`; whatever still runs at the end of the test is killed with all that it started."""
    started: list[Command] = []

    def start(*arguments: object, **more: Any) -> Command:
        started.append(Command(*arguments, **more))
        return started[-1]

    yield start
    for command in started:
        if command.process.poll() is None:
            os.killpg(command.process.pid, signal.SIGKILL)
            command.wait_exit()


@pytest.fixture
def judged_call(b2b: Callable[..., Command], tmp_path: Path) -> Callable[[str], tuple[Command, list[dict[str, Any]]]]:
    """Make the call of a plan's text; return the orchestrator when it has ended, and the checks of its verdict."""

    def make(text: str) -> tuple[Command, list[dict[str, Any]]]:
        path = tmp_path / "own.plan.toml"
        path.write_text(text)
        orchestrator = b2b("orchestrator", "--plan", path, "--run-dir", tmp_path / "run", "--network", "private")
        orchestrator.wait_exit()
        verdict = tmp_path / "run" / "verdict.json"
        return orchestrator, json.loads(verdict.read_text())["checks"] if verdict.exists() else []

    return make


@pytest.fixture
def speech(tmp_path: Path) -> Callable[[float], Path]:
    """Cut that many seconds of the sample into a file of their own."""
    def cut(seconds: float) -> Path:
        path = tmp_path / f"speech-{seconds:g}.wav"
        AudioSegment.from_file(SAMPLE)[: round(seconds * 1000)].export(path, format="wav").close()
        return path

    return cut


@pytest.fixture(scope="session")
def browser() -> Iterator[Any]:
    """Return the system's Chromium."""
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        opened = playwright.chromium.launch(
            executable_path=shutil.which("chromium"), args=[f"--{flag}" for flag in ALONE]
        )
        yield opened
        opened.close()


@pytest.fixture
def look(browser: Any) -> Iterator[Callable[..., Any]]:
    """Return a function that opens a file at a width, with what the page complained of and whom it asked."""
    contexts = []

    def look(path: Path, width: int = 1280, **more: Any) -> tuple[Any, list[str], list[str]]:
        context = browser.new_context(viewport={"width": width, "height": 900}, **more)
        contexts.append(context)
        page = context.new_page()
        complaints: list[str] = []
        asked: list[str] = []
        page.on("console", lambda message: complaints.append(message.text) if message.type == "error" else None)
        page.on("pageerror", lambda error: complaints.append(str(error)))
        page.on("request", lambda request: asked.append(request.url))
        page.set_default_timeout(1000 * PATIENCE_S)
        page.goto(path.as_uri())
        return page, complaints, asked

    yield look
    for context in contexts:
        context.close()


@pytest.fixture
def length_of() -> Callable[[Any], float]:
    """Return a function that has a player load its sound, and returns how many seconds that is.

    Where a page's scripts are forbidden no event is told of either, so it asks again and again.
    """

    def length_of(player: Any) -> float:
        player.evaluate("player => player.load()")
        ends = time.monotonic() + PATIENCE_S
        while not player.evaluate("player => player.readyState") and time.monotonic() < ends:
            time.sleep(0.05)
        return float(player.evaluate("player => player.duration"))

    return length_of


@pytest.fixture
def others() -> Callable[[list[str]], list[str]]:
    """Return a function that picks the addresses beyond the page itself out of those that were asked."""
    return lambda asked: [url for url in asked if not url.startswith(("file:", "data:", "blob:"))]
