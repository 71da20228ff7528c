"""The detector meets the standards' limits after a leg of mu-law, hears digits under sound, and in sound none."""

import functools
import re
from array import array
from math import gcd
from pathlib import Path

import numpy as np
import pytest
from scipy.signal import resample_poly

from b2b.audio import pcm
from b2b.audio.tones import FREQUENCIES, Sequence, amplitude
from harness.dtmf import Digit, detect
from harness.sound import decode
from oracle import g711, simulate
from oracle.g711 import RATE

KEYS = "123A456B789C*0#D"
SAMPLE = Path(__file__).parents[4] / "fixtures" / "sample.mp3"


def tone(key, ms, *, low=-15.0, high=-15.0, low_off=0.0, high_off=0.0, phases=(0.0, 0.0)):
    """Return a digit; levels in dBm0, frequencies off by percent."""
    times = np.arange(round(ms * RATE / 1000)) / RATE
    return sum(
        amplitude(level) * np.sin(2 * np.pi * hertz * (1 + off / 100) * times + phase)
        for hertz, level, off, phase in zip(
            FREQUENCIES[key], (low, high), (low_off, high_off), phases, strict=True
        )
    )  # fmt: skip


def pause(ms):
    """Return silence."""
    return np.zeros(round(ms * RATE / 1000))


def somewhere(rng, *parts):
    """Return parts of sound in a silence that begins and ends anywhere."""
    return np.concatenate((np.zeros(rng.integers(200, 900)), *parts, np.zeros(rng.integers(200, 900))))


def heard(sound):
    """Return the digits after a leg of mu-law, as text."""
    return "".join(digit.digit for digit in detect(g711.through(g711.saturate(sound)), RATE))


def wrong(make, wanted, *, times=2):
    """Return what was heard otherwise than wanted, of every key at some places."""
    rng = np.random.default_rng(7)
    results = ((key, heard(make(key, rng))) for key in KEYS for _ in range(times))
    return [(key, got) for key, got in results if got != wanted.format(key)]


def burst(ms, **about):
    """Return what makes a digit of that length somewhere, in any phase."""
    return lambda key, rng: somewhere(rng, tone(key, ms, phases=rng.uniform(0, 6.3, 2), **about))


def noisy(make, snr_db):
    """Add white noise that far below the pair of -15 dBm0 each."""
    rms = amplitude(-15.0) * 10 ** (-snr_db / 20)

    def made(key, rng):
        sound = make(key, rng)
        return sound + rms * rng.standard_normal(len(sound))

    return made


@pytest.mark.parametrize(
    "about",
    [
        {},
        *({"low_off": a, "high_off": b} for a in (-1.8, 1.8) for b in (-1.8, 1.8)),
        *({"low": level, "high": level} for level in (0, -3, -25, -29)),
        *({"low": -18, "high": -18 + twist} for twist in (4, 6, -6, -8)),
        {"low": -17, "high": -25, "low_off": 1.8, "high_off": -1.8},
        {"low": -25, "high": -21, "low_off": -1.8, "high_off": 1.8},
    ],
    ids=str,
)
def test_must_accept(about):
    """40 ms at the limits of Q.24, AT&T's and NTT's, one by one and together."""
    assert not wrong(burst(40, **about), "{}")


@pytest.mark.parametrize("ms", [10, 20, 23, 24])
@pytest.mark.parametrize("level", [-3, -15])
def test_too_short_must_be_rejected(ms, level):
    """AT&T 23 ms, NTT 24, ETSI 20."""
    assert not wrong(burst(ms, low=level, high=level), "")


@pytest.mark.parametrize("off", [-3.5, -3.0, 3.0, 3.5])
@pytest.mark.parametrize("tone_off", ["low_off", "high_off"])
def test_beside_the_frequency_must_be_rejected(tone_off, off):
    """One tone NTT's 3.0 % or AT&T's 3.5 beside, however long."""
    assert not wrong(burst(40, **{tone_off: off}), "")
    assert not wrong(burst(100, **{tone_off: off}), "")


def test_too_faint_must_be_rejected():
    """AT&T's -55 dBm0."""
    assert not wrong(burst(100, low=-55, high=-55), "")


