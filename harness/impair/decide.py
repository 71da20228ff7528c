"""What happens to each packet of one direction: decided by the seed and the packet's number, whatever the clock says.

Every impairment draws from a generator of its own, once or twice for each packet, whether it is needed or not. So the
same seed gives the same packets the same fate, and another impairment beside it changes nothing about that.
"""

from __future__ import annotations

import random
from dataclasses import dataclass

from harness.impair.lose import Asked
from harness.impair.table import Burst, Impairment

# Why a packet was lost; "end" is one that was still under way when the run was over.
ASKED, BURSTS, RANDOM, RATE, CUT, END = "asked", "burst", "random", "rate", "cut", "end"


@dataclass(frozen=True, slots=True, kw_only=True)
class Decision:
    """The fate of one packet; numbers begin at 1. `lost` says why it was, "" that it was not."""

    number: int
    lost: str
    jitter_s: float
    swapped: bool  # with the next one that goes on
    doubled: bool
    flipped: float | None  # where a bit is changed: from 0, the first, to 1


class Dice:
    """Decides on the packets of one direction, one after the other."""

    def __init__(self, impairment: Impairment, seed: int, name: str) -> None:
        self._impairment = impairment
        self._asked = Asked(impairment.lose)
        self._number = 0
        self._swapped_last = False
        kinds = ("loss", "burst", "jitter", "reorder", "duplicate", "corrupt", "place")
        # Seeded by text, which Python hashes the same everywhere and always (random.seed, version 2).
        self._draws = {kind: random.Random(f"{seed}/{name}/{kind}") for kind in kinds}
        self._gilbert = Gilbert(impairment.burst, self._draws["burst"]) if impairment.burst else None

    def decide(self, label: str = "") -> Decision:
        """Return what happens to the next packet; the label says which SIP message it is."""
        self._number += 1
        own = self._impairment
        chances = {kind: draw.random() for kind, draw in self._draws.items() if kind != "burst"}
        in_burst = self._gilbert.loses() if self._gilbert else False
        # No two neighbours: the share of those that may be swapped makes up for those that may not.
        share = own.reorder / 100
        self._swapped_last = not self._swapped_last and chances["reorder"] * (1 - share) < share
        asked = self._asked.names(self._number, label)
        lost = RANDOM if 100 * chances["loss"] < own.loss else ""
        return Decision(
            number=self._number,
            lost=ASKED if asked else BURSTS if in_burst else lost,
            jitter_s=chances["jitter"] * own.jitter_ms / 1000,
            swapped=self._swapped_last,
            doubled=100 * chances["duplicate"] < own.duplicate,
            flipped=chances["place"] if 100 * chances["corrupt"] < own.corrupt else None,
        )


class Gilbert:
    """The model of E. N. Gilbert, Capacity of a burst-noise channel (1960), in which the bad state loses everything.

    A burst of `mean` packets ends after each with a probability of r = 1 / mean; with p = r * loss / (1 - loss) one
    begins, so that p / (p + r), the share of time in the bad state, is the loss.
    """

    def __init__(self, burst: Burst, draws: random.Random) -> None:
        share = burst.loss / 100
        self._ends = 1 / burst.mean
        self._begins = self._ends * share / (1 - share)
        self._draws = draws
        self._bad = draws.random() < share  # as likely as at any other time

    def loses(self) -> bool:
        """Return whether the next packet is lost."""
        bad = self._bad
        chance = self._draws.random()
        self._bad = chance >= self._ends if bad else chance < self._begins
        return bad
