"""Fixtures of the tests that make short calls."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from pydub import AudioSegment

from calls.command import Command
from calls.places import SAMPLE


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
def speech(tmp_path: Path) -> Callable[[float], Path]:
    """Cut that many seconds of the sample into a file of their own."""
    def cut(seconds: float) -> Path:
        path = tmp_path / f"speech-{seconds:g}.wav"
        AudioSegment.from_file(SAMPLE)[: round(seconds * 1000)].export(path, format="wav").close()
        return path

    return cut
