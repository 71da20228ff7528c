"""The media thread of a role: once in a frame's time it hears and speaks, on absolute deadlines."""

from __future__ import annotations

import threading
from collections.abc import Callable

from b2b import child, clock
from b2b.audio import pcm
from b2b.baresip.soundcard import Card
from b2b.errors import B2bError, describe

MOST_LEAD_FRAMES = 20  # baresip's own buffer holds 30 and throws the oldest away
HEAR_S = 0.1  # a frame that comes later than that is taken for silence


class Line:
    """Calls `tick` once every frame. A stall is caught up with, unless it was longer than the `lead_s` in baresip."""

    def __init__(
        self, tick: Callable[[], None], *, frame_s: float, lead_s: float, on_error: Callable[[B2bError], None]
    ) -> None:
        self.stalls = 0
        self._tick, self._frame_s, self._lead_s, self._on_error = tick, frame_s, lead_s, on_error
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._run, name="line", daemon=True)

    def start(self) -> None:
        """Begin with the first frame now."""
        self._thread.start()

    def stop(self) -> None:
        """Return once the frame at hand is done."""
        self._ended.set()
        if self._thread.ident:
            self._thread.join(timeout=2)

    def _run(self) -> None:
        if clock.speed() != 1:
            child.run_first()
        due = clock.now()
        try:
            while not self._ended.is_set():
                clock.sleep_until(due)
                if (late := clock.now() - due - self._lead_s) > 0:  # baresip has run dry: what was due is over
                    self.stalls += 1
                    due += late
                self._tick()
                due += self._frame_s
        except B2bError as error:
            self._on_error(error)
        except Exception as error:
            self._on_error(B2bError(describe(error)))


def lead_in(card: Card, lead_ms: int, take: Callable[[int], bytes] = pcm.silence) -> float:
    """Give baresip sound ahead of time, so that a stall of ours shorter than that never reaches the wire.

    Returns how much it is, in milliseconds: no more than baresip can hold.
    """
    frames = min(MOST_LEAD_FRAMES, pcm.samples_in(lead_ms) // card.samples)
    for _ in range(frames):
        card.send(take(card.samples))
    return 1000 * frames * card.seconds
