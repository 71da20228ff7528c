"""The check of a mixer's digits: as loud as the plan's gains make them."""

from __future__ import annotations

import math
import statistics
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from b2b.audio.tones import DIGIT_DBM0
from harness.expect import SinkExpectation
from harness.judging.outcome import outcome_of
from harness.listener import Listener
from harness.verdict import Check

if TYPE_CHECKING:
    from harness.sound import DigitLevel


def check_digit_levels(listener: Listener, wanted: SinkExpectation) -> Iterator[Check]:
    """Yield a check for each mixer whose digits can be told from the others': by a key that none but it sends."""
    digits = listener.hearing.digits if listener.hearing else ()
    for mixer in listener.mixers:
        others = "".join(other.settings["dtmf_seq"] for other in listener.mixers if other is not mixer)
        own = [digit for digit in digits if digit.digit in mixer.settings["dtmf_seq"] and digit.digit not in others]
        gain = listener.digits_gain(mixer)
        if own and gain:
            name = "digit level" if len(listener.mixers) == 1 else f"digit level of {mixer.name}"
            yield _check(listener, name, own, 20 * math.log10(gain), wanted)


def _check(
    listener: Listener, name: str, digits: Sequence[DigitLevel], gain_db: float, wanted: SinkExpectation
) -> Check:
    """Compare the middle one of the digits' levels with what was to be."""
    error_db = statistics.median(digit.db for digit in digits) - gain_db
    return Check(
        name=name,
        where=listener.node.name,
        outcome=outcome_of(abs(error_db) <= wanted.max_digit_error_db),
        wanted=f"{DIGIT_DBM0 + gain_db:.1f} dBm0 a tone within {wanted.max_digit_error_db:g} dB",
        got=f"{DIGIT_DBM0 + gain_db + error_db:.1f} dBm0 ({error_db:+.2f} dB)",
        file=listener.wav.name,
    )
