"""Both stages together: a recording in, its digits out."""

from __future__ import annotations

from dataclasses import replace
from math import gcd

import numpy as np

from harness.dtmf.digit import RATE, Digit, Numbers
from harness.dtmf.envelope import AROUND, PARTS_MS
from harness.dtmf.measure import measure
from harness.dtmf.search import HOP, candidates, room


def detect(samples: Numbers, sample_rate: int = RATE) -> list[Digit]:
    """Return every digit of a recording, in order.

    Samples are on the 16-bit scale, or floats within ±1; several channels, as columns, are averaged.
    """
    sound = _at_8_khz(np.asarray(samples), sample_rate)
    count = len(sound)
    padded = np.zeros(AROUND + max(room(count), count + AROUND + HOP), np.float32)
    padded[AROUND : AROUND + count] = sound
    return _settled(measure(padded, candidates(padded[AROUND:], count), count / RATE))


def _at_8_khz(samples: Numbers, rate: int) -> Numbers:
    """Return one channel on the 16-bit scale."""
    if samples.ndim > 1:
        samples = samples.mean(axis=1)
    if samples.dtype == np.int16 and rate == RATE:
        return samples
    sound = samples.astype(np.float32)
    if np.issubdtype(samples.dtype, np.floating) and len(sound) and np.abs(sound).max() <= 1:
        sound *= 32768
    if rate == RATE or not len(sound):
        return sound
    from scipy.signal import resample_poly  # type: ignore[import-untyped]  # takes most of a second

    common = gcd(RATE, rate)
    return np.asarray(resample_poly(sound, RATE // common, rate // common), np.float32)


def _settled(found: list[Digit]) -> list[Digit]:
    """Join the parts of one digit; where two different ones overlap keep the likelier."""
    settled: list[Digit] = []
    for digit in sorted(found, key=lambda digit: digit.start_s):
        last = settled[-1] if settled else None
        if last and last.digit == digit.digit and digit.start_s - last.end_s < PARTS_MS / 1000:
            end_s = max(last.end_s, digit.end_s)
            settled[-1] = replace(last, end_s=end_s, confidence=max(last.confidence, digit.confidence))
        elif last and last.end_s - digit.start_s > 0.01:
            settled[-1] = max(last, digit, key=lambda either: either.confidence)
        else:
            settled.append(digit)
    return settled
