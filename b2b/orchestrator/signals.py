"""How the orchestrator takes signals, at each stage of a run."""

from __future__ import annotations

import signal
from collections.abc import Callable
from types import FrameType

STOP_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


def report(to: Callable[[str], None]) -> None:
    """Call `to` with the name of each signal: the run decides."""

    def handler(signum: int, _frame: FrameType | None) -> None:
        to(signal.Signals(signum).name)

    _install(handler)


def interrupt_once() -> None:
    """Let the first signal raise KeyboardInterrupt, which ends the judging, and ignore those after it."""

    def handler(_signum: int, _frame: FrameType | None) -> None:
        ignore()
        raise KeyboardInterrupt

    _install(handler)


def ignore() -> None:
    """Take no notice: the run is over but for what is to be written down."""
    for signum in STOP_SIGNALS:
        signal.signal(signum, signal.SIG_IGN)


def _install(handler: Callable[[int, FrameType | None], None]) -> None:
    for signum in STOP_SIGNALS:
        signal.signal(signum, handler)
