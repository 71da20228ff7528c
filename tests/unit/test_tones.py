"""The DTMF tones, measured: their frequencies, levels and places."""

from __future__ import annotations

import math
from array import array

import numpy as np
import numpy.typing as npt
import pytest

from b2b.audio import pcm, tones

# Q.23, written out once more: a slip in the generator's table must not be a slip in the test's as well.
Q23 = {
    "1": (697, 1209), "2": (697, 1336), "3": (697, 1477), "A": (697, 1633),
    "4": (770, 1209), "5": (770, 1336), "6": (770, 1477), "B": (770, 1633),
    "7": (852, 1209), "8": (852, 1336), "9": (852, 1477), "C": (852, 1633),
    "*": (941, 1209), "0": (941, 1336), "#": (941, 1477), "D": (941, 1633),
}  # fmt: skip
EACH_DIGIT = pytest.mark.parametrize("digit", Q23)

# One period of 1 kHz at 0 dBm0 (G.711 table 6/G.711, µ-law codes 1E 0B 0B 1E 9E 8B 8B 9E), on the 16-bit scale.
DIGITAL_MILLIWATT = (8828, 20860, 20860, 8828, -8828, -20860, -20860, -8828)

Samples = npt.NDArray[np.float64]


def samples(sound: array[float]) -> Samples:
    """Return sound as numbers to calculate with."""
    return np.array(sound)


def spectrum(sound: Samples) -> Samples:
    """Return the peak amplitude at each whole Hz of a sound of exactly one second."""
    assert len(sound) == pcm.RATE
    return np.abs(np.fft.rfft(sound)) / (pcm.RATE / 2)


@EACH_DIGIT
def test_every_digit_has_its_two_frequencies_and_no_other(digit: str) -> None:
    """Over a second a bin is one hertz wide: two of them stand out by more than 200 dB."""
    bins = spectrum(samples(tones.tone(digit, 1000)))
    loudest = np.argsort(bins)[::-1]
    assert {int(loudest[0]), int(loudest[1])} == set(Q23[digit])
    assert bins[loudest[2]] < bins[loudest[1]] * 1e-10


@EACH_DIGIT
def test_a_short_digit_is_the_same_two_sines(digit: str) -> None:
    """Fitted to the 40 ms that Q.24 asks for, they leave nothing over."""
    sound = samples(tones.tone(digit, 40))
    at = 2 * np.pi * np.arange(len(sound)) / pcm.RATE
    waves = np.stack([wave(at * hertz) for hertz in Q23[digit] for wave in (np.sin, np.cos)], axis=1)
    left_over = sound - waves @ np.linalg.lstsq(waves, sound, rcond=None)[0]
    assert np.abs(left_over).max() < 1e-6


@EACH_DIGIT
def test_both_tones_have_the_level_that_the_constants_give(digit: str) -> None:
    """-9 dBm0 each, so there is no twist: a sine that fills mu-law's range has 3.17 dBm0."""
    wanted = tones.OVERLOAD_PEAK * 10 ** ((-9.0 - tones.OVERLOAD_DBM0) / 20)
    bins = spectrum(samples(tones.tone(digit, 1000)))
    assert [bins[hertz] for hertz in Q23[digit]] == pytest.approx([wanted, wanted], rel=1e-9)


def test_0_dbm0_is_the_digital_milliwatt() -> None:
    """G.711 defines the level by its eight codes; our sines are measured against them."""
    reference = math.sqrt(sum(sample * sample for sample in DIGITAL_MILLIWATT) / len(DIGITAL_MILLIWATT))
    assert 20 * math.log10(tones.amplitude(0.0) / math.sqrt(2) / reference) == pytest.approx(0, abs=0.02)


@pytest.mark.parametrize("decibels", [-40.0, -9.0, -3.0, 3.17])
def test_an_amplitude_follows_its_level(decibels: float) -> None:
    """20 dB are a factor of ten."""
    assert tones.amplitude(decibels - 20) == pytest.approx(tones.amplitude(decibels) / 10)


@EACH_DIGIT
def test_no_digit_clips_before_its_gain(digit: str) -> None:
    """Not even where both of its peaks meet."""
    assert max(map(abs, tones.tone(digit, 1000))) < pcm.HIGHEST


@pytest.mark.parametrize("milliseconds", [0, 1, 40, 45, 80, 1000])
def test_a_digit_has_its_length_to_the_sample(milliseconds: int) -> None:
    """Eight samples to the millisecond."""
    assert len(tones.tone("5", milliseconds)) == 8 * milliseconds


