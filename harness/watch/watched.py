"""A run that is watched: its folder, read again and again, each time only what is new."""

from __future__ import annotations

import contextlib
from pathlib import Path

from b2b import clock
from b2b.errors import UsageError
from b2b.flags import SINK
from b2b.orchestrator.folder import EVENTS, RUNS, is_going_on
from harness import canary
from harness.call import PCAP, RESOLVED, Call
from harness.evidence import METRICS, is_event, is_metrics
from harness.expect import Expectations, expectations
from harness.watch.growing import GrowingLines
from harness.watch.listening import Listening
from harness.watch.state import State
from harness.watch.wire import GrowingCapture, WatchedLeg


class Watched:
    """Everything that is known of a run by now."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.name = folder, folder.name
        self.going_on, self.ended = True, False
        self.state = State({}, frozenset())
        self.sinks: list[Listening] = []
        self.limit_s = Expectations().max_gap_ms / 1000
        self._log = GrowingLines(folder / "run.log")
        self._events, self._metrics = GrowingLines(folder / EVENTS), GrowingLines(folder / METRICS)
        self._host = GrowingLines(folder / canary.FILE)
        self._capture: GrowingCapture | None = None

    @property
    def legs(self) -> list[WatchedLeg]:
        """The legs that carry sound."""
        return self._capture.legs if self._capture else []

    def read(self) -> list[str]:
        """Take in what is new, and return the new lines of the log. `ended` says that nothing more will come."""
        going_on = is_going_on(self.folder)  # asked first, so that what is written in between is not missed
        if self._capture is None and (self.folder / RESOLVED).exists():
            self._open()
        lines = self._log.read()
        self._take_events()
        more = [sink.read(ended=not going_on) for sink in self.sinks]
        if self._capture:
            more.append(self._capture.read(ended=not going_on))
        self.going_on, self.ended = going_on, not (going_on or lines or any(more))
        if self.ended:
            self._end()
        return lines

    def _open(self) -> None:
        call = Call(self.folder)
        wanted = expectations(call.plan)
        self.limit_s = wanted.max_gap_ms / 1000 if wanted else self.limit_s
        self.state = State.of(call.plan)
        self.sinks = [Listening(node.name, self.folder / f"{node.name}.wav") for node in call.plan.with_role(SINK)]
        self._capture = GrowingCapture(
            self.folder / PCAP, self.state.addresses, order=list(self.state.roles), limit_s=self.limit_s
        )

    def _take_events(self) -> None:
        if self._capture is None:  # then there is no plan yet to say who the events are about
            return
        for values in filter(is_event, self._events.values()):
            if values.get("event") == "begun":
                with contextlib.suppress(ValueError, TypeError):  # else its times would not be ours
                    clock.follow(str(values.get("clock", "")))
            self.state.event(values)
        for values in filter(is_metrics, self._metrics.values()):
            self.state.metrics(values)
        for values in self._host.values():
            self.state.held_up(values)

    def _end(self) -> None:
        call = Call(self.folder)
        self.state.end(call.summary["exit_code"], call.verdict.outcome.value if call.verdict else "")


def run_folder(wanted: Path | None) -> Path:
    """Return the folder that is meant, by default that of the newest run that goes on. Raises UsageError for none."""
    if wanted is not None:
        if not (wanted / EVENTS).exists():
            raise UsageError(f"{wanted}: wanted a run folder, but there is no {EVENTS} in it, so it is none")
        return wanted
    runs = sorted((path.parent for path in RUNS.glob(f"*/{EVENTS}")), reverse=True)
    for folder in runs:
        if is_going_on(folder):
            return folder
    if runs:
        raise UsageError(f"no run goes on below {RUNS}/; `b2b watch {runs[0]}` shows how the newest ended")
    raise UsageError(f"no run goes on below {RUNS}/; start one, or say which folder")
