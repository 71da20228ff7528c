"""Who listens in a call, and what was heard there: a recording, read and compared when it is asked for."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from b2b.flags import MIXER
from b2b.plan.model import Node

if TYPE_CHECKING:
    from harness.dtmf import Digit
    from harness.sound import Hearing, Level
    from harness.sound.g711 import Samples


@dataclass(frozen=True)
class Listener:
    """A sink, or a source that hears a device, and what it heard."""

    node: Node
    chain: tuple[Node, ...]  # who is heard here, from the first that speaks to the last one before the listener
    wav: Path
    reference: Path | None = None  # where the source's file is, if not where the plan says

    @cached_property
    def samples(self) -> Samples:
        """The recording."""
        from harness.sound import read_wav

        return read_wav(self.wav)

    @property
    def played(self) -> Path | None:
        """The file that was played to this listener; None where no source of the plan is heard here."""
        files = [Path(node.settings["audio_file"]) for node in self.chain if "audio_file" in node.settings]
        return (self.reference or files[0]) if files else None

    @cached_property
    def sent(self) -> Samples | None:
        """What the source played: the file, again and again where it loops; None where no source is heard here."""
        import numpy as np

        from harness.sound import decode

        if self.played is None:
            return None
        file = decode(self.played)
        loops = any(node.settings.get("loop") for node in self.chain)
        return np.tile(file, -(-len(self.samples) // len(file))) if loops else file

    @property
    def length_s(self) -> float:
        """How long the recording is."""
        from harness.sound import RATE

        return len(self.samples) / RATE

    @cached_property
    def digits(self) -> list[Digit]:
        """The DTMF digits in the recording."""
        from harness.dtmf import detect
        from harness.sound import RATE

        return detect(self.samples, RATE)

    @property
    def dtmf(self) -> str:
        """The digits as text."""
        return "".join(digit.digit for digit in self.digits)

    @property
    def mixers(self) -> list[Node]:
        """The mixers whose digits are heard here."""
        return [node for node in self.chain if node.role == MIXER and node.settings["dtmf_seq"]]

    @property
    def gain(self) -> float:
        """The factor at which the source's sound ought to arrive."""
        return self.gain_at(len(self.chain))

    def gain_at(self, hop: int) -> float:
        """Return the factor at which the source's sound ought to leave the node before a hop; the first hop is 1."""
        return math.prod(_gains(self.chain[:hop]))

    @property
    def gains(self) -> list[float]:
        """That factor, hop by hop: each mixer decodes and encodes anew."""
        return _gains(self.chain) or [1.0]

    def digits_gain(self, mixer: Node) -> float:
        """Return the factor at which a mixer's digits ought to arrive: its own, and those of the mixers after it."""
        after = self.chain[self.chain.index(mixer) + 1 :]
        return float(mixer.settings["mix_gain_dtmf"]) * math.prod(_gains(after))

    @cached_property
    def level(self) -> Level:
        """How loud the recording is, and where it is not."""
        from harness.sound import measure

        return measure(self.samples)

    @cached_property
    def hearing(self) -> Hearing | None:
        """The recording against the source's file; None where no source of the plan is heard here."""
        return None if self.sent is None else self._against(self.sent)

    def against(self, played: Path) -> Hearing:
        """Compare the recording with a file."""
        from harness.sound import decode

        return self._against(decode(played))

    def _against(self, sent: Samples) -> Hearing:
        from harness.sound import compare

        return compare(sent, self.samples, gain=self.gains, digits=self.digits)


def _gains(chain: Sequence[Node]) -> list[float]:
    return [float(node.settings["mix_gain_in"]) for node in chain if node.role == MIXER]
