"""In-band DTMF: the tone pairs of Q.23, and the sequence that a mixer repeats."""

from __future__ import annotations

import math
from array import array
from functools import cache

from b2b.audio import pcm

ROWS = (697.0, 770.0, 852.0, 941.0)  # Hz, Q.23
COLUMNS = (1209.0, 1336.0, 1477.0, 1633.0)
KEYPAD = ("123A", "456B", "789C", "*0#D")
FREQUENCIES = {key: (ROWS[r], COLUMNS[c]) for r, row in enumerate(KEYPAD) for c, key in enumerate(row)}

DIGIT_DBM0 = -9.0  # level of each of the two tones, before any gain
OVERLOAD_DBM0 = 3.17  # a sine that just fills mu-law's range, G.711
OVERLOAD_PEAK = 4 * 8159  # the end of that range: G.711's virtual decision value, on the 16-bit scale


def amplitude(dbm0: float) -> float:
    """Return the peak, in 16-bit steps, of a sine of that level on a mu-law path."""
    return OVERLOAD_PEAK * 10 ** ((dbm0 - OVERLOAD_DBM0) / 20)


@cache
def tone(digit: str, milliseconds: int) -> array[float]:
    """Return a digit's two tones at -9 dBm0 each, as samples on the 16-bit scale.

    Raises KeyError for what is no DTMF digit.
    """
    low, high = (2 * math.pi * frequency / pcm.RATE for frequency in FREQUENCIES[digit])
    peak = amplitude(DIGIT_DBM0)
    return array("d", (peak * (math.sin(low * n) + math.sin(high * n)) for n in range(pcm.samples_in(milliseconds))))


class Sequence:
    """Digits that start again every period, cut into frames as the call needs them."""

    def __init__(self, digits: str, *, tone_ms: int, pause_ms: int, period_ms: int) -> None:
        self._period = pcm.samples_in(period_ms)
        self._samples = array("d")
        for digit in digits:
            self._samples.extend(tone(digit, tone_ms))
            self._samples.extend(array("d", bytes(8 * pcm.samples_in(pause_ms))))

    def frame(self, start: int, samples: int) -> array[float]:
        """Return the samples from `start` on, counted from the call's answer; the first period is silent."""
        frame = array("d", bytes(8 * samples))
        at = start
        while at < start + samples:
            place = at % self._period
            left = min(start + samples - at, self._period - place)
            if at >= self._period:
                part = self._samples[place : place + left]
                frame[at - start : at - start + len(part)] = part
            at += left
        return frame
