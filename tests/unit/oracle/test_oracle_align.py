"""Where a recording lies in the file is found to the sample."""

import numpy as np
import pytest

from oracle import g711, lags, simulate
from oracle.audio import align
from oracle.g711 import RATE

VOICE = simulate.voice(30, seed=7)


@pytest.mark.parametrize("silence", [0, 1, 4321, 5 * RATE])
@pytest.mark.parametrize("skipped", [0, 7777])
@pytest.mark.parametrize("gain", [1.0, 0.5])
@pytest.mark.parametrize("keys", ["", "159D"])
def test_the_offset_is_found_to_the_sample(silence, skipped, gain, keys):
    """Silence before, the file's start missing, half the level, digits on top: each and together."""
    sound = VOICE[skipped:]
    tones = simulate.digits(len(sound), keys, 100, 60, 1000, 0.5)
    assert align(VOICE, simulate.in_silence(simulate.mix(sound, gain, tones), silence, 999)) == silence - skipped


@pytest.mark.parametrize("seconds", [1, 3])
@pytest.mark.parametrize("begin", [0.0, 11.1, 26.9])
def test_a_short_stretch_is_found(seconds, begin):
    """A second of it is enough."""
    start = round(begin * RATE)
    assert align(VOICE, g711.through(VOICE[start : start + seconds * RATE])) == -start


def test_silence_has_no_place():
    """And is no accident either."""
    assert align(VOICE, np.zeros(8000, np.int16)) == 0


def test_slips_are_followed_to_their_place():
    """Three slips, each dated within a few milliseconds, add up as they should."""
    heard = simulate.dropped(g711.through(VOICE), 5 * RATE)
    heard = simulate.doubled(heard, 12 * RATE, length=80)
    heard = simulate.dropped(heard, 20 * RATE, length=1)
    track = lags.follow(VOICE, heard, np.ones(len(heard)), 1.0)
    assert [step.samples for step in track.steps] == [-160, 80, -1]
    assert [step.time_s for step in track.steps] == pytest.approx([5, 12, 20], abs=0.1)
