"""The oracle for source, mixer, sink passes what is right and goes red for each thing that can be wrong."""

import functools

import numpy as np
import pytest

from oracle import g711, simulate
from oracle.audio import judge_smk
from oracle.g711 import RATE

LEAD, BEFORE = 4321, 1234  # silence before the call is recorded, and before the source is in it
TONE, PAUSE, PERIOD = 80, 80, 2000
FAULTS = [simulate.dropped, simulate.doubled, simulate.repeated, simulate.muted]


@functools.cache
def file_of(seconds, seed):
    """What the source plays."""
    return simulate.voice(seconds, seed)


def tones(seconds, keys="123#", gain=0.5, tone=TONE, pause=PAUSE, period=PERIOD):
    """What the mixer adds, in a stretch that is longer than the source on both sides."""
    return simulate.digits(round(seconds * RATE) + 2 * BEFORE, keys, tone, pause, period, gain)


def call(sound, added, gain=0.5, mix=simulate.mix):
    """What the sink records."""
    return simulate.in_silence(mix(simulate.in_silence(sound, BEFORE, BEFORE), gain, added), LEAD, 3000)


def judge(reference, heard, digits="123#", gain_in=0.5, gain_dtmf=0.5, tone=TONE, pause=PAUSE, period=PERIOD):
    """Judge with the plan's own settings."""
    return judge_smk(
        reference, heard, gain_in=gain_in, gain_dtmf=gain_dtmf, digits=digits,
        tone_ms=tone, pause_ms=pause, period_ms=period,
    )  # fmt: skip


@pytest.mark.parametrize("seed", range(3))
def test_a_clean_call_passes(seed):
    """60 s of a file of 70, every digit in its place, with room to every limit."""
    result = judge(file_of(70, seed), call(file_of(70, seed)[: 60 * RATE], tones(60)))
    assert result.ok, result.problems
    assert result.text == "123#" * 30 + "12"
    assert result.offset == LEAD + BEFORE
    assert result.compared_s == pytest.approx(60, abs=0.1)
    assert result.share == 1.0
    assert result.snr_db > 34
    assert result.worst_snr_db > 28
    assert min(digit.snr_db for digit in result.digits[:-1]) > 33
    assert max(max(abs(digit.low_db), abs(digit.high_db)) for digit in result.digits[:-1]) < 0.1


@pytest.mark.parametrize(
    ("keys", "tone", "pause", "period"),
    [("442083661177", 70, 70, 2000), ("0", 50, 50, 500), ("A5", 100, 100, 3000), ("55", 60, 40, 1000)],
)
@pytest.mark.parametrize(("gain_in", "gain_dtmf"), [(0.5, 0.5), (0.3, 0.7), (1.0, 1.0)])
def test_other_settings_pass(keys, tone, pause, period, gain_in, gain_dtmf):
    """Other digits, lengths and gains, and a source that ends wherever it ends."""
    sound = file_of(70, 5)[: 17 * RATE + 4567]
    added = tones(len(sound) / RATE, keys, gain_dtmf, tone, pause, period)
    result = judge(file_of(70, 5), call(sound, added, gain_in), keys, gain_in, gain_dtmf, tone, pause, period)
    assert result.ok, result.problems
    assert result.text.startswith(keys * 3)


@pytest.mark.parametrize("first", [g711.through, simulate.encode_like_itu])
def test_another_encoder_passes(first):
    """Two legs through an encoder with other thresholds, and a mixer that rounds towards zero."""
    source = first(file_of(70, 6)[: 20 * RATE])
    mixed = np.trunc(0.5 * simulate.in_silence(source, BEFORE, BEFORE) + tones(20)).astype(np.int16)
    result = judge(file_of(70, 6), simulate.encode_like_itu(simulate.in_silence(mixed, LEAD, LEAD)))
    assert result.ok, result.problems


def test_saturation_passes_and_wrapping_is_red():
    """Where the sum is too loud a mixer has to hold the rail, and must not come back from below."""
    sound = simulate.amplified(file_of(70, 4)[: 20 * RATE], 10)
    added = tones(20, gain=1.0)
    clean = judge(sound, call(sound, added, 1.0), gain_in=1.0, gain_dtmf=1.0)
    assert clean.ok, clean.problems
    assert not judge(sound, call(sound, added, 1.0, simulate.mix_wrapping), gain_in=1.0, gain_dtmf=1.0).ok


@pytest.mark.parametrize("seed", range(2))
@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: fault.__name__)
def test_one_frame_of_3000_on_the_second_leg_is_enough(seed, fault):
    """20 ms of 60 s, in active speech, beside digits or under them."""
    sound = file_of(70, seed)[: 60 * RATE]
    heard = call(sound, tones(60))
    for place in simulate.loud_places(sound, 1, seed):
        assert not judge(file_of(70, seed), fault(heard, LEAD + BEFORE + place + 53)).ok


@pytest.mark.parametrize("seed", range(2))
@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: fault.__name__)
def test_one_frame_of_3000_on_the_first_leg_is_enough(seed, fault):
    """The digits are perfect, the source is not."""
    sound = file_of(70, seed)[: 60 * RATE]
    for place in simulate.loud_places(sound, 1, seed + 10):
        faulty = fault(sound, place + 71)
        assert not judge(file_of(70, seed), call(faulty, tones(len(faulty) / RATE))).ok


@pytest.mark.parametrize("offset_ms", range(-20, 100, 15))
@pytest.mark.parametrize("fault", FAULTS[2:], ids=lambda fault: fault.__name__)
def test_a_digit_hides_no_fault(fault, offset_ms):
    """Across its edges and inside: the source is loud all the time."""
    sound = simulate.vowel(10)
    tenth = LEAD + round((2 * PERIOD + TONE + PAUSE + offset_ms) * RATE / 1000)
    assert judge(sound, call(sound, tones(10))).ok
    assert not judge(sound, fault(call(sound, tones(10)), tenth)).ok


