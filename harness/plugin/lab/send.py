"""A worker on another machine: it works as the controller's machine would, and sends home what it made."""

from __future__ import annotations

import contextlib
import dataclasses
import os
import platform
import re
import shutil
import tempfile
from collections.abc import Generator, Iterator
from pathlib import Path
from typing import Any

import pytest

from harness.plugin import options
from harness.plugin.lab import ALLURE, PLUGIN, RUN

PIECE = 1 << 18  # octets; a connection has no use for more at once, and memory neither
ODD = re.compile(r"[^A-Za-z0-9_.-]+")
RESULTS = "-result.json", "-container.json"  # which name attachments, and come after them
TEXTS = ".toml", ".json", ".jsonl", ".log", ".html"  # in which places may be named


def join(config: pytest.Config, told: dict[str, Any]) -> None:
    """Make this process a worker of a machine whose disk it does not see; `told` is what `hosts` says of it."""
    os.chdir(config.rootpath / told["cwd"])  # so that what is said relative to it is right there as well
    place = ODD.sub("-", f"-{platform.node()}-{told['worker']}")
    chosen = config.stash[options.KEY]
    config.stash[options.KEY] = dataclasses.replace(chosen, reports=config.rootpath / told["reports"], place=place)
    results = None
    if config.getoption("allure_report_dir", None):
        results = tempfile.mkdtemp(prefix="b2b-allure-")
        config.option.allure_report_dir = results
        config.add_cleanup(lambda: shutil.rmtree(results, ignore_errors=True))
    config.pluginmanager.register(
        Sender(told["channel"], str(config.rootpath), told["root"], Path(results) if results else None), PLUGIN
    )


class Sender:
    """Sends files after each test, so that what was reported is home whatever becomes of this machine."""

    def __init__(self, channel: Any, root: str, home: str, results: Path | None) -> None:
        self._channel, self._results = channel, results
        self._root, self._home = root, home

    def bring_home(self, folder: Path) -> bool:
        """Move a run folder to the controller's machine; where that does not work it stays. Return whether it did."""
        for path in _files(folder):
            self._send(path, RUN, f"{folder.name}/{path.relative_to(folder).as_posix()}")
        if moved := not self._answer():
            shutil.rmtree(folder, ignore_errors=True)
            with contextlib.suppress(OSError):
                folder.parent.rmdir()  # unless there is something in it
        return moved

    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_runtest_protocol(self) -> Generator[None, object, object]:
        """Send what Allure wrote of the test, once it has written all."""
        try:
            return (yield)
        finally:
            self._send_results()

    @pytest.hookimpl(trylast=True)
    def pytest_sessionfinish(self) -> None:
        """Send what Allure wrote of the session."""
        self._send_results()

    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_report_to_serializable(self) -> Generator[None, Any, Any]:
        """Have a report name places as they are there."""
        return self._there((yield))

    def _there(self, value: Any) -> Any:
        if isinstance(value, str):
            return value.replace(self._root, self._home)
        if isinstance(value, dict):
            return {key: self._there(each) for key, each in value.items()}
        if isinstance(value, list | tuple):
            return type(value)(map(self._there, value))
        return value

    def _send_results(self) -> None:
        if self._results is None:
            return
        found = sorted(_files(self._results), key=lambda path: path.name.endswith(RESULTS))
        for path in found:
            self._send(path, ALLURE, path.name)
        if found and not self._answer():
            for path in found:
                path.unlink()

    def _send(self, path: Path, place: str, name: str) -> None:
        self._channel.send(("file", place, name))
        for piece in self._pieces(path):
            self._channel.send(piece)
        self._channel.send(("end",))

    def _pieces(self, path: Path) -> Iterator[bytes]:
        """Yield a file's bytes; a text names places as they are there."""
        with path.open("rb") as file:
            if path.suffix in TEXTS:
                while lines := file.readlines(PIECE):
                    yield b"".join(lines).replace(os.fsencode(self._root), os.fsencode(self._home))
            else:
                while piece := file.read(PIECE):
                    yield piece

    def _answer(self) -> str:
        self._channel.send(("done",))
        return str(self._channel.receive())


def _files(folder: Path) -> Iterator[Path]:
    """Yield the files below a folder; a pipe or a link is none."""
    yield from (path for path in sorted(folder.rglob("*")) if path.is_file() and not path.is_symlink())
