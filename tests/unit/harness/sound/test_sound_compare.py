"""What compare() says of calls that are right, and of each thing that can be wrong with one."""

import functools
import math
import time

import numpy as np
import pytest

from harness.dtmf import detect
from harness.sound import Kind, compare
from oracle import audio, g711, simulate
from oracle.g711 import RATE

LEAD, BEFORE = 4321, 1234
FAULTS = {
    simulate.dropped: Kind.MISSING,
    simulate.doubled: Kind.REPEATED,
    simulate.repeated: Kind.REPEATED,
    simulate.anticipated: Kind.REPEATED,
    simulate.muted: Kind.SILENT,
}
EACH_FAULT = pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: fault.__name__)


@functools.cache
def file_of(seconds, seed):
    """What the source plays."""
    return simulate.voice(seconds, seed)


def call(sound, codec=g711.through):
    """What a sink records: one leg, a while of silence on both sides."""
    return simulate.in_silence(codec(sound), LEAD, 3000)


def mixed_call(sound):
    """What a sink records behind a mixer that adds digits."""
    tones = simulate.digits(len(sound) + 2 * BEFORE, "123#", 80, 80, 2000, 0.5)
    return simulate.in_silence(simulate.mix(simulate.in_silence(sound, BEFORE, BEFORE), 0.5, tones), LEAD, 3000)


def heard_beside_digits(reference, heard):
    """Compare with the digits left out, as they were heard."""
    return compare(reference, heard, gain=0.5, ignore=[(d.start_s, d.end_s) for d in detect(heard, RATE)])


@pytest.mark.parametrize("codec", [g711.through, simulate.encode_like_itu])
@pytest.mark.parametrize("seed", range(2))
def test_a_clean_call_has_nothing_amiss(seed, codec):
    """60 s of a file of 70, with whichever encoder."""
    hearing = compare(file_of(70, seed), call(file_of(70, seed)[: 60 * RATE], codec))
    assert hearing.gaps == ()
    assert hearing.delay_s == LEAD / RATE
    assert hearing.heard_s == pytest.approx(60, abs=0.05)
    assert hearing.missing_start_s < 0.01
    assert hearing.missing_end_s == pytest.approx(10, abs=0.1)
    assert hearing.code_equal == 1.0
    assert hearing.level_db == pytest.approx(0, abs=0.05)
    assert hearing.snr_db > 36
    assert hearing.worst_snr_db > 30
    assert hearing.likeness > 0.99
    assert not hearing.clipped
    assert abs(hearing.dc) < 1


@pytest.mark.parametrize("seed", range(2))
def test_a_clean_mixed_call_has_nothing_amiss(seed):
    """The digits are left out; what is left is the file at its gain."""
    hearing = heard_beside_digits(file_of(30, seed), mixed_call(file_of(30, seed)[: 20 * RATE]))
    assert hearing.gaps == ()
    assert hearing.delay_s == (LEAD + BEFORE) / RATE
    assert hearing.heard_s == pytest.approx(20, abs=0.1)
    assert hearing.level_db == pytest.approx(0, abs=0.1)
    assert hearing.snr_db > 33
    assert hearing.worst_snr_db > 26
    assert hearing.code_equal > 0.9999


@pytest.mark.parametrize("length", [160, 320, 480])
@EACH_FAULT
@pytest.mark.parametrize("seed", range(3))
def test_each_fault_is_found_with_place_size_and_kind(seed, fault, length):
    """One to three frames of 20 s, off the frame's grid."""
    sound = file_of(30, seed)[: 20 * RATE]
    [place] = simulate.loud_places(sound, 1, seed)
    at = LEAD + place + 37
    [gap] = compare(file_of(30, seed), fault(call(sound), at, length)).gaps
    again = length if fault is simulate.doubled else 0  # what is heard again comes after what is heard
    assert gap.kind == FAULTS[fault]
    assert gap.at_s == pytest.approx((at + again) / RATE, abs=0.003)
    assert gap.file_s == pytest.approx((at + again - LEAD) / RATE, abs=0.003)
    assert gap.length_s == pytest.approx(length / RATE, abs=0.002)


@EACH_FAULT
@pytest.mark.parametrize("seed", range(2))
def test_faults_behind_a_mixer_are_found(seed, fault):
    """On its second leg, beside the digits."""
    sound = file_of(30, seed)[: 20 * RATE]
    places = [place for place in simulate.loud_places(sound, 30, seed) if (place + BEFORE) % (2 * RATE) > 0.8 * RATE]
    at = LEAD + BEFORE + places[0] + 53
    [gap] = heard_beside_digits(file_of(30, seed), fault(mixed_call(sound), at)).gaps
    assert gap.kind == FAULTS[fault]
    assert gap.at_s == pytest.approx(at / RATE, abs=0.024)
    assert gap.length_s == pytest.approx(0.020, abs=0.003)


