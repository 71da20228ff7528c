"""Workers of pytest-xdist on other machines: what their tests leave is brought home over the connection there is."""

from __future__ import annotations

import os
import platform
import shutil
import tempfile
from collections.abc import Generator
from dataclasses import replace
from pathlib import Path, PurePosixPath
from typing import Any

import pytest

from b2b import __version__

HOME = "b2b_home"  # what a worker on another machine is given: the channel on which it sends files
FAR = ("ssh=", "socket=", "chdir=")  # in the --tx of a worker that has to be sent everything
RUNS, RESULTS = "runs", "allure"
LARGEST = 1 << 20  # octets of a file that are sent at once
PATIENCE_S = 60.0
ASK = """
import importlib.metadata, sys
try:
    channel.send((importlib.metadata.version("b2b"), sys.executable))
except importlib.metadata.PackageNotFoundError:
    channel.send(("", sys.executable))
"""


def is_far(config: pytest.Config) -> bool:
    """Whether this is a worker on another machine."""
    return HOME in getattr(config, "workerinput", {})


def suffix(config: pytest.Config) -> str:
    """Return what keeps a far worker's run folders apart from those of others; "" at home."""
    return f"-{platform.node()}-{config.workerinput['workerid']}" if is_far(config) else ""  # type: ignore[attr-defined]


class FarWorker:
    """Sends home what each test has left, and leaves nothing here."""

    def __init__(self, config: pytest.Config, runs: Path) -> None:
        self._channel = config.workerinput[HOME]  # type: ignore[attr-defined]
        self._folders = {RUNS: runs}
        os.chdir(config.rootpath)  # by which sentences name files, here as at home
        if config.getoption("allure_report_dir", None):
            self._folders[RESULTS] = Path(tempfile.mkdtemp(prefix="b2b-results-"))
            config.option.allure_report_dir = str(self._folders[RESULTS])

    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_runtest_protocol(self) -> Generator[None, object, object]:
        """Send them when all has been said of a test, also to Allure."""
        try:
            return (yield)
        finally:
            self._send()

    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_sessionfinish(self) -> Generator[None, object, object]:
        """Send the rest, and remove what was for us alone."""
        try:
            return (yield)
        finally:
            self._send()
            if results := self._folders.get(RESULTS):
                shutil.rmtree(results, ignore_errors=True)

    def _send(self) -> None:
        for kind, folder in self._folders.items():
            for path in sorted(path for path in folder.rglob("*") if path.is_file()):
                name = str(PurePosixPath(kind, path.relative_to(folder)))
                with path.open("rb") as file:
                    self._channel.send((name, b""))
                    while data := file.read(LARGEST):
                        self._channel.send((name, data))
                path.unlink()
            for child in folder.iterdir() if folder.exists() else ():
                shutil.rmtree(child, ignore_errors=True)
        if self._folders[RUNS].exists():
            self._folders[RUNS].rmdir()


class Home:
    """Gives workers on other machines their way home, and takes in what comes."""

    def __init__(self, config: pytest.Config, runs: Path) -> None:
        self._folders = {RUNS: runs}
        if results := config.getoption("allure_report_dir", None):
            self._folders[RESULTS] = Path(results).absolute()
        self._trouble: list[str] = []

    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_sessionstart(self, session: pytest.Session) -> Generator[None, object, object]:
        """Say in a sentence which machine cannot be used. Raises pytest.UsageError."""
        if not any(word in spec for spec in session.config.getoption("tx", None) or () for word in FAR):
            return (yield)
        self._prepare(session.config)
        try:
            return (yield)
        except pytest.UsageError:
            raise
        except Exception as error:  # whatever execnet comes upon; ssh has said why
            raise pytest.UsageError(
                f"--tx: a machine cannot be used ({type(error).__name__}: {error}); wanted one at which "
                "`ssh MACHINE PYTHON --version` answers without a question"
            ) from None

    def _prepare(self, config: pytest.Config) -> None:
        """Let pytest-xdist send the project, unless something else was asked for, and find there what was named here.

        It looks for each word of the command line that is a file below what it has sent, and only knows whole paths.
        """
        option = config.option
        if not option.rsyncdir and not config.getini("rsyncdirs"):
            option.rsyncdir = [str(config.rootpath)]
            option.rsyncignore = [*option.rsyncignore, str(self._folders[RUNS].parent)]
        words = list[str]()
        for word in config.invocation_params.args:
            if word in option.file_or_dir:
                words.append(str(config.invocation_params.dir / word))
            elif words and words[-1].startswith("--") and "=" not in words[-1] and not str(word).startswith("-"):
                words[-1] += f"={word}"  # an option's, which it is not to look for
            else:
                words.append(str(word))
        config.invocation_params = replace(config.invocation_params, args=tuple(words))

    @pytest.hookimpl(optionalhook=True)
    def pytest_configure_node(self, node: Any) -> None:
        """Refuse a machine without this b2b, and let all others send. Raises pytest.UsageError."""
        spec = node.gateway.spec
        if spec.popen and not spec.chdir:
            return
        where = spec.ssh or spec.socket or str(spec)
        channel = node.gateway.remote_exec(ASK)
        version, python = channel.receive(PATIENCE_S)
        if version != __version__:
            came = f"b2b {version}" if version else "none"
            raise pytest.UsageError(
                f"{where}: wanted b2b {__version__} in {python}, as here, came {came}; "
                f"`{python} -m pip install` what is here, or name another Python as --tx ssh={where}//python=PATH"
            )
        node.workerinput[HOME] = way = node.gateway.newchannel()
        way.setcallback(self.take)

    def pytest_terminal_summary(self, terminalreporter: pytest.TerminalReporter) -> None:
        """Say what could not be brought home."""
        for trouble in self._trouble:
            terminalreporter.line(trouble, red=True)

    def take(self, piece: tuple[str, bytes]) -> None:
        """Write the next octets of a file; none begin it."""
        name, data = piece
        try:
            with self._place(name).open("ab" if data else "wb") as file:
                file.write(data)
        except OSError as error:
            self._trouble.append(f"{name!r} was not brought home: {error.strerror}")
        except ValueError as error:
            self._trouble.append(f"{name!r} was not brought home: {error}")

    def _place(self, name: str) -> Path:
        """Make room for a file; another machine has no say beyond the two folders. Raises OSError, ValueError."""
        parts = PurePosixPath(name).parts
        if len(parts) < 2 or parts[0] not in self._folders or ".." in parts:
            raise ValueError("wanted a file of a run, or of Allure's results")
        folder = self._folders[parts[0]]
        folder.mkdir(parents=True, exist_ok=True)
        for part in parts[1:-1]:
            folder /= part
            folder.mkdir(mode=0o700, exist_ok=True)  # what is in it is its user's own
        return folder / parts[-1]
