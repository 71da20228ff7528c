"""The live line of a call that runs; only on a terminal, for a minute without a word looks like a hang."""

from __future__ import annotations

import contextlib
import re
from contextlib import AbstractContextManager
from typing import Any

import pytest

from b2b.orchestrator.report import PROGRESS

OVER = re.compile(r"\[ORCH *\] stopping")


def uncaptured(config: pytest.Config) -> AbstractContextManager[None]:
    """Let what is written in the block reach the user, although a test is running."""
    capture: Any = config.pluginmanager.get_plugin("capturemanager")
    return capture.global_and_fixture_disabled() if capture else contextlib.nullcontext()


class Progress:
    """Called with each line of the run's log, and with None once a second."""

    def __init__(self, item: pytest.Item) -> None:
        reporter = item.config.pluginmanager.get_plugin("terminalreporter")
        self._config = item.config
        self._reporter = reporter if reporter is not None and reporter.isatty else None
        self._name, self._says, self._seconds = item.name, "starting", 0

    def __enter__(self) -> Progress:
        return self

    def __exit__(self, *error: object) -> None:
        self._show("")

    def __call__(self, line: str | None) -> None:
        """Show how far the call is."""
        if line is None:
            self._seconds += 1
        elif found := PROGRESS.match(line):
            minutes, seconds = map(int, found[1].split(":"))
            self._seconds, self._says = 60 * minutes + seconds, found[2]
        elif "call established" in line:
            self._seconds, self._says = 0, "in call"
        elif OVER.match(line):
            self._says = "over, being judged"
        else:
            return
        self._show(f"{self._name} {self._seconds // 60:02d}:{self._seconds % 60:02d} {self._says}")

    def _show(self, text: str) -> None:
        if self._reporter is None:
            return
        width = self._reporter._tw.fullwidth - 1
        with uncaptured(self._config):
            self._reporter.rewrite(text[:width], erase=True)
            if not text:
                self._reporter.rewrite("")