def test_several_faults_are_told_apart():
    """One of each kind in one call, in order."""
    heard = call(file_of(30, 1)[: 20 * RATE])
    places = simulate.loud_places(file_of(30, 1)[: 20 * RATE], 50, 5)[::-10]  # the last first: faults move what follows
    for fault, place in zip(FAULTS, places, strict=True):
        heard = fault(heard, LEAD + place)
    gaps = compare(file_of(30, 1), heard).gaps
    assert [gap.kind for gap in gaps] == list(reversed(FAULTS.values()))


def test_long_losses_are_followed():
    """Three seconds of the file are never heard."""
    heard = np.delete(call(file_of(30, 2)), slice(LEAD + 9 * RATE, LEAD + 12 * RATE))
    [gap] = compare(file_of(30, 2), heard).gaps
    assert (gap.kind, gap.length_s) == (Kind.MISSING, 3.0)
    assert gap.at_s == pytest.approx(LEAD / RATE + 9, abs=0.05)


def test_a_file_that_jumps_back_is_heard_again():
    """The source starts anew after nine seconds; the second hearing is a repetition, not a gap without end."""
    sound = g711.through(file_of(20, 1))
    hearing = compare(file_of(20, 1), np.concatenate((sound[: 9 * RATE], sound[2 * RATE : 12 * RATE])))
    [gap] = hearing.gaps
    assert (gap.kind, gap.length_s) == (Kind.REPEATED, 7.0)
    assert gap.at_s == pytest.approx(9, abs=0.1)
    assert hearing.heard_s == pytest.approx(19, abs=0.1)


def test_inserted_silence_is_told():
    """A late packet: nothing is lost, all comes 20 ms later."""
    [place] = simulate.loud_places(file_of(20, 1), 1)
    [gap] = compare(file_of(20, 1), np.insert(call(file_of(20, 1)), LEAD + place, np.zeros(160, np.int16))).gaps
    assert gap.kind is Kind.SILENT
    assert [gap.at_s, gap.length_s] == pytest.approx([(LEAD + place) / RATE, 0.020], abs=0.002)


def test_a_single_sample_too_many_is_told():
    """A slip however short."""
    [gap] = compare(file_of(20, 2), np.insert(call(file_of(20, 2)), LEAD + 9 * RATE, 0)).gaps
    assert (gap.length_s, gap.kind) == (1 / RATE, Kind.INSERTED)


@pytest.mark.parametrize("gain_db", [-3.0, -1.0, 1.0, 3.0])
def test_a_wrong_level_is_measured_and_is_no_gap(gain_db):
    """The whole recording is a little too loud or too faint."""
    hearing = compare(file_of(30, 1), simulate.amplified(call(file_of(30, 1)), gain_db))
    assert hearing.level_db == pytest.approx(gain_db, abs=0.05)
    assert hearing.gaps == ()
    assert hearing.code_equal < 0.5


def test_clipping_is_counted():
    """A source that is 12 dB too loud, against the file that it should have been."""
    loud = simulate.amplified(file_of(20, 3), 12)
    clipped = compare(simulate.amplified(loud, -6), call(loud)).clipped
    assert clipped == pytest.approx(np.sum(np.abs(loud.astype(int)) > 31600), rel=0.1)


def test_sound_beside_the_file_is_told():
    """After its end, and before its start."""
    extra = g711.through(simulate.vowel(0.5, 9))
    heard = call(file_of(20, 1))
    for sound, at_s in ((np.concatenate((heard, extra)), len(heard) / RATE), (np.concatenate((extra, heard)), 0)):
        gaps = compare(file_of(20, 1), sound).gaps
        assert {gap.kind for gap in gaps} == {Kind.INSERTED}
        assert gaps[0].at_s == pytest.approx(at_s, abs=0.02)
        assert sum(gap.length_s for gap in gaps) == pytest.approx(0.5, abs=0.05)


@pytest.mark.parametrize("lead", [0, 1000, LEAD])
def test_a_loss_that_is_louder_than_what_was_heard_before_it(lead):
    """The file begins where it was first heard, however little of it that was; what was lost is one gap."""
    played = file_of(10, 1).astype(float)
    for part, rms in (slice(0, 480), 800), (slice(480, 800), 4000):
        played[part] = np.random.default_rng(1).normal(0, rms, part.stop - part.start)
    played = g711.saturate(played)
    heard = simulate.in_silence(simulate.muted(g711.through(played), 480, 320), lead, 3000)
    hearing = compare(played, heard)
    (gap,) = hearing.gaps
    assert gap.kind is Kind.SILENT
    assert (gap.at_s, gap.length_s) == pytest.approx(((lead + 480) / RATE, 320 / RATE), abs=0.002)
    assert hearing.start_s == pytest.approx(lead / RATE, abs=0.002)


