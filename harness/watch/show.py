"""The loop of `b2b watch`: reads the run a few times a second and shows it, until it is over."""

from __future__ import annotations

import signal
import sys
from collections import deque
from collections.abc import Sequence
from types import FrameType

from rich.console import Console
from rich.control import Control
from rich.live import Live
from rich.text import Text

from b2b import clock
from b2b.orchestrator.report import PROGRESS
from harness.watch.view import log_line, view
from harness.watch.watched import Watched

PERIOD_S = 0.33
RECENT = 10  # lines of the log that stay on the screen when the terminal becomes narrower


def show(watched: Watched, *, color: str, lines: int) -> None:
    """Show a run until it ends, its log above the picture; where there is no terminal, the log and the last picture.

    `lines` says how much of what was logged before is shown. Raises KeyboardInterrupt when asked to stop.
    """
    signal.signal(signal.SIGTERM, _interrupt)  # or the terminal would be left without its cursor
    console = Console(
        no_color={"always": False, "never": True}.get(color),  # else as NO_COLOR says
        force_terminal=True if color == "always" else None,
        highlight=False,
        markup=False,
        emoji=False,
    )
    logged = _new(watched)[-lines:] if lines else []
    if not sys.stdout.isatty() or console.is_dumb_terminal:
        _follow(watched, console, logged)
        return
    with Live(console=console, auto_refresh=False, redirect_stdout=False, redirect_stderr=False) as live:
        _draw(watched, live, logged)


def _draw(watched: Watched, live: Live, logged: Sequence[Text]) -> None:
    """Show the log and below it the picture, until the run is over."""
    console, recent, width = live.console, deque[Text](maxlen=RECENT), live.console.width
    while True:
        recent.extend(logged)
        if console.width < width:  # what is on the screen has been broken into more lines than anybody knows
            console.control(Control.clear(), Control.home())
            logged = list(recent)
        width = console.width
        live.update(view(watched, now_s=clock.wall(), width=width))
        if logged:
            console.print(Text("\n").join(logged), soft_wrap=True)  # shows the picture as well
        else:
            live.refresh()
        if watched.ended:
            return
        _wait(watched)
        logged = _new(watched)


def _follow(watched: Watched, console: Console, logged: Sequence[Text]) -> None:
    """Print the log as it grows, and the picture at the end."""
    while not watched.ended:
        for line in logged:
            console.print(line, soft_wrap=True)
        _wait(watched)
        logged = _new(watched)
    console.print(view(watched, now_s=clock.wall(), width=console.width))


def _wait(watched: Watched) -> None:
    """Let something happen; of a run that is over the rest is only to be read."""
    if watched.going_on:
        clock.sleep_until(clock.now() + clock.in_call(PERIOD_S))


def _new(watched: Watched) -> list[Text]:
    """Return what is new in the log, without the line every five seconds that the picture makes superfluous."""
    lines = [line.partition(" ")[2] for line in watched.read()]  # without their times
    return [log_line(line, watched.state.roles) for line in lines if not PROGRESS.match(line)]


def _interrupt(_signum: int, _frame: FrameType | None) -> None:
    raise KeyboardInterrupt
