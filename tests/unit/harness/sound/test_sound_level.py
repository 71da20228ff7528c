"""How loud a recording is, where it is dead, and whether there is anything in it."""

import numpy as np
import pytest

from harness.sound import measure
from oracle import simulate
from oracle.g711 import RATE


def sine(amplitude, seconds=2.0):
    """Return 1 kHz."""
    return np.rint(amplitude * np.sin(2 * np.pi * 1000 / RATE * np.arange(round(seconds * RATE)))).astype(np.int16)


def test_levels_of_a_sine():
    """Its power is 3 dB below its peak's."""
    level = measure(sine(16384))
    assert level.rms_dbov == pytest.approx(-9.03, abs=0.01)
    assert level.peak_dbov == pytest.approx(-6.02, abs=0.01)
    assert level.active_dbov == pytest.approx(-9.03, abs=0.2)
    assert level.activity > 0.95
    assert (level.dead_air, level.silent, level.clipped) == ((), False, 0)


def test_pauses_do_not_count_in_the_active_level():
    """Half of it silent: 3 dB less power, the same voice."""
    talking = simulate.voice(10, 1)
    with_pauses = np.concatenate((talking, np.zeros(10 * RATE, np.int16)))
    assert measure(with_pauses).rms_dbov == pytest.approx(measure(talking).rms_dbov - 3.01, abs=0.05)
    assert measure(with_pauses).active_dbov == pytest.approx(measure(talking).active_dbov, abs=0.2)


def test_dead_air_is_told_from_half_a_second_on():
    """Also where a constant stands in for silence."""
    tone = sine(3000, 1.0)
    sound = np.concatenate((tone, np.zeros(3200, np.int16), tone, np.full(8000, 40, np.int16), tone))
    [(at_s, length_s)] = measure(sound).dead_air
    assert [at_s, length_s] == pytest.approx([2.4, 1.0], abs=0.02)


def test_clipping_and_dc_are_measured():
    """At mu-law's rail, and beside zero."""
    assert measure(np.clip(sine(16000).astype(int) * 3, -32124, 32124).astype(np.int16)).clipped > 3000
    assert measure(sine(3000) + np.int16(50)).dc == pytest.approx(50, abs=0.1)


@pytest.mark.parametrize("heard", [np.zeros(0), np.zeros(50), np.zeros(20 * RATE), np.full(9000, 8)])
def test_nothing_is_silent(heard):
    """A sink that recorded nothing, or nothing but its own floor."""
    level = measure(heard.astype(np.int16))
    assert level.silent
    assert level.active_dbov < -60
