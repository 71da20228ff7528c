"""The machines that xdist sends tests to: asked what they are, told where things go, and named where one is amiss."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Generator, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest

from b2b import __version__
from harness.plugin import options
from harness.plugin.lab import ALLURE, KEY, RUN
from harness.plugin.lab.arguments import beside, is_away, not_below, patient, portable
from harness.plugin.lab.receive import Receiver

END = object()
RESTARTS = 4  # of each worker, as xdist has it for -n
ASK = """
try:
    from harness.report.environment import environment
except ImportError as error:
    channel.send(str(error))
else:
    channel.send(environment())
"""


class Hosts:
    """Listens to xdist, in the process that the user started."""

    def __init__(self, config: pytest.Config) -> None:
        self._config, self._given = config, config.invocation_params
        self._to_start: list[Any] = []
        specs = list(_specs(config))
        if any(map(is_away, specs)) and config.option.maxworkerrestart is None:  # or xdist would never stop trying
            config.option.maxworkerrestart = str(RESTARTS * len(specs))
        self.environments: dict[str, Mapping[str, str]] = {}  # of each other machine, by its host name

    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_sessionstart(self) -> Generator[None, object, object]:
        """Start the workers, which xdist does here. Raises pytest.UsageError for a machine on which none can start."""
        option = self._config.option
        if any(map(is_away, _specs(self._config))):  # xdist copies what it needs to all of them, and this besides
            option.rsyncdir = [str(self._config.rootpath), *option.rsyncdir]
            made_here = [self._config.stash[options.KEY].reports, *self._places().values()]
            option.rsyncignore = [*option.rsyncignore, *map(str, made_here)]
        with self._in_words(pytest.UsageError):
            return (yield)

    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_runtestloop(self) -> Generator[None, object, object]:
        """Run the tests; a machine that went away, and cannot be reached again to replace its worker, ends them."""
        with self._in_words(lambda says: pytest.exit.Exception(f"{says}; what was reported is kept", 1)):
            return (yield)

    @pytest.hookimpl(optionalhook=True)
    def pytest_xdist_setupnodes(self, config: pytest.Config, specs: Sequence[Any]) -> None:
        """Have everything mean the same on machines that have a copy of the root directory."""
        self._to_start = list(specs)
        if not (away := [spec for spec in specs if is_away(spec)]):
            return
        if outside := not_below(config.rootpath, config.args, config.invocation_params.dir):
            raise pytest.UsageError(f"{outside}: wanted tests below {config.rootpath}, for that is what machines get")
        for spec in away:
            spec.ssh = patient(spec.ssh) if spec.ssh else None

    @pytest.hookimpl(optionalhook=True)
    def pytest_xdist_newgateway(self, gateway: Any) -> None:
        """Ask a machine what it is. Raises pytest.UsageError where b2b is not there, or is another one."""
        config, spec = self._config, gateway.spec
        config.invocation_params = portable(config, self._given) if is_away(spec) else self._given
        if not is_away(spec):
            return
        found = gateway.remote_exec(ASK).receive()
        wanted = f"{_name(spec)}: wanted b2b {__version__} in {_python(spec)}, as here"
        if not isinstance(found, dict):
            raise pytest.UsageError(f"{wanted}, came: {found}; to mend it: {_python(spec)} -m pip install b2b")
        if found["b2b"] != __version__:
            raise pytest.UsageError(f"{wanted}, came {found['b2b']}")
        self.environments[found["host"]] = found

    @pytest.hookimpl(optionalhook=True)
    def pytest_configure_node(self, node: Any) -> None:
        """Tell a worker what it is to do, and listen to what it will send."""
        self._to_start = self._to_start[1:]
        if not is_away(node.gateway.spec):
            return
        chosen, root, here = self._config.stash[options.KEY], self._config.rootpath, Path.cwd()
        channel = node.gateway.newchannel()
        receiver = Receiver(self._places(), channel.send)
        channel.setcallback(lambda said: receiver.close() if said is END else receiver(said), endmarker=END)
        node.workerinput[KEY] = {
            "channel": channel,
            "worker": node.workerinput["workerid"],
            "root": str(root),
            "cwd": beside(here, root) if here.is_relative_to(root) else ".",
            "reports": beside(chosen.reports, root),
        }

    @pytest.hookimpl(optionalhook=True)
    def pytest_testnodedown(self, node: Any, error: object) -> None:
        """Note the machine of a worker that did not end well, for xdist starts another there."""
        self._to_start = [node.gateway.spec] if error else []

    def _places(self) -> dict[str, Path]:
        """Return where on this machine that goes which comes from others."""
        places = {RUN: self._config.stash[options.KEY].runs}
        if results := self._config.getoption("allure_report_dir", None):
            places[ALLURE] = Path(results).absolute()
        return places

    @contextlib.contextmanager
    def _in_words(self, raised: Callable[[str], BaseException]) -> Iterator[None]:
        """Name the machine on which no worker could be started."""
        try:
            yield
        except Exception as error:
            spec = next(iter(self._to_start), None)
            if spec is None or not is_away(spec):
                raise
            from execnet import HostNotFound, RemoteError

            if not isinstance(error, HostNotFound | RemoteError | EOFError | OSError):
                raise
            why = "ssh does not get there" if isinstance(error, HostNotFound) else f"{_python(spec)} does not answer"
            says = f"{_name(spec)}: no worker could be started, for {why}"
            raise raised(f"{says}; to see for yourself: ssh {_name(spec)} {_python(spec)} -V") from None


def _specs(config: pytest.Config) -> Iterator[Any]:
    """Yield what the user said of each worker that xdist is to start, which may be `3*ssh=lab1`."""
    for word in config.getoption("tx", None) or ():
        from execnet import XSpec

        times, _, spec = word.rpartition("*")
        yield from [XSpec(spec)] * (int(times) if times.isdigit() else 1)


def _name(spec: Any) -> str:
    """Return what the user calls a machine."""
    return str(spec.ssh).split()[-1] if spec.ssh else str(spec)


def _python(spec: Any) -> str:
    return str(spec.python or "python")
