"""What a leg hears, frame by frame, without ever holding up what it says."""

from __future__ import annotations

from collections.abc import Callable

from b2b import clock
from b2b.baresip.soundcard import Card
from b2b.roles.line import HEAR_S


class Ear:
    """Hears a card at each tick and passes each frame on.

    The card is waited for while it speaks; on hold, or before the call, it is silent and then only looked at: else a
    tick would last longer than its frame, and what the leg says would come too late.
    """

    def __init__(self, card: Card, *takers: Callable[[bytes], object]) -> None:
        self._card, self._takers = card, takers
        self._speaks = True

    def hear(self) -> bytes | None:
        """Return the next frame; None where there is none."""
        frame = self._card.hear(clock.on_machine(HEAR_S) if self._speaks else 0)
        self._speaks = frame is not None
        if frame:
            for take in self._takers:
                take(frame)
        return frame