@pytest.mark.parametrize("ms", [30, 40])
@pytest.mark.parametrize("second", [-5, -15, -25])
def test_pauses_part_digits(ms, second):
    """NTT 30 ms, AT&T and ETSI 40; and the one may be 10 dB fainter than the other."""
    assert not wrong(
        lambda key, rng: somewhere(rng, tone(key, 40), pause(ms), tone(key, 40, low=second, high=second)), "{0}{0}"
    )


@pytest.mark.parametrize("ms", [5, 10, 20])
def test_interruptions_do_not_part_digits(ms):
    """Q.24 10 ms, ETSI 20; the phase may go on or start anew."""
    assert not wrong(lambda key, rng: somewhere(rng, tone(key, 40), pause(ms), tone(key, 40)), "{}")
    assert not wrong(
        lambda key, rng: somewhere(rng, tone(key, 80)[:240], pause(ms), tone(key, 80)[240 + 8 * ms :]), "{}"
    )


@pytest.mark.parametrize(("ms", "snr_db"), [(40, 26), (40, 12), (40, 9), (80, 3)])
def test_noise_is_no_hindrance(ms, snr_db):
    """The MT8870's 12 dB, and what goes beyond."""
    assert not wrong(noisy(burst(ms), snr_db), "{}")


def test_noise_helps_nothing_over_the_limits():
    """What must be rejected still is."""
    assert not wrong(noisy(burst(24), 12), "")
    assert not wrong(noisy(burst(100, low_off=3.0), 12), "")


def test_an_echo_is_no_second_digit():
    """20 ms later and 10 dB fainter."""

    def echoed(key, rng):
        sound = burst(50)(key, rng)
        return sound + 10**-0.5 * np.concatenate((np.zeros(160), sound[:-160]))

    assert not wrong(echoed, "{}")


@pytest.mark.parametrize("over_db", [0, 10])
def test_dial_tone_and_dc_are_no_hindrance(over_db):
    """Each of the dial tone's two 10 dB over the digit's."""

    def under_dial_tone(key, rng):
        sound = burst(60, low=-20, high=-20)(key, rng)
        times = np.arange(len(sound)) / RATE
        return sound + 900 + amplitude(-20 + over_db) * sum(np.sin(2 * np.pi * hertz * times) for hertz in (350, 440))

    assert not wrong(under_dial_tone, "{}")


@pytest.mark.parametrize("missing", ["low", "high"])
def test_one_tone_is_no_digit(missing):
    """However clean."""
    assert not wrong(burst(100, **{missing: -90}), "")


