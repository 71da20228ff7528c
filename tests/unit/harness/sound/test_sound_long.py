"""Recordings of minutes: what their first one tells of the rest saves time, and changes nothing."""

from __future__ import annotations

import functools

import numpy as np
import pytest

from harness.sound import Hearing, compare, hearing
from oracle import g711, simulate
from oracle.g711 import RATE

LEAD = 4321
MINUTES_S = 150


@functools.cache
def file():
    """What the source plays."""
    return simulate.voice(MINUTES_S, 5)


def clean():
    """All of it."""
    return file()


def beginning_lost():
    """The recording begins in the third minute of the file, which is far behind its beginning."""
    return np.concatenate([file()[130 * RATE :], file()])


def jump():
    """200 ms are lost in the second minute."""
    return np.delete(file(), np.s_[90 * RATE : 90 * RATE + RATE // 5])


def late_start():
    """Nothing at all in the first minute and more."""
    return np.concatenate([np.zeros(70 * RATE, np.int16), file()])


def something_else_first():
    """A minute of what nobody plays."""
    return np.concatenate([simulate.voice(65, 6), file()])


@functools.cache
def both(sound) -> tuple[Hearing, Hearing]:
    """Compare with and without what the first minute tells."""
    heard = simulate.in_silence(g711.through(sound()), LEAD, 3000)
    quick = compare(file(), heard)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(hearing, "MINUTE", len(heard))
        return quick, compare(file(), heard)


@pytest.mark.parametrize("sound", [clean, beginning_lost, jump, late_start, something_else_first])
def test_the_same_is_found(sound):
    """Where the file lies, and what is amiss; in all that is measured beside to a thousandth."""
    quick, slow = both(sound)
    assert quick.delay_s == slow.delay_s
    assert quick.gaps == slow.gaps
    assert quick.segments == slow.segments
    for name in ("heard_s", "missing_start_s", "missing_end_s", "level_db", "snr_db", "drift_ppm", "code_equal"):
        assert getattr(quick, name) == pytest.approx(getattr(slow, name), abs=1e-3), name


def test_what_is_there_is_found():
    """Both might be wrong."""
    assert both(clean)[0].delay_s == LEAD / RATE
    assert both(clean)[0].gaps == ()
    [gap] = both(jump)[0].gaps
    assert (gap.at_s, gap.length_s) == (pytest.approx(90 + LEAD / RATE, abs=0.02), pytest.approx(0.2, abs=0.01))
    assert both(something_else_first)[0].start_s == pytest.approx(65 + LEAD / RATE, abs=0.2)
    assert both(something_else_first)[0].heard_s == pytest.approx(MINUTES_S, abs=0.5)
    assert both(late_start)[0].start_s == pytest.approx(70 + LEAD / RATE, abs=0.1)
