"""The streaming form: whatever the pieces, the same digits."""

from __future__ import annotations

import functools
from pathlib import Path

import numpy as np
import pytest

from b2b.audio.tones import FREQUENCIES, amplitude
from harness.dtmf import StreamingDetector, detect
from harness.sound import decode

RATE = 8000
SAMPLE = Path(__file__).parents[4] / "fixtures" / "sample.mp3"
KEYS = "123A456B789C*0#D"


@functools.cache
def call(seconds: int) -> np.ndarray:
    """Return speech with digits in it: at once, far apart, at the very beginning and end, and one of a second."""
    sound = decode(SAMPLE)[: seconds * RATE].astype(np.float64) / 2
    rng = np.random.default_rng(5)
    starts_s = [0.0, *np.sort(rng.uniform(0.2, seconds - 2, seconds // 2)), seconds - 0.1]
    for number, start_s in enumerate(starts_s):
        length = 1.0 if number == 3 else 0.08
        times = np.arange(round(length * RATE)) / RATE
        first = round(start_s * RATE)
        tones = sum(amplitude(-9.0) * np.sin(2 * np.pi * hertz * times) for hertz in FREQUENCIES[KEYS[number % 16]])
        sound[first : first + len(times)] += tones[: len(sound) - first]
    return np.clip(sound, -32768, 32767).astype(np.int16)


def streamed(sound: np.ndarray, lengths) -> list:
    """Return the digits of a sound that comes in pieces of these lengths, over and over."""
    detector, found, at = StreamingDetector(), [], 0
    while at < len(sound):
        length = next(lengths)
        found += detector.feed(sound[at : at + length])
        at += length
    return found + detector.close()


def same(digits) -> list:
    """Return what must be the same: the key, and its times to the tenth of a millisecond."""
    return [(digit.digit, round(digit.start_s, 4), round(digit.end_s, 4)) for digit in digits]


@pytest.mark.parametrize("seed", range(6))
def test_pieces_of_any_length_give_the_same_digits(seed):
    """Packets, seconds, and everything between."""
    rng = np.random.default_rng(seed)
    largest = (160, 400, 8000, 30000, 3, 100000)[seed]
    sound = call(12 if largest == 3 else 40)
    lengths = iter(lambda: int(rng.integers(1, largest + 1)), None)
    assert same(streamed(sound, lengths)) == same(detect(sound))


def test_digits_are_told_soon():
    """Not at the end of an hour; three seconds later at the latest."""
    detector = StreamingDetector()
    sound = call(40)
    for at in range(0, len(sound), 160):
        for digit in detector.feed(sound[at : at + 160]):
            assert (at + 160) / RATE - digit.end_s < 3


def test_memory_does_not_grow_with_the_sound():
    """A minute of speech after another is forgotten."""
    detector = StreamingDetector()
    for _ in range(20):
        detector.feed(call(40))
    assert len(detector._kept) < 10 * RATE


def test_nothing_and_little():
    """Are no digits."""
    assert StreamingDetector().close() == []
    detector = StreamingDetector()
    assert detector.feed(np.zeros(7, np.int16)) == []
    assert detector.close() == []


@pytest.mark.parametrize("samples", [np.zeros(8), np.zeros((8, 2), np.int16), [0.5, 0.5]])
def test_other_samples_are_refused(samples):
    """With what was wanted."""
    with pytest.raises(ValueError, match="wanted 16-bit samples of one channel, came"):
        StreamingDetector().feed(samples)
