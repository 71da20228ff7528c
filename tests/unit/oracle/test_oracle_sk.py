"""The oracle for source to sink passes what is right and goes red for each thing that can be wrong."""

import functools

import numpy as np
import pytest

from oracle import g711, simulate
from oracle.audio import judge_sk
from oracle.g711 import RATE

LEAD = 4321
FAULTS = [simulate.dropped, simulate.doubled, simulate.repeated, simulate.muted]


@functools.cache
def file_of(seconds, seed):
    """What the source plays."""
    return simulate.voice(seconds, seed)


def call(sound, codec=g711.through):
    """What the sink records: one leg, a while of silence on both sides."""
    return simulate.in_silence(codec(sound), LEAD, 3000)


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("codec", [g711.through, simulate.encode_like_itu])
def test_a_clean_call_passes(seed, codec):
    """60 s of a file of 70, with whichever encoder."""
    result = judge_sk(file_of(70, seed), call(file_of(70, seed)[: 60 * RATE], codec))
    assert result.ok, result
    assert result.offset == LEAD
    assert result.share == 1.0
    assert result.compared_s == pytest.approx(60, abs=0.05)
    assert result.missing_start_s < 0.01
    assert result.missing_end_s == pytest.approx(10, abs=0.1)


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: fault.__name__)
def test_one_frame_of_3000_is_enough(seed, fault):
    """20 ms of 60 s, anywhere in active speech, off the frame's grid too."""
    sound = file_of(70, seed)[: 60 * RATE]
    for place in simulate.loud_places(sound, 2, seed):
        result = judge_sk(file_of(70, seed), fault(call(sound), LEAD + place + 37))
        assert not result.ok
        near = [time_s for time_s, _ in result.broken + result.steps]
        assert near == pytest.approx([(LEAD + place + 37) / RATE] * len(near), abs=0.1)


@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: fault.__name__)
@pytest.mark.parametrize("seconds", [0.1, 0.3, 19.7, 19.9])
def test_the_ends_are_judged_like_the_middle(fault, seconds):
    """A fault in the first or last tenth of a second is found too."""
    sound = file_of(20, 11).copy()
    for part in (slice(0, RATE // 2), slice(-RATE // 2, None)):  # no pause there: nobody hears a fault in one
        sound[part] = simulate.vowel(0.5, seed=1 + abs(part.start))
    assert not judge_sk(sound, fault(call(sound), LEAD + round(seconds * RATE))).ok


@pytest.mark.parametrize("gain_db", [-1.0, -0.3, 0.3, 1.0])
def test_a_wrong_level_is_red(gain_db):
    """The whole recording is a little too loud or too faint."""
    result = judge_sk(file_of(70, 1), simulate.amplified(call(file_of(70, 1)[: 60 * RATE]), gain_db))
    assert not result.ok
    assert result.gain_db == pytest.approx(gain_db, abs=0.05)


def test_a_single_sample_too_many_is_a_step():
    """A slip is red however short."""
    result = judge_sk(file_of(20, 2), np.insert(call(file_of(20, 2)), LEAD + 9 * RATE, 0))
    assert [step.samples for step in result.steps] == [1]
    assert not result.ok


def test_clipping_is_red():
    """A source that is 12 dB too loud and comes back within the rails."""
    sound = simulate.amplified(file_of(20, 3), 12)
    result = judge_sk(simulate.amplified(sound, -6), call(sound))
    assert result.clipped > 100
    assert not result.ok


def test_sound_beside_the_file_is_red():
    """After the end, and before the start."""
    extra = simulate.voice(1, 99)
    heard = call(file_of(20, 1))
    assert not judge_sk(file_of(20, 1), np.concatenate((heard, extra))).ok
    assert not judge_sk(file_of(20, 1), np.concatenate((extra, heard))).ok


def test_a_missing_start_is_told():
    """The sink joined late: that is for the caller to judge."""
    result = judge_sk(file_of(20, 1), call(file_of(20, 1)[3 * RATE :]))
    assert result.ok, result
    assert result.missing_start_s == pytest.approx(3, abs=0.3)
    assert result.offset == LEAD - 3 * RATE


@pytest.mark.parametrize(
    "heard",
    [np.zeros(0), np.zeros(100), np.zeros(60 * RATE), file_of(30, 1234), simulate.digits(99999, "1", 99, 99, 999, 1)],
    ids=["empty", "short", "silence", "another voice", "digits"],
)
def test_what_is_not_the_file_never_passes(heard):
    """Nothing heard, or something else, is a problem and not an accident."""
    result = judge_sk(file_of(20, 1), heard.astype(np.int16))
    assert not result.ok
    assert result.compared_s == 0


def test_too_little_is_a_problem():
    """Ten good seconds do not make a call of sixty."""
    assert judge_sk(file_of(20, 1), call(file_of(20, 1)[: 10 * RATE]), at_least_s=9).ok
    assert not judge_sk(file_of(20, 1), call(file_of(20, 1)[: 10 * RATE]), at_least_s=11).ok