@pytest.mark.parametrize(("step", "silent"), [(4, "high"), (1, "low")])
def test_three_tones_of_the_eight_are_no_digit(step, silent):
    """Two rows, or two columns, as loud as each other."""

    def three(key, rng):
        other = KEYS[(KEYS.index(key) + 4) % 16 if step == 4 else KEYS.index(key) // 4 * 4 + (KEYS.index(key) + 1) % 4]
        return somewhere(rng, tone(key, 100) + tone(other, 100, **{silent: -90}))

    assert not wrong(three, "")


@pytest.mark.parametrize("way", ["zeros", "skipped", "repeated", "inserted"])
def test_a_lost_frame_loses_no_digit(way):
    """20 ms of 120: the digit is neither lost, nor another, nor two."""

    def lossy(key, rng):
        sound = somewhere(rng, tone(key, 120))
        sounding = np.flatnonzero(sound)
        at = int(rng.integers(sounding[0] + 40, sounding[-1] - 200))
        fault = {
            "zeros": simulate.muted,
            "skipped": simulate.dropped,
            "repeated": simulate.repeated,
            "inserted": lambda sound, at: np.insert(sound, at, np.zeros(160)),
        }[way]
        return fault(sound, at)

    assert not wrong(lossy, "{}")


def test_80_ms_survive_a_frame_of_zeros():
    """b2b's own digits, wherever the packet was lost."""
    missed = [
        (key, at)
        for key in KEYS
        for at in range(400 - 160, 400 + 640, 100)
        if heard(simulate.muted(np.concatenate((pause(50), tone(key, 80), pause(50))), at)) != key
    ]
    assert not missed


@pytest.mark.parametrize("key", KEYS)
def test_a_digit_is_measured(key):
    """Edges within a millisecond, levels within a tenth of a dB, frequencies within a tenth of a percent."""
    sound = np.concatenate((np.zeros(1003), tone(key, 70, low=-12, high=-15, low_off=1.0, high_off=-0.5), pause(90)))
    [digit] = detect(g711.through(g711.saturate(sound)), RATE)
    assert isinstance(digit, Digit)
    assert digit.digit == key
    assert [digit.start_s, digit.end_s] == pytest.approx([1003 / RATE, 1003 / RATE + 0.070], abs=0.001)
    assert [digit.low_dbm0, digit.high_dbm0, digit.twist_db] == pytest.approx([-12, -15, -3], abs=0.1)
    assert [digit.low_error, digit.high_error] == pytest.approx([1.0, -0.5], abs=0.1)
    assert digit.level_dbm0 == digit.low_dbm0
    assert digit.confidence > 0.9


def test_a_digit_at_either_end_counts():
    """At the first sample, up to the last, and with nothing beside."""
    assert not wrong(lambda key, rng: np.concatenate((tone(key, 45), np.zeros(rng.integers(200, 900)))), "{}")
    assert not wrong(lambda key, rng: np.concatenate((np.zeros(rng.integers(200, 900)), tone(key, 45))), "{}")
    assert not wrong(lambda key, rng: tone(key, 45), "{}")


def test_all_digits_one_after_the_other():
    """40 ms each with pauses of 40, and 50 ms without a pause."""
    assert heard(np.concatenate([np.concatenate((tone(key, 40), pause(40))) for key in KEYS])) == KEYS
    assert heard(np.concatenate([pause(50), *(tone(key, 50) for key in KEYS), pause(50)])) == KEYS


@pytest.mark.parametrize("rate", [11025, 16000, 44100, 48000])
def test_other_rates_are_resampled(rate):
    """As 16 bits and as floats."""
    sound = np.concatenate([np.concatenate((tone(key, 60), pause(60))) for key in KEYS])
    common = gcd(rate, RATE)
    resampled = resample_poly(sound, rate // common, RATE // common)
    for samples in (np.rint(resampled).astype(np.int16), resampled / 32768, np.stack((resampled, resampled), axis=1)):
        digits = detect(samples, rate)
        assert "".join(digit.digit for digit in digits) == KEYS
        assert digits[-1].start_s == pytest.approx(15 * 0.12, abs=0.002)


@pytest.mark.parametrize("rate", [RATE, 44100])
@pytest.mark.parametrize(
    "samples",
    [
        np.zeros(0, np.int16), np.zeros(5, np.int16), np.zeros(50000, np.int16), np.full(9000, 9000, np.int16),
        np.full(9000, -32768, np.int16), np.where(np.arange(9000) % 9 < 4, 32767, -32768).astype(np.int16),
        np.zeros(0), np.full(9000, 0.5), np.random.default_rng(1).standard_normal(9000), np.zeros((500, 2)),
    ],
)  # fmt: skip
def test_nothing_is_found_in_nothing(samples, rate):
    """And nothing is raised."""
    assert detect(samples, rate) == []


@pytest.mark.parametrize(("samples", "rate", "sentence"), [
    (bytes(320), 8000, "wanted an array of samples, came |S"),
    (None, 8000, "wanted an array of samples, came object"),
    (np.zeros(320, np.int16), 0, "wanted a sample rate in Hz, came 0"),
    (np.zeros(320, np.int16), "8000", "wanted a sample rate in Hz, came '8000'"),
])  # fmt: skip
def test_what_is_no_sound_is_refused_in_a_sentence(samples, rate, sentence):
    """What was wanted, and what came."""
    with pytest.raises(ValueError, match=re.escape(sentence)):
        detect(samples, rate)


def test_floats_may_be_overdriven_and_channels_faint():
    """A float that ought to have been clipped does not change the scale; nor do two channels of whole numbers."""
    sound = np.concatenate([np.concatenate((tone(key, 60), pause(60))) for key in KEYS])
    loud = sound / np.abs(sound).max() * 1.7
    assert "".join(digit.digit for digit in detect(loud, RATE)) == KEYS
    faint = np.rint(sound / np.abs(sound).max() * 3).astype(np.int16)
    assert detect(np.stack((faint, faint), axis=1), RATE) == []
    broken = np.where(np.arange(len(loud)) == 4000, np.nan, loud)
    assert "".join(digit.digit for digit in detect(broken, RATE)) == KEYS


@functools.cache
def sample():
    """Return the file that the plans play."""
    return decode(SAMPLE)


def mixed(seconds, gain_in, gain_dtmf, digits="123#"):
    """Return what the mixer makes of the file, with its own tones and its own sum, after both legs."""
    sequence = Sequence(digits, tone_ms=80, pause_ms=80, period_ms=2000)
    source = g711.through(sample()[: seconds * RATE])
    tones = array("d")
    for start in range(0, len(source), 160):
        tones.extend(sequence.frame(start, 160))
    return g711.through(np.frombuffer(pcm.mix(source.tobytes(), gain_in, tones, gain_dtmf), np.int16))


def due(seconds, digits="123#"):
    """Return which digit has to begin when."""
    return [(key, 2 * n + 0.16 * i) for n in range(1, seconds // 2) for i, key in enumerate(digits)]


def test_every_digit_of_a_minute_under_speech():
    """Every digit and no other, in its place within 10 ms."""
    digits = detect(mixed(60, 0.5, 0.5), RATE)
    assert [digit.digit for digit in digits] == [key for key, _ in due(60)]
    assert [digit.start_s for digit in digits] == pytest.approx([at_s for _, at_s in due(60)], abs=0.010)
    assert [digit.end_s for digit in digits] == pytest.approx([at_s + 0.08 for _, at_s in due(60)], abs=0.010)
    assert [digit.low_dbm0 for digit in digits] == pytest.approx([-15] * len(digits), abs=2.5)


@pytest.mark.parametrize("digits", ["4567", "890*", "ABCD"])
def test_the_other_digits_under_speech(digits):
    """20 s of each."""
    assert [digit.digit for digit in detect(mixed(20, 0.5, 0.5, digits), RATE)] == [key for key, _ in due(20, digits)]


@pytest.mark.parametrize(("gain_dtmf", "most_missed"), [(0.5, 0.08), (0.25, 0.25)])
def test_under_speech_as_loud_as_the_digits_no_other_is_heard(gain_dtmf, most_missed):
    """Speech of -23 dBov, full gain: at 0.25 the digits are no louder; some may be missed, none may be made up."""
    digits = detect(mixed(60, 1.0, gain_dtmf), RATE)
    wanted = due(60)
    right = [d for d in digits if any(d.digit == key and abs(d.start_s - at_s) < 0.05 for key, at_s in wanted)]
    assert len(digits) - len(right) <= 1
    assert len(right) >= (1 - most_missed) * len(wanted)


@pytest.mark.parametrize(
    ("keys", "text"), [("12 #", "12#"), ("128#", "128#"), ("1223", "1223"), ("132#", "132#"), ("    ", "")]
)
def test_wrong_missing_and_doubled_digits_show(keys, text):
    """What was sent is what is heard, under a voice."""
    tones = simulate.digits(2 * RATE, keys, 80, 80, 2000, 0.5)
    assert heard(0.5 * simulate.voice(2, 3) + tones) == text


def test_no_digit_in_speech():
    """The plain sample, and voices that are none."""
    assert detect(g711.through(sample()), RATE) == []
    for seed in range(2):
        assert detect(simulate.voice(60, seed), RATE) == []


def test_no_digit_in_chords():
    """Equal-tempered chords of three and four notes with their harmonics: four in five minutes at the very most."""
    rng, chords = np.random.default_rng(5), []
    for _ in range(600):
        times = np.arange(rng.integers(800, 6400)) / RATE
        notes = 440 * 2 ** (rng.choice(np.arange(-12, 30), rng.integers(3, 5), replace=False) / 12)
        hertz = [(note * h, h**-1.5) for note in notes for h in range(1, 5) if note * h < 3600]
        chord = sum(part * np.sin(2 * np.pi * f * times + rng.uniform(0, 6)) for f, part in hertz)
        chord *= np.minimum(1, times * 100) * np.exp(-times * rng.uniform(0, 4))
        chords.append(chord * rng.uniform(3000, 15000) / np.abs(chord).max())
    assert len(heard(np.concatenate(chords))) <= 2
