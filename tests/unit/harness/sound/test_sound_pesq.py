"""PESQ: scores where it can be had, and a reason where it cannot; whatever its process does, ours goes on."""

import importlib.util
import math
import sys

import numpy as np
import pytest

from b2b import child
from calls.places import SAMPLE
from harness.sound import Segment, compare, decode
from harness.sound.pesq import score
from oracle import g711, simulate
from oracle.g711 import RATE

installed = pytest.mark.skipif(importlib.util.find_spec("pesq") is None, reason="pesq is not installed")


@pytest.fixture(scope="module")
def speech():
    """Somebody speaking."""
    return decode(SAMPLE)[: 20 * RATE]


def scored(file, heard, **arguments):
    """Score a recording as it is scored in a run."""
    return score(file, heard, compare(file, heard).segments, **arguments)


@installed
def test_a_clean_call_scores_as_mu_law_does(speech):
    """4.0 and more, also with digits in it, which are silenced."""
    heard = simulate.in_silence(g711.through(speech), 4321, 2000)
    assert scored(speech, heard).worst > 3.8
    tone = simulate.digit("5", 200, 0.5)
    with_digit = heard.astype(np.float64)
    with_digit[9 * RATE : 9 * RATE + len(tone)] += tone
    sound = g711.through(g711.saturate(with_digit))
    assert score(speech, sound, compare(speech, heard).segments, digits=[(9.0, 9.2)]).worst > 3.7
    assert scored(speech, sound).worst < 3.7


@installed
def test_the_worst_window_is_told(speech):
    """Noise from 12 s to 18 s: a bad window beside good ones."""
    noise = np.zeros(len(speech))
    noise[12 * RATE : 18 * RATE] = np.random.default_rng(1).normal(0, 300, 6 * RATE)
    found = scored(speech, g711.through(g711.saturate(speech + noise)))
    assert found.worst < 3.0
    assert found.at_s == 10


@installed
def test_minutes_do_not_crash_it(speech):
    """Three of them in one piece would."""
    minutes = np.concatenate([decode(SAMPLE)] * 3)[: 200 * RATE]
    assert score(minutes, g711.through(minutes), [Segment("file", 0, 200, 0, 200)]).worst > 3


@installed
@pytest.mark.parametrize(("sound", "reason"), [
    (np.rint(3000 * np.sin(np.arange(20 * RATE) * 2 * np.pi * 440 / RATE)), "no speech was played"),
    (np.zeros(20 * RATE), "no speech was played"),
])  # fmt: skip
def test_what_is_no_speech_has_no_score(sound, reason):
    """For a clean tone it would be 2.3."""
    found = score(sound.astype(np.int16), sound.astype(np.int16), compare(sound, sound).segments)
    assert math.isnan(found.worst)
    assert reason in found.reason


@pytest.mark.parametrize(("program", "reason"), [
    ("import os; os.abort()", "pesq: killed by SIGABRT"),
    ("import time; time.sleep(60)", "pesq took longer than 0.5 s"),
    ("raise SystemExit('oh')", "pesq: exit code 1 oh"),
])  # fmt: skip
def test_a_process_that_fails_costs_only_the_score(speech, monkeypatch, program, reason):
    """It is known to crash."""
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: object())
    monkeypatch.setattr(child, "python_command", lambda module: [sys.executable, "-c", program])
    monkeypatch.setattr("harness.sound.pesq.PATIENCE_S", 0.5 if "sleep" in program else 60)
    found = scored(speech, g711.through(speech))
    assert math.isnan(found.worst)
    assert found.reason == reason


def test_what_is_not_installed_is_said(speech, monkeypatch):
    """With the command that installs it."""
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    assert "pip install 'b2b[pesq]'" in scored(speech, speech).reason
