"""Both stages together: a recording in, its digits out."""

from __future__ import annotations

from math import gcd

import numpy as np

from harness.dtmf.digit import KEYS, RATE, Digit, Numbers
from harness.dtmf.envelope import AROUND, PARTS_MS
from harness.dtmf.measure import Measured, measure
from harness.dtmf.search import HOP, candidates, room, taken

FULL_SCALE = 32768.0
OVERDRIVEN = 8.0  # floats that are no larger are within ±1, but for some that ought to have been clipped
OVERLAP_S = 0.01  # of two digits, which edges that are not exact may have


def detect(samples: Numbers, sample_rate: int = RATE) -> list[Digit]:
    """Return every digit of a recording, in order.

    Samples are on the 16-bit scale, or floats within ±1; several channels, as columns, are averaged. Other rates than
    8 kHz are resampled. Raises ValueError for what is no array of samples, and for a rate that is none.
    """
    samples = np.asarray(samples)
    if not samples.ndim or samples.dtype.kind in "SUV":
        raise ValueError(f"wanted an array of samples, came {samples.dtype} of shape {samples.shape}")
    if not (isinstance(sample_rate, (int, float, np.number)) and sample_rate >= 1):
        raise ValueError(f"wanted a sample rate in Hz, came {sample_rate!r}")
    sound = _at_8_khz(samples, int(sample_rate))
    count = len(sound)
    padded = np.zeros(AROUND + max(room(count), count + AROUND + HOP), sound.dtype)
    padded[AROUND : AROUND + count] = sound
    return _in_order(measure(padded, candidates(padded[AROUND:], count)), count / RATE)


def _at_8_khz(samples: Numbers, rate: int) -> Numbers:
    """Return one channel on the 16-bit scale."""
    within_one = np.issubdtype(samples.dtype, np.floating)
    if samples.ndim > 1:
        samples = samples.mean(axis=1)
    if samples.dtype == np.int16 and rate == RATE:
        return np.asarray(samples)
    sound: Numbers = np.clip(np.nan_to_num(samples), -FULL_SCALE**2, FULL_SCALE**2).astype(np.float32)
    if within_one and len(sound) and np.abs(sound).max() <= OVERDRIVEN:
        sound *= FULL_SCALE
    if rate == RATE or not len(sound):
        return np.asarray(sound)
    from scipy.signal import resample_poly  # type: ignore[import-untyped]  # takes most of a second

    common = gcd(RATE, rate)
    return np.asarray(resample_poly(sound, RATE // common, rate // common), np.float32)


def _in_order(found: Measured, end_s: float) -> list[Digit]:
    """Return the digits one after another; those that cannot both be are settled."""
    order = np.argsort(found.start_s, kind="stable")
    found = taken(found, order)
    found = found._replace(end_s=np.minimum(found.end_s, end_s))
    keys = [KEYS[key] for key in found.key.tolist()]
    digits = list(map(Digit, keys, *(column.tolist() for column in found[1:])))
    gap = found.start_s[1:] - np.maximum.accumulate(found.end_s)[:-1]
    doubtful = gap < np.where(found.key[1:] == found.key[:-1], PARTS_MS / 1000, -OVERLAP_S)
    settled, done = list[Digit](), 0
    for first in np.flatnonzero(doubtful).tolist():
        if first < done:
            continue
        after = first + 1
        while after <= len(doubtful) and doubtful[after - 1]:
            after += 1
        settled += digits[done:first]
        settled += _settled(digits[first:after])
        done = after
    return settled + digits[done:]


def _settled(found: list[Digit]) -> list[Digit]:
    """Join the parts of one digit; where two different ones overlap keep the likelier."""
    settled: list[Digit] = []
    for digit in found:
        last = settled[-1] if settled else None
        if last and last.digit == digit.digit and digit.start_s - last.end_s < PARTS_MS / 1000:
            end_s = max(last.end_s, digit.end_s)
            settled[-1] = last._replace(end_s=end_s, confidence=max(last.confidence, digit.confidence))
        elif last and last.end_s - digit.start_s > OVERLAP_S:
            settled[-1] = max(last, digit, key=lambda either: either.confidence)
        else:
            settled.append(digit)
    return settled
