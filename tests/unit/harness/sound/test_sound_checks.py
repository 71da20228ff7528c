"""What the checks say of calls that are right, and of one fault each: that check goes red, and no other."""

from __future__ import annotations

import functools

import numpy as np
import pytest

from harness.dtmf import detect
from harness.expect import SinkExpectation
from harness.judging.sound import check_hearing
from harness.sound import compare
from harness.verdict import Outcome
from oracle import g711, simulate
from oracle.g711 import RATE

SECONDS, LEAD = 20, 4321
AT = 9 * RATE + 37
WANTED = SinkExpectation()


@functools.cache
def file_of(seed):
    """What the source plays: longer than the call."""
    return simulate.voice(SECONDS + 5, seed)


def direct(seed):
    """What left the source, decoded: everything after that is what may go wrong."""
    return g711.through(file_of(seed)[: SECONDS * RATE]).astype(np.float64)


def loud(seed):
    """A place at which somebody speaks."""
    return simulate.loud_places(file_of(seed)[RATE : -9 * RATE], 1, seed, RATE // 10)[0] + RATE + 37


def heard(sound):
    """What a sink records of it: silence, a leg of G.711, silence."""
    return simulate.in_silence(g711.through(g711.saturate(sound)), LEAD, 2000)


def failures(file, recording, wanted=WANTED, **arguments):
    """Return the checks that did not pass, by name."""
    checks = check_hearing(
        "sink", "sink.wav", compare(file, recording, **arguments), wanted, length_s=len(recording) / RATE + 1
    )
    return {check.name: check for check in checks if check.outcome is not Outcome.PASS}


def number(check):
    """Return the figure that a check reports."""
    return float(check.got.split()[0])


def resampled(sound, ppm):
    """Play at another speed, by cubic interpolation: written apart from what finds it."""
    places = np.arange(0, len(sound) - 3, 1 / (1 + ppm / 1e6)) + 1
    places = places[places < len(sound) - 3]
    whole = places.astype(int)
    part = places - whole
    taps = [sound[whole + k] for k in (-1, 0, 1, 2)]
    weights = (
        -part * (part - 1) * (part - 2) / 6, (part + 1) * (part - 1) * (part - 2) / 2,
        -(part + 1) * part * (part - 2) / 2, (part + 1) * part * (part - 1) / 6,
    )  # fmt: skip
    return sum(weight * tap for weight, tap in zip(weights, taps, strict=True))


def smooth(seed):
    """A file without hisses, which no cubic interpolation spoils."""
    loudness = np.random.default_rng(seed).uniform(0.2, 1, SECONDS * 8)
    return simulate.vowel(SECONDS, seed) * np.repeat(loudness, RATE // 8)


def echoed(sound, db, ms):
    """Add an echo, which goes on after the sound."""
    return np.pad(sound, (0, RATE * ms // 1000)) + 10 ** (db / 20) * np.pad(sound, (RATE * ms // 1000, 0))


@pytest.mark.parametrize("seed", range(3))
def test_a_right_call_passes_every_check(seed):
    """Nine of them."""
    recording = heard(direct(seed))
    checks = list(check_hearing("s", "f", compare(file_of(seed), recording), SinkExpectation(), length_s=21))
    names = ["heard", "heard gap", "level", "clipped", "drift", "echo", "residual", "dc", "codes"]
    assert [(check.name, check.outcome) for check in checks] == [(name, Outcome.PASS) for name in names]


@pytest.mark.parametrize("ppm", [-200, -100, 100, 500])
@pytest.mark.parametrize("seed", range(2))
def test_a_drift_is_a_drift_and_no_gap(seed, ppm):
    """Measured to a hundredth, and everything else stays as good as it is."""
    file = g711.saturate(smooth(seed))
    found = failures(file, heard(resampled(g711.through(file).astype(float), ppm)))
    assert set(found) == {"drift"}
    assert number(found["drift"]) == pytest.approx(ppm, abs=1)


@pytest.mark.parametrize("seed", range(2))
def test_a_drift_in_steps_of_a_sample_is_one_too(seed):
    """As a device drifts that drops a sample when its buffer is full."""
    found = failures(file_of(seed), heard(np.delete(direct(seed), np.arange(999, SECONDS * RATE, 10_000))))
    assert set(found) == {"drift"}
    assert number(found["drift"]) == pytest.approx(-100, abs=5)


@pytest.mark.parametrize("shift", [0.3, -0.5])
def test_a_fraction_of_a_sample_is_no_fault(shift):
    """What was resampled on its way, and came back at the right speed."""
    file = g711.saturate(smooth(1))
    sound = g711.through(file).astype(float)
    waves = np.fft.rfft(sound) * np.exp(-2j * np.pi * np.arange(len(sound) // 2 + 1) * shift / len(sound))
    recording = heard(np.fft.irfft(waves, len(sound)))
    assert failures(file, recording) == {}
    assert compare(file, recording).snr_db > 33


def test_a_lost_packet_under_drift_is_found():
    """With its place and size, in the recording and in the file."""
    file = g711.saturate(smooth(2))
    sound = resampled(g711.through(file).astype(float), 200)
    found = failures(file, heard(np.delete(sound, slice(AT, AT + 480))))
    assert set(found) == {"drift", "heard gap"}
    assert (number(found["heard gap"]), "missing" in found["heard gap"].got) == (60, True)
    assert found["heard gap"].at_s == pytest.approx((LEAD + AT) / RATE, abs=0.01)


@pytest.mark.parametrize(("db", "ms"), [(-1, 100), (-6, 50), (-10, 200), (-20, 100), (-30, 550)])
@pytest.mark.parametrize("seed", range(2))
def test_an_echo_is_an_echo(seed, db, ms):
    """Its level and its delay, at the loudest as at the faintest; nothing else is red for it."""
    found = failures(file_of(seed), heard(echoed(0.7 * direct(seed), db, ms)), SinkExpectation(level_db=-3.1))
    assert set(found) == {"echo"}
    assert number(found["echo"]) == pytest.approx(db, abs=1.5)  # mu-law swallows some of a faint one
    assert f"after {ms} ms" in found["echo"].got


@pytest.mark.parametrize("noise", ["white", "hum", "voice", "burst"])
@pytest.mark.parametrize("seed", range(2))
def test_what_does_not_belong_into_the_call_is_told(seed, noise):
    """Noise and hum at -50 dBov, a third voice at -40 from a place on, a click of 60 ms."""
    count = SECONDS * RATE
    extra = {
        "white": np.random.default_rng(seed + 50).normal(0, 104, count),
        "hum": 147 * np.sin(2 * np.pi * 50 / RATE * np.arange(count)),
        "voice": np.pad(simulate.voice(SECONDS, 99, -40)[AT:].astype(float), (AT, 0)),
        "burst": np.pad(np.random.default_rng(seed + 50).normal(0, 600, 480), (AT, count - AT - 480)),
    }[noise]
    found = failures(file_of(seed), heard(direct(seed) + extra))
    assert set(found) == {"residual"}
    if noise == "burst":
        assert found["residual"].at_s == pytest.approx((LEAD + AT) / RATE, abs=0.2)
    if noise == "voice":
        assert found["residual"].at_s > (LEAD + AT) / RATE - 0.2


@pytest.mark.parametrize("db", [-3.0, 3.0])
def test_a_level_is_a_level(db):
    """A quieter file, so that nothing clips."""
    file = simulate.voice(SECONDS, 3, -32)
    found = failures(file, heard(g711.through(file) * 10 ** (db / 20)))
    assert set(found) == {"level"}
    assert number(found["level"]) == pytest.approx(db, abs=0.05)


@pytest.mark.parametrize("seed", range(2))
def test_clipping_is_clipping(seed):
    """Too loud for 100 ms: how many samples, and from where on."""
    sound = direct(seed)
    part = slice(loud(seed), loud(seed) + 800)
    sound[part] = np.clip(40 * sound[part], -32768, 32767)
    found = failures(file_of(seed), heard(sound))
    assert set(found) == {"clipped"}
    assert number(found["clipped"]) > 100
    assert found["clipped"].at_s == pytest.approx((LEAD + loud(seed)) / RATE, abs=0.02)


def test_a_constant_is_a_constant():
    """Added by somebody's converter, for as long as there is a call."""
    found = failures(file_of(1), heard(direct(1) + 200))
    assert set(found) == {"dc"}
    assert number(found["dc"]) == pytest.approx(200, rel=0.06)  # steps of 16 there


def test_codes_that_are_not_the_files_are_told():
    """A trick that every other figure lets pass: the lowest bits of 16 taken off before coding."""
    coarse = np.floor(direct(1) / 64) * 64 + 32
    found = failures(file_of(1), heard(coarse), SinkExpectation(min_snr_db=20))
    assert set(found) == {"codes"}


@pytest.mark.parametrize("ms", [60, 1000, 5000])
def test_a_muted_stretch_is_one_gap(ms):
    """However long, and however often the file pauses in it."""
    sound = direct(2)
    first = loud(2)
    sound[first : first + 8 * ms] = 0
    found = failures(file_of(2), heard(sound))
    assert set(found) == {"heard gap"}
    assert number(found["heard gap"]) == pytest.approx(ms, abs=60 if ms > 60 else 3)
    assert found["heard gap"].at_s == pytest.approx((LEAD + first) / RATE, abs=0.003)


def test_a_shift_of_200_ms_is_told():
    """From the middle on everything comes later; or it was never heard."""
    for sound, kind in (
        (np.insert(direct(1), AT, np.zeros(1600)), "silent"),
        (np.delete(direct(1), slice(AT, AT + 1600)), "missing"),
    ):
        found = failures(file_of(1), heard(sound))
        assert set(found) == {"heard gap"}
        assert found["heard gap"].got == f"200 ms {kind}"
        assert found["heard gap"].at_s == pytest.approx((LEAD + AT) / RATE, abs=0.05)


def test_a_call_that_dies_is_not_heard_to_its_end():
    """The recording goes on without the source's file, which was not over; where the source was gone, it may."""
    sound = direct(1)
    sound[12 * RATE :] = 0
    found = failures(file_of(1), heard(sound))
    assert set(found) == {"heard"}
    assert "no more of it for 8" in found["heard"].got
    assert found["heard"].at_s == pytest.approx(LEAD / RATE + 12, abs=0.3)
    hearing = compare(file_of(1), heard(sound))
    checks = check_hearing("s", "f", hearing, SinkExpectation(), length_s=20.5, sent_s=12)
    assert {check.outcome for check in checks} == {Outcome.PASS}


def test_a_late_start_is_a_gap():
    """The first 300 ms of what is audible are cut off, as by a media path that opens late."""
    sound = direct(1)
    first = int(np.flatnonzero(np.abs(sound) > 300)[0])
    sound[: first + 2400] = 0
    found = failures(file_of(1), heard(sound))
    assert set(found) == {"heard gap"}
    assert number(found["heard gap"]) >= 300
    assert found["heard gap"].at_s <= (LEAD + first) / RATE


@pytest.mark.parametrize("silence", ["", "silence: RTP arrived, but nothing was in it"])
def test_silence_is_called_what_it_is(silence):
    """By what is known of it."""
    hearing = compare(file_of(1), np.zeros(9000, np.int16))
    [check] = check_hearing("s", "f", hearing, SinkExpectation(), length_s=1, silence=silence)
    assert (check.outcome, check.got) == (Outcome.FAIL, silence or "nothing of it")


def test_a_delay_is_judged_where_there_is_a_limit():
    """Where the file begins in the recording."""
    assert failures(file_of(1), heard(direct(1)), SinkExpectation(max_delay_ms=541)) == {}
    found = failures(file_of(1), heard(direct(1)), SinkExpectation(max_delay_ms=539))
    assert found["delay"].got == "540 ms"


def mixed(seed, extra=0.0, gain=0.5, digit_gain=0.5):
    """What a sink records behind a mixer that adds digits, and somebody else."""
    tones = simulate.digits(SECONDS * RATE, "123#", 80, 80, 2000, digit_gain)
    return simulate.in_silence(simulate.mix(file_of(seed)[: SECONDS * RATE], gain, tones + extra), LEAD, 2000)


@pytest.mark.parametrize("seed", range(3))
def test_a_right_mix_passes_every_check(seed):
    """File and digits at their gains, and nothing else; codes are compared hop by hop."""
    recording = mixed(seed)
    assert failures(file_of(seed), recording, gain=0.5, digits=detect(recording, RATE)) == {}
    hearing = compare(file_of(seed), recording, gain=0.5, digits=detect(recording, RATE))
    assert hearing.code_equal > 0.999
    assert [digit.db for digit in hearing.digits] == pytest.approx([-6.02] * 40, abs=0.2)


@pytest.mark.parametrize("seed", range(2))
def test_a_third_voice_in_a_mix_is_told(seed):
    """At -45 dBov, below file and digits."""
    recording = mixed(seed, extra=simulate.voice(SECONDS, 98, -45))
    assert set(failures(file_of(seed), recording, gain=0.5, digits=detect(recording, RATE))) == {"residual"}


@pytest.mark.parametrize("db", [-4, 4])
def test_a_digits_level_is_measured_below_the_file(db):
    """To a tenth of a dB."""
    recording = mixed(1, digit_gain=0.5 * 10 ** (db / 20))
    levels = [digit.db for digit in compare(file_of(1), recording, gain=0.5, digits=detect(recording, RATE)).digits]
    assert np.median(levels) == pytest.approx(-6.02 + db, abs=0.1)


def test_two_mixers_are_two_codings():
    """Compared with the file encoded anew after each gain."""
    faint = simulate.mix(g711.through(file_of(1)), 0.1, np.zeros(len(file_of(1))))
    recording = simulate.in_silence(simulate.mix(faint, 8.0, np.zeros(len(faint))), LEAD, 2000)
    assert compare(file_of(1), recording, gain=[0.1, 8.0]).code_equal > 0.99
    assert compare(file_of(1), recording, gain=0.8).code_equal < 0.9


@pytest.mark.parametrize(
    ("held_s", "bad"), [((8.9, 11.1), set()), ((8.9, 9.9), {"heard gap"}), ((2.0, 4.0), {"heard gap"})]
)
def test_silence_while_a_call_was_on_hold(held_s, bad):
    """Two seconds of it are no gap where the call was held then and for as long, but are one elsewhere."""
    sound = direct(5)
    start = round(9 * RATE)
    sound[start : start + 2 * RATE] = 0
    recording, file = heard(sound), file_of(5)
    checks = check_hearing(
        "sink", "sink.wav", compare(file, recording), WANTED, length_s=len(recording) / RATE + 1, holds=[held_s]
    )
    assert {check.name for check in checks if check.outcome is not Outcome.PASS} == bad
