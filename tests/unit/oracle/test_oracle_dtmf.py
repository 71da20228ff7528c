"""What makes digits and what hears them are proved against each other."""

import numpy as np
import pytest

from oracle import dtmf, simulate
from oracle.g711 import RATE


@pytest.mark.parametrize("key", dtmf.KEYS)
def test_every_digit_survives_the_round_trip(key):
    """What digit() says, hear_digits() hears: key, place, length and level."""
    sound = np.concatenate((np.zeros(1003), simulate.digit(key, 70, 0.5), np.zeros(900)))
    [(digit, _)] = dtmf.hear_digits(sound, dtmf.tone_amplitude(0.5))
    assert digit.key == key
    assert digit.start_s * RATE == pytest.approx(1003, abs=12)  # a ramp of 2 ms counts from its middle
    assert digit.length_s == pytest.approx(0.070, abs=0.003)
    assert [digit.low_db, digit.high_db] == pytest.approx([0, 0], abs=0.02)


def test_a_tone_before_its_gain_has_minus_9_dbm0():
    """0 dBm0 is 3.17 dB below a full µ-law sine."""
    assert dtmf.tone_amplitude(1.0) == pytest.approx(8039, abs=1)


def test_repeated_digits_are_counted():
    """A pause of 40 ms parts two digits that are the same."""
    sound = simulate.digits(RATE, "5555", 40, 40, 5000, 0.5)
    assert "".join(digit.key for digit, _ in dtmf.hear_digits(sound, dtmf.tone_amplitude(0.5))) == "5555"


def test_a_digit_that_is_taken_away_leaves_nothing():
    """The tones that are returned are the ones that were there."""
    sound = simulate.digit("8", 100, 0.5, ramp_ms=0.01)
    [(digit, tones)] = dtmf.hear_digits(np.pad(sound, 500), dtmf.tone_amplitude(0.5))
    start = round(digit.start_s * RATE) - 500
    left = sound[start : start + len(tones)] - tones[: len(sound) - start]
    assert np.abs(left[8:-8]).max() < 1e-3 * np.abs(sound).max()


@pytest.mark.parametrize("sound", [np.zeros(0), np.zeros(100), np.zeros(5000), np.full(5000, 9000.0)])
def test_no_digit_in_what_is_none(sound):
    """Nothing, silence and a constant are no digits and no accident."""
    assert dtmf.hear_digits(sound, dtmf.tone_amplitude(0.5)) == []


def test_a_voice_is_no_digit():
    """Even where it is as loud as digits are."""
    assert dtmf.hear_digits(simulate.voice(20, seed=3), dtmf.tone_amplitude(0.5)) == []
