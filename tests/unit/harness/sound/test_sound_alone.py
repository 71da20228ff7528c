"""What is said of a recording by itself: each check goes red by one fault."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.signal import lfilter

from calls.places import SAMPLE
from harness.dtmf import detect
from harness.expect import SinkExpectation
from harness.judging.alone import check_alone
from harness.sound import decode, measure
from harness.sound.active import active_level
from harness.verdict import Outcome
from oracle import g711, simulate
from oracle.g711 import RATE

WANTED = SinkExpectation()
VOICE = g711.through(simulate.voice(20, 1)).astype(np.float64)
LOUD = np.sqrt(np.convolve(VOICE**2, np.ones(40) / 40, "same")) > 2000  # where a cut is one, not a pause


def failures(sound, wanted=WANTED):
    """Return the checks that did not pass, by name."""
    recording = g711.saturate(sound)
    digits = [(digit.start_s, digit.end_s) for digit in detect(recording, RATE)]
    checks = check_alone("sink", "sink.wav", measure(recording, digits=digits), wanted)
    return {check.name: check for check in checks if check.outcome is not Outcome.PASS}


def place(length):
    """Return where somebody speaks, and does so again after that many samples."""
    return RATE + int(np.flatnonzero(LOUD[RATE:-length] & LOUD[RATE + length :])[0])


def hole(sound, at, length):
    """Let nothing be there."""
    changed = sound.copy()
    changed[at : at + length] = 0
    return changed


def test_a_voice_passes():
    """With digits in it too, which begin and end as suddenly as a lost packet does."""
    assert failures(VOICE) == {}
    assert failures(g711.through(decode(SAMPLE))) == {}
    assert failures(simulate.digits(20 * RATE, "123#", 80, 80, 2000, 0.5)) == {}


def test_silence_is_heard_as_nothing():
    """And nothing more is said of it."""
    assert set(failures(np.zeros(9000))) == {"heard"}


@pytest.mark.parametrize("ms", [60, 100, 400])
def test_a_hole_is_a_gap(ms):
    """With its place and length."""
    at = place(8 * ms)
    [(name, check)] = failures(hole(VOICE, at, 8 * ms)).items()
    assert (name, check.got) == ("heard gap", f"{ms} ms of sudden silence")
    assert check.at_s == pytest.approx(at / RATE, abs=0.001)


def test_a_long_one_is_dead_air():
    """Beyond what a pause may be; before the first sound and after the last there may be any amount."""
    at = place(3 * RATE)
    [(name, check)] = failures(hole(VOICE, at, 3 * RATE)).items()
    assert (name, check.got) == ("dead air", "3.0 s")
    assert check.at_s == pytest.approx(at / RATE, abs=0.02)
    assert failures(simulate.in_silence(VOICE.astype(np.int16), 5 * RATE, 5 * RATE)) == {}


@pytest.mark.parametrize(("db", "limit"), [(-40, SinkExpectation()), (10, SinkExpectation(max_clipped=99_999))])
def test_a_level_that_nobody_wants_to_hear(db, limit):
    """Too faint, too loud."""
    assert set(failures(VOICE * 10 ** (db / 20), SinkExpectation(
        max_clipped=limit.max_clipped, max_active_dbov=-13))) == {"level"}  # fmt: skip


@pytest.mark.parametrize("rail", [32124, 20000])
def test_flattened_peaks_are_clipping(rail):
    """At G.711's rails, and below them."""
    sound = np.clip(VOICE * 8, -rail, rail)
    [(name, check)] = failures(sound, SinkExpectation(max_active_dbov=0)).items()
    assert name == "clipped"
    assert check.at_s == pytest.approx(int((np.abs(sound) >= rail).argmax()) / RATE, abs=0.2)


def test_a_constant_is_told():
    """In steps."""
    [(name, check)] = failures(VOICE + 100).items()
    assert name == "dc"
    assert float(check.got.split()[0]) == pytest.approx(100, abs=3)


def test_idle_noise_is_measured():
    """In the pauses."""
    sound = np.concatenate((VOICE, np.zeros(5 * RATE))) + np.random.default_rng(1).normal(0, 104, 25 * RATE)
    assert measure(g711.saturate(sound)).idle_dbov == pytest.approx(-50, abs=1.5)


@pytest.mark.parametrize("seconds", [5, 60, 73])
def test_the_active_level_is_that_of_p56(seconds):
    """Against the recommendation's own procedure, sample by sample."""
    sound = decode(SAMPLE)[: seconds * RATE].astype(np.float64)
    keep = np.exp(-1 / (RATE * 0.03))
    envelope = np.abs(sound) / 32768
    for _ in range(2):
        envelope = lfilter([1 - keep], [1, -keep], envelope)
    over, place = [], np.arange(len(sound))
    for threshold in 2.0 ** np.arange(-15, 0):
        last = np.maximum.accumulate(np.where(envelope >= threshold, place, -(10**9)))
        active = max(1, int((place - last <= RATE // 5).sum()))
        level = 10 * np.log10(float(((sound / 32768) ** 2).sum()) / active)
        over.append((level, level - 20 * np.log10(threshold)))
    upper = next(i for i, (_, margin) in enumerate(over) if margin <= 15.9)
    (below, wide), (above, narrow) = over[upper - 1], over[upper]
    wanted = below + (wide - 15.9) / (wide - narrow) * (above - below)
    assert active_level(sound)[0] == pytest.approx(wanted, abs=0.01)