@pytest.mark.parametrize("wrong", ["", "E", "a", "+", "12"])
def test_what_is_no_digit_has_no_tone(wrong: str) -> None:
    """A mistake of ours: users' sequences were checked before."""
    with pytest.raises(KeyError):
        tones.tone(wrong, 80)


def by_hand(digits: str, *, tone_ms: int, pause_ms: int, period_ms: int, total_ms: int) -> Samples:
    """Return what is to be heard from a call's answer on, each sample by its own formula."""
    heard = np.zeros(8 * total_ms)
    peak = tones.amplitude(-9.0)
    for period_start in range(8 * period_ms, len(heard), 8 * period_ms):
        for place, digit in enumerate(digits):
            start = period_start + 8 * place * (tone_ms + pause_ms)
            for n in range(8 * tone_ms):
                if start + n < len(heard):
                    heard[start + n] = peak * sum(math.sin(2 * math.pi * hertz * n / 8000) for hertz in Q23[digit])
    return heard


@pytest.mark.parametrize(
    ("digits", "tone_ms", "pause_ms", "period_ms"),
    [
        ("123#", 80, 80, 2000),
        ("123#", 80, 80, 640),  # it fills its period
        ("7", 45, 55, 333),  # no whole number of frames anywhere
        ("*0D", 40, 40, 241),
        ("5", 100, 40, 140),
    ],
)
def test_each_digit_is_in_its_place_to_the_sample(digits: str, tone_ms: int, pause_ms: int, period_ms: int) -> None:
    """The first period is silent, and each later one starts the sequence again, as do their pauses and their ends."""
    total_ms = 3 * period_ms + 100
    sequence = tones.Sequence(digits, tone_ms=tone_ms, pause_ms=pause_ms, period_ms=period_ms)
    wanted = by_hand(digits, tone_ms=tone_ms, pause_ms=pause_ms, period_ms=period_ms, total_ms=total_ms)
    assert samples(sequence.frame(0, 8 * total_ms)) == pytest.approx(wanted, abs=1e-6)
    assert np.abs(wanted).max() > 1000


def test_the_first_period_is_silent() -> None:
    """The digits come one period after the call was answered, not with its first sample."""
    sequence = tones.Sequence("1", tone_ms=100, pause_ms=40, period_ms=500)
    assert not any(sequence.frame(0, 4000))
    assert sequence.frame(4000, 800) == tones.tone("1", 100)


@pytest.mark.parametrize("frame", [1, 7, 80, 160, 240, 320, 999, 5000])
def test_frames_cut_anywhere_make_one_long_frame(frame: int) -> None:
    """A digit, a pause or a period may end in the midst of a packet."""
    sequence = tones.Sequence("159D", tone_ms=45, pause_ms=41, period_ms=377)
    total = 10_000
    joined = array("d")
    for start in range(0, total, frame):
        joined.extend(sequence.frame(start, min(frame, total - start)))
    assert joined == sequence.frame(0, total)
    assert any(joined)


def test_a_frame_may_span_several_periods() -> None:
    """Then the sequence is in it several times."""
    sequence = tones.Sequence("8", tone_ms=40, pause_ms=40, period_ms=100)
    long = sequence.frame(800, 4 * 800)
    assert all(long[start : start + 800] == sequence.frame(800, 800) for start in range(0, 3200, 800))


def test_an_hour_later_the_sequence_is_still_in_its_place() -> None:
    """Nothing adds up over time."""
    sequence = tones.Sequence("123#", tone_ms=80, pause_ms=80, period_ms=2000)
    assert sequence.frame(1800 * 16_000, 16_000) == sequence.frame(16_000, 16_000)


@pytest.mark.parametrize("start", [0, 15_999, 16_000, 1_000_000])
def test_an_empty_sequence_is_silent(start: int) -> None:
    """No digits were asked for."""
    sequence = tones.Sequence("", tone_ms=80, pause_ms=80, period_ms=2000)
    assert sequence.frame(start, 160) == array("d", [0.0] * 160)


@pytest.mark.parametrize("samples_wanted", [0, 1, 160])
def test_a_frame_has_the_length_that_was_asked_for(samples_wanted: int) -> None:
    """Inside a digit as well as outside."""
    sequence = tones.Sequence("1", tone_ms=80, pause_ms=80, period_ms=200)
    assert [len(sequence.frame(start, samples_wanted)) for start in (0, 1600, 2300)] == [samples_wanted] * 3
