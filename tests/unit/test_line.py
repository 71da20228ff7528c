"""The media thread: a frame's work at a frame's pace, whatever happens in between."""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable, Iterator

import pytest

from b2b import clock
from b2b.baresip.soundcard import Card
from b2b.errors import AudioError
from b2b.roles import line
from b2b.roles.line import Line, lead_in

FRAME_S, LEAD_S = 0.02, 0.2


class Time:
    """A clock that only moves when it is slept on or pushed."""

    def __init__(self) -> None:
        self.now = 100.0

    def sleep_until(self, instant: float) -> None:
        """Be there."""
        self.now = max(self.now, instant)


@pytest.fixture
def time(monkeypatch: pytest.MonkeyPatch) -> Time:
    """Return the clock that the line goes by."""
    fake = Time()
    monkeypatch.setattr(clock, "now", lambda: fake.now)
    monkeypatch.setattr(clock, "sleep_until", fake.sleep_until)
    return fake


def ticks(time: Time, count: int, takes_s: Callable[[int], float]) -> tuple[list[float], Line]:
    """Run a line for so many frames, of which each takes some time; return when each began, and the line."""
    began: list[float] = []
    ended: queue.SimpleQueue[Exception] = queue.SimpleQueue()

    def tick() -> None:
        if len(began) == count:
            raise AudioError("enough")
        began.append(round(time.now - 100, 6))
        time.now += takes_s(len(began) - 1)

    running = Line(tick, frame_s=FRAME_S, lead_s=LEAD_S, on_error=ended.put)
    running.start()
    ended.get(timeout=20)
    return began, running


def test_frames_come_at_absolute_deadlines(time: Time) -> None:
    """The n-th one n frames after the first, however long each of them takes."""
    began, running = ticks(time, 100, lambda frame: 0.019 * (frame % 2))
    assert began == pytest.approx([FRAME_S * frame for frame in range(100)])
    assert running.stalls == 0


@pytest.mark.parametrize("stall_s", [0.03, 0.1, 0.19])
def test_a_stall_shorter_than_the_lead_is_caught_up_with(time: Time, stall_s: float) -> None:
    """Frame by frame without a pause, until each is in its time again; none is left out."""
    began, running = ticks(time, 50, lambda frame: stall_s if frame == 10 else 0.0)
    due = [FRAME_S * frame for frame in range(50)]
    after = 10 * FRAME_S + stall_s
    assert began == pytest.approx([at if at <= 10 * FRAME_S else max(at, after) for at in due])
    assert running.stalls == 0


def test_a_longer_stall_is_counted_and_what_was_due_is_over(time: Time) -> None:
    """baresip has run dry: only the lead is filled up again, or the delay would grow with every stall."""
    began, running = ticks(time, 60, lambda frame: 1.0 if frame == 10 else 0.0)
    resumed = 10 * FRAME_S + 1.0
    assert running.stalls == 1
    assert sum(at == pytest.approx(resumed) for at in began) == pytest.approx(LEAD_S / FRAME_S, abs=1)
    assert began[-1] - began[-2] == pytest.approx(FRAME_S)


def test_an_error_of_ours_ends_the_line_and_is_told() -> None:
    """A disk that is full, say."""
    told: queue.SimpleQueue[Exception] = queue.SimpleQueue()

    def tick() -> None:
        raise AudioError("full")

    running = Line(tick, frame_s=FRAME_S, lead_s=LEAD_S, on_error=told.put)
    running.start()
    assert str(told.get(timeout=20)) == "full"
    running.stop()
    assert told.empty()


@pytest.fixture
def _quiet_threads(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let a thread that dies of an exception do so without pytest's own complaint."""
    monkeypatch.setattr(threading, "excepthook", lambda _arguments: None)


@pytest.mark.usefixtures("_quiet_threads")
def test_an_error_that_nobody_foresaw_is_told_as_well() -> None:
    """Exit code 70 is for it; a call without media for the rest of its life is for nobody."""
    told: queue.SimpleQueue[Exception] = queue.SimpleQueue()

    def tick() -> None:
        raise OverflowError("cannot convert float infinity to integer")

    running = Line(tick, frame_s=FRAME_S, lead_s=LEAD_S, on_error=told.put)
    running.start()
    running._thread.join(20)
    assert not told.empty()


def test_after_stopping_there_is_no_further_frame() -> None:
    """When stop returns, the last one is done."""
    counted: list[None] = []
    reached = threading.Event()

    def tick() -> None:
        counted.append(None)
        if len(counted) == 3:
            reached.set()

    running = Line(tick, frame_s=0.001, lead_s=LEAD_S, on_error=lambda error: None)
    running.start()
    assert reached.wait(20)
    running.stop()
    assert not running._thread.is_alive()


def test_a_line_that_never_began_can_be_stopped() -> None:
    """The call may fail before."""
    Line(lambda: None, frame_s=FRAME_S, lead_s=LEAD_S, on_error=lambda error: None).stop()


class Sent(Card):
    """A card that keeps what it is sent."""

    def __init__(self, *, ptime_ms: int) -> None:
        super().__init__("x", ptime_ms=ptime_ms)
        self.sent: list[bytes] = []

    def send(self, sound: bytes) -> None:
        """Keep it."""
        self.sent.append(sound)


@pytest.mark.parametrize(("lead_ms", "ptime_ms", "frames"), [(200, 20, 10), (300, 20, 15), (200, 40, 5), (0, 20, 0)])
def test_the_lead_is_the_sounds_first_frames(lead_ms: int, ptime_ms: int, frames: int) -> None:
    """In their order, silence where there is no other sound."""
    numbered: Iterator[int] = iter(range(99))
    card = Sent(ptime_ms=ptime_ms)
    lead_in(card, lead_ms, lambda samples: bytes([next(numbered)]) * 2 * samples)
    assert card.sent == [bytes([number]) * 16 * ptime_ms for number in range(frames)]
    silent = Sent(ptime_ms=ptime_ms)
    lead_in(silent, lead_ms)
    assert silent.sent == [bytes(16 * ptime_ms)] * frames


def test_the_lead_never_exceeds_what_baresip_holds() -> None:
    """30 frames; the oldest of more would be lost."""
    card = Sent(ptime_ms=10)
    lead_in(card, 2000)
    assert len(card.sent) == line.MOST_LEAD_FRAMES <= 30