def test_a_missing_start_and_a_recording_that_starts_inside_are_told():
    """The sink joined late."""
    late = compare(file_of(20, 1), call(file_of(20, 1)[3 * RATE :]))
    assert late.delay_s * RATE == pytest.approx(LEAD - 3 * RATE)
    assert late.missing_start_s == pytest.approx(3, abs=0.1)
    assert late.start_s == pytest.approx(LEAD / RATE, abs=0.1)
    inside = compare(file_of(20, 1), g711.through(file_of(20, 1))[5 * RATE :])
    assert inside.delay_s == -5
    assert inside.heard_s == pytest.approx(15, abs=0.1)


@pytest.mark.parametrize(
    "heard",
    [np.zeros(0), np.zeros(100), np.zeros(60 * RATE), np.full(9000, 5000), file_of(30, 1234),
     simulate.digits(99999, "1", 99, 99, 999, 1), file_of(20, 1)[::-1]],
    ids=["empty", "short", "silence", "constant", "another voice", "digits", "backwards"],
)  # fmt: skip
def test_what_is_not_the_file_is_said_to_be_nothing(heard):
    """By a value, never by an exception."""
    hearing = compare(file_of(20, 1), heard.astype(np.int16))
    assert not hearing.matched
    assert hearing.heard_s == 0
    assert hearing.likeness < 0.5
    assert math.isnan(hearing.delay_s)


@pytest.mark.parametrize("reference", [np.zeros(0, np.int16), np.zeros(8000, np.int16)])
def test_a_file_without_sound_matches_nothing(reference):
    """Nor does it raise."""
    assert not compare(reference, call(file_of(20, 1))).matched


def test_compare_agrees_with_the_oracle():
    """Two that were written apart come to the same."""
    heard = simulate.dropped(call(file_of(30, 4)[: 20 * RATE]), LEAD + 9 * RATE + 11)
    ours, theirs = compare(file_of(30, 4), heard), audio.judge_sk(file_of(30, 4), heard)
    assert ours.delay_s == theirs.offset / RATE
    assert ours.heard_s == pytest.approx(theirs.compared_s, abs=0.01)
    assert [round(-gap.length_s * RATE) for gap in ours.gaps] == [step.samples for step in theirs.steps]
    assert [gap.at_s for gap in ours.gaps] == pytest.approx([step.time_s for step in theirs.steps], abs=0.003)
    assert ours.level_db == pytest.approx(theirs.gain_db, abs=0.02)


def test_a_minute_takes_less_than_a_second():
    """With room to spare on a busy machine: a tenth of a second on an idle one."""
    heard = call(file_of(70, 0)[: 60 * RATE])
    began = time.process_time()
    compare(file_of(70, 0), heard)
    assert time.process_time() - began < 1


def test_a_faint_noise_beside_a_file_that_is_over_is_no_gap():
    """Nothing of the file could be missing there."""
    noise = np.random.default_rng(1).normal(0, 12, 2 * RATE)
    heard = np.concatenate((g711.through(file_of(20, 1)), np.zeros(800), noise)).astype(np.int16)
    assert compare(file_of(20, 1), heard).gaps == ()


def test_what_was_heard_is_told_in_order():
    """The file, silence in its place, the file again, a jump, and nothing more."""
    heard = call(file_of(20, 1))
    heard[LEAD + 5 * RATE : LEAD + 6 * RATE] = 0
    heard = np.delete(heard, slice(LEAD + 9 * RATE, LEAD + 11 * RATE))
    segments = compare(file_of(20, 1), heard).segments
    assert [segment.kind for segment in segments] == ["file", "silent", "file", "missing", "file"]
    starts, ends = [segment.file_start_s for segment in segments], [segment.file_end_s for segment in segments]
    assert starts == pytest.approx([0, 5, 6, 9, 11], abs=0.02)
    assert ends == pytest.approx([5, 6, 9, 11, 20], abs=0.02)
    assert [segment.start_s - LEAD / RATE for segment in segments] == pytest.approx([0, 5, 6, 9, 9], abs=0.02)
    assert str(segments[1]) == "5.540 to 6.540 s: silent, at 5.000 s of the file"
    assert "is missing" in str(segments[3])


def test_a_jump_back_is_one_segment():
    """What is heard again is the file, from an earlier place on."""
    sound = g711.through(file_of(20, 1))
    segments = compare(file_of(20, 1), np.concatenate((sound[: 9 * RATE], sound[2 * RATE : 12 * RATE]))).segments
    assert [segment.kind for segment in segments] == ["file", "jumped back", "file"]
    assert segments[2].file_start_s == pytest.approx(2, abs=0.1)
