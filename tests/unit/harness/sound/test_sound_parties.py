"""Conferences taken apart: each party's level, who is missing, who hears itself, and what is nobody's."""

from __future__ import annotations

import numpy as np
import pytest

from calls.places import SAMPLE
from harness.sound import RATE, decode
from harness.sound.g711 import through
from harness.sound.parties import take_apart


@pytest.fixture(scope="module")
def voices():
    """Return three parties: three stretches of speech."""
    speech = decode(SAMPLE)
    return {name: speech[at * RATE : (at + 15) * RATE] for name, at in (("a", 0), ("b", 20), ("c", 40))}


def mixed(voices, *, seconds=6, **levels_db):
    """Return what somebody hears of the others, each later than the one before, through G.711."""
    sound = np.zeros(seconds * RATE)
    for number, (name, level_db) in enumerate(levels_db.items()):
        start = 1000 + 3000 * number
        sound[start:] += 10 ** (level_db / 20) * voices[name][: len(sound) - start].astype(float)
    return through(np.clip(np.rint(sound), -32768, 32767).astype(np.int16))


def test_two_parties(voices):
    """At their levels and times, and nothing else is there; the third party is not."""
    mix = take_apart(mixed(voices, b=0, c=-3), voices, present=frozenset("bc"))
    assert mix.party("b").level_db == pytest.approx(0, abs=0.2)
    assert mix.party("c").level_db == pytest.approx(-3, abs=0.2)
    assert mix.party("c").delay_s == pytest.approx(0.5, abs=0.001)
    assert mix.party("a").level_db < -25
    assert mix.rest_db < -25


def test_one_who_is_not_heard(voices):
    """Is told apart from one who is."""
    mix = take_apart(mixed(voices, b=0), voices, present=frozenset("bc"))
    assert mix.party("c").level_db < -25
    assert mix.party("b").level_db == pytest.approx(0, abs=0.2)


def test_one_who_hears_itself(voices):
    """At a tenth of its level, under two others."""
    mix = take_apart(mixed(voices, b=0, c=0, a=-15), voices, present=frozenset("bc"))
    assert mix.party("a").level_db == pytest.approx(-15, abs=1.5)
    assert mix.rest_db > -20


def test_somebody_else(voices):
    """What nobody of the conference says is what is left."""
    sound = mixed(voices, b=0, c=0).astype(float)
    sound += 1200 * np.sin(2 * np.pi * 440 * np.arange(len(sound)) / RATE)
    mix = take_apart(np.rint(sound).astype(np.int16), voices, present=frozenset("bc"))
    assert mix.rest_db > -12


def test_a_slip_of_a_jitter_buffer(voices):
    """Twenty milliseconds that are missing in the middle change nothing of who is heard."""
    sound = mixed(voices, b=0, c=0, seconds=8)
    slipped = np.delete(sound, np.s_[30000:30160])
    mix = take_apart(slipped, voices, present=frozenset("bc"))
    assert mix.party("b").level_db == pytest.approx(0, abs=1)
    assert mix.rest_db < -12


def test_one_who_began_before(voices):
    """The recording begins in the middle of what it says."""
    mix = take_apart(voices["b"][16000:64000], voices, present=frozenset("b"))
    assert mix.party("b").delay_s == pytest.approx(-2, abs=0.001)
    assert mix.party("b").level_db == pytest.approx(0, abs=0.1)


@pytest.mark.parametrize("length", [0, 100, 8000])
def test_silence(voices, length):
    """Nobody is heard in it, and it is no error."""
    mix = take_apart(np.zeros(length, np.int16), voices, present=frozenset("b"))
    assert max(party.level_db for party in mix.parties) < -60