@pytest.mark.parametrize("gain_db", [-1.0, 1.0])
def test_a_wrong_level_is_red(gain_db):
    """The source, the digits, or both."""
    sound = file_of(70, 3)[: 20 * RATE]
    off = 10 ** (gain_db / 20)
    source_off = judge(file_of(70, 3), call(sound, tones(20), gain=0.5 * off))
    digits_off = judge(file_of(70, 3), call(sound, tones(20, gain=0.5 * off)))
    both_off = judge(file_of(70, 3), simulate.amplified(call(sound, tones(20)), gain_db))
    assert [result.ok for result in (source_off, digits_off, both_off)] == [False] * 3
    assert source_off.gain_db == pytest.approx(gain_db, abs=0.1)
    assert digits_off.gain_db == pytest.approx(0, abs=0.1)
    assert digits_off.digits[3].low_db == pytest.approx(gain_db, abs=0.1)


@pytest.mark.parametrize("number", [1, 5])
@pytest.mark.parametrize(
    ("keys", "about"),
    [
        ("12 #", "digit 3 is missing"),
        ("1 3#", "digit 2 is missing"),
        (" 23#", "digit 1 is missing"),
        ("123 ", "digit # is missing"),
        ("    ", "digit 1 is missing"),
        ("128#", "should be 3"),
        ("132#", "should be 2"),
        ("1123#", ""),
        ("123##", "was not asked for"),
    ],
)
def test_one_sequence_of_seven_that_is_wrong_is_red(number, keys, about):
    """A digit missing, wrong, out of order or twice, early or late in the call."""
    sound = file_of(70, 2)[: 13 * RATE]
    added = simulate.with_sequence(tones(13), number, tones(2, keys), PERIOD)
    result = judge(file_of(70, 2), call(sound, added))
    assert not result.ok
    assert about in "; ".join(result.problems)


def test_a_first_digit_that_is_missing_is_red():
    """Where the sequence has to begin is not known, but what has to come first is."""
    added = simulate.with_sequence(tones(19), 0, tones(2, " 23#"), PERIOD)
    assert not judge(file_of(70, 2), call(file_of(70, 2)[: 19 * RATE], added)).ok


@pytest.mark.parametrize("tone", [TONE / 2, TONE - 12, TONE + 12])
def test_a_digit_of_another_length_is_red(tone):
    """Cut to half of it, or off by 12 ms."""
    other = tones(2, "123#", tone=tone, pause=PAUSE + TONE - tone)
    added = simulate.with_sequence(tones(19), 3, other, PERIOD)
    result = judge(file_of(70, 2), call(file_of(70, 2)[: 19 * RATE], added))
    assert sum(f"not {TONE}" in problem for problem in result.problems) == 4


@pytest.mark.parametrize("period", [PERIOD - 8, PERIOD + 8])
def test_a_period_of_another_length_is_red(period):
    """The sequence starts again too early or too late."""
    result = judge(file_of(70, 2), call(file_of(70, 2)[: 19 * RATE], tones(19, period=period)))
    assert not result.ok
    assert not result.broken


def test_digits_that_stop_are_missed():
    """The source goes on, the digits do not."""
    added = tones(19)
    added[10 * RATE :] = 0
    assert not judge(file_of(70, 2), call(file_of(70, 2)[: 19 * RATE], added)).ok


def test_no_digits_at_all_are_missed():
    """And the source alone is not enough."""
    result = judge(file_of(70, 2), call(file_of(70, 2)[: 19 * RATE], 0 * tones(19)))
    assert result.problems == ("no digit was heard",)


def test_a_stranger_in_the_mix_is_red():
    """Something else, 30 dB below the source, for a fifth of a second."""
    added = tones(19)
    added[8 * RATE : 8 * RATE + 1600] += simulate.vowel(0.2, rms=100)
    assert not judge(file_of(70, 2), call(file_of(70, 2)[: 19 * RATE], added)).ok


def test_digits_before_and_after_the_source_pass():
    """The mixer speaks for three seconds before the source comes, and for three after it has gone."""
    sound = simulate.in_silence(file_of(70, 2)[: 11 * RATE], 3 * RATE, 3 * RATE)
    result = judge(file_of(70, 2), call(sound, tones(17)))
    assert result.ok, result.problems
    assert result.text == "123#" * 8 + "123#"
    assert result.compared_s == pytest.approx(11, abs=0.1)


@pytest.mark.parametrize("cut_ms", range(0, 170, 15))
def test_a_source_that_ends_under_a_digit_passes(cut_ms):
    """So does one that begins there, and a call that ends there."""
    begin, end = RATE + cut_ms * 8, 8 * RATE + cut_ms * 8
    sound = np.zeros(10 * RATE, np.int16)
    sound[begin:end] = simulate.vowel(10)[begin:end]
    heard = call(sound, tones(10))
    for recorded in (heard, heard[: LEAD + 6 * RATE + cut_ms * 8]):
        result = judge(simulate.vowel(10), recorded)
        assert result.ok, result.problems


@pytest.mark.parametrize(
    "heard",
    [np.zeros(0), np.zeros(100), np.zeros(60 * RATE), simulate.voice(20, 1234), tones(19)],
    ids=["empty", "short", "silence", "another voice", "digits"],
)
def test_what_is_not_the_file_never_passes(heard):
    """Nothing, silence, another voice, digits without a source."""
    result = judge(file_of(70, 2), heard.astype(np.int16))
    assert not result.ok
    assert result.compared_s < 0.5
