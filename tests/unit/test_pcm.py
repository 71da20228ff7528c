"""The sums on sound: mixing, its limits, and the meter."""

from __future__ import annotations

import math
import random
from array import array

import numpy as np
import pytest

from b2b.audio import pcm

EXTREMES = (-32768, -32767, -1, 0, 1, 32766, 32767)


def sound(*samples: int) -> bytes:
    """Return samples as S16_LE."""
    return np.array(samples, "<i2").tobytes()


def mixed(heard: int, gain: float, tone: float, tone_gain: float) -> int:
    """Mix one sample of each."""
    return int(np.frombuffer(pcm.mix(sound(heard), gain, array("d", [tone]), tone_gain), "<i2")[0])


@pytest.mark.parametrize(
    ("milliseconds", "samples"),
    [(0, 0), (10, 80), (20, 160), (30, 240), (40, 320), (1000, 8000), (0.125, 1), (62.5, 500), (7_200_000, 57_600_000)],
)
def test_a_millisecond_has_eight_samples(milliseconds: float, samples: int) -> None:
    """At 8 kHz, however long."""
    assert pcm.samples_in(milliseconds) == samples


@pytest.mark.parametrize("samples", [0, 1, 160])
def test_silence_is_zeros(samples: int) -> None:
    """Two bytes for each sample."""
    assert pcm.silence(samples) == b"\0\0" * samples


@pytest.mark.parametrize(
    ("heard", "gain", "tone", "tone_gain", "wanted"),
    [
        (1000, 0.5, 2000.0, 0.5, 1500),
        (-1000, 0.5, 2000.0, 0.5, 500),
        (20000, 0.5, -20000.0, 0.5, 0),
        (12345, 1.0, 9999.0, 0.0, 12345),
        (12345, 0.0, 9999.0, 1.0, 9999),
        (100, 0.25, 100.0, 0.1, 35),
        (7, 3.0, 0.25, 4.0, 22),
        (32767, 1.0, 0.0, 1.0, 32767),
        (-32768, 1.0, 0.0, 1.0, -32768),
        (32767, 0.5, 32767.0, 0.5, 32767),
        (-32768, 0.5, -32768.0, 0.5, -32768),
    ],
)
def test_the_gains_are_exact(heard: int, gain: float, tone: float, tone_gain: float, wanted: int) -> None:
    """Each signal is multiplied by its own gain, nothing else happens to it."""
    assert mixed(heard, gain, tone, tone_gain) == wanted


@pytest.mark.parametrize(("gain", "tone_gain"), [(0.5, 0.5), (1.0, 1.0), (0.1, 0.9), (0.0, 0.3), (2.0, 0.0)])
def test_a_mix_is_never_more_than_half_a_step_off(gain: float, tone_gain: float) -> None:
    """Where it is not limited: the sum is made exactly and rounded once."""
    chance = random.Random(1)
    heard = np.array([chance.randint(-8000, 8000) for _ in range(2000)], "<i2")
    tones = np.array([chance.uniform(-8000, 8000) for _ in range(2000)])
    result = np.frombuffer(pcm.mix(heard.tobytes(), gain, array("d", tones), tone_gain), "<i2")
    assert np.abs(result - (heard * gain + tones * tone_gain)).max() <= 0.5


@pytest.mark.parametrize(("gain", "tone_gain"), [(0.5, 0.5), (1.0, 1.0), (1.0, 0.5), (8.0, 1.0)])
def test_a_mix_saturates_and_never_wraps(gain: float, tone_gain: float) -> None:
    """Whatever exceeds 16 bits becomes the largest or the smallest value that there is."""
    tones = (-1e6, *map(float, EXTREMES), 1e6)
    heard = [sample for sample in EXTREMES for _ in tones]
    added = list(tones) * len(EXTREMES)
    result = np.frombuffer(pcm.mix(sound(*heard), gain, array("d", added), tone_gain), "<i2")
    wanted = np.clip(np.array(heard) * gain + np.array(added) * tone_gain, -32768, 32767)
    assert np.abs(result - wanted).max() <= 0.5
    assert {-32768, 32767} <= set(result.tolist())


def test_a_louder_signal_never_becomes_a_lower_sample() -> None:
    """The mix follows its input all the way through both limits."""
    steps = np.arange(-32768, 32768, 64)
    result = np.frombuffer(pcm.mix(steps.astype("<i2").tobytes(), 3.0, array("d", steps), 3.0), "<i2").astype(int)
    assert np.all(np.diff(result) >= 0)
    assert (result[0], result[-1]) == (-32768, 32767)


def test_a_mix_leaves_its_input_alone() -> None:
    """Neither the sound nor the digits, which are used again each period, are changed."""
    heard, tones = sound(1, 2, 3), array("d", [4.0, 5.0, 6.0])
    pcm.mix(heard, 0.5, tones, 0.5)
    assert (heard, tones) == (sound(1, 2, 3), array("d", [4.0, 5.0, 6.0]))


@pytest.mark.parametrize("tones", [1, 3])
def test_a_mix_needs_as_many_digits_samples_as_sound(tones: int) -> None:
    """Two frames of different lengths are a mistake of ours, not sound."""
    with pytest.raises(ValueError, match="zip"):
        pcm.mix(sound(1, 2), 0.5, array("d", [0.0] * tones), 0.5)


@pytest.mark.parametrize(
    ("samples", "wanted"),
    [
        ((-32768, 5, -32768), (-32767, 5, -32767)),
        ((128, -32767, 32767), (128, -32767, 32767)),
        ((0x0001, 0x0080), (0x0001, 0x0080)),
        ((), ()),
    ],
)
def test_the_lowest_sample_is_one_that_baresip_can_encode(samples: tuple[int, ...], wanted: tuple[int, ...]) -> None:
    """All others stay; octets of two neighbours that look like it are none."""
    assert pcm.encodable(sound(*samples)) == sound(*wanted)


def level(*frames: bytes) -> float:
    """Return what a meter reads after these frames."""
    meter = pcm.Meter()
    for frame in frames:
        meter.add(frame)
    return meter.read()


def sine(peak: float, samples: int = 8000) -> bytes:
    """Return a second of 1 kHz."""
    wave = peak * np.sin(2 * np.pi * 1000 * np.arange(samples) / 8000)
    return bytes(np.round(wave).astype("<i2").tobytes())


def test_a_full_scale_square_wave_has_0_dbov() -> None:
    """That is what dBov is defined by."""
    assert level(sound(*[-32768, 32767] * 80)) == 0.0


def test_a_full_scale_sine_has_3_db_less() -> None:
    """Its power is half that of the square wave, -3.01 dBov; the meter shows one decimal."""
    assert level(sine(32767)) == -3.0


@pytest.mark.parametrize("decibels", [0, 6, 20, 40, 60])
def test_the_meter_is_linear(decibels: int) -> None:
    """A signal that much fainter reads that much less."""
    assert level(sine(32767 * 10 ** (-decibels / 20))) == pytest.approx(-3.0 - decibels, abs=0.11)


@pytest.mark.parametrize("frames", [(), (b"",), (pcm.silence(160),)], ids=["nothing", "no samples", "zeros"])
def test_silence_reads_the_lowest_level(frames: tuple[bytes, ...]) -> None:
    """A number, not minus infinity, which JSON does not know."""
    assert level(*frames) == pcm.SILENT_DBOV == -96.0


def test_silence_reads_less_than_the_faintest_sound() -> None:
    """One step of one sample in a second is more than none."""
    assert pcm.SILENT_DBOV < level(sound(*[1, -1] * 80)) < -89


def test_the_meter_is_over_all_that_came_since_the_last_reading() -> None:
    """Half of the time full scale and half of it silence is half the power; then it starts anew."""
    meter = pcm.Meter()
    meter.add(sound(*[-32768] * 160))
    meter.add(pcm.silence(160))
    assert meter.read() == round(10 * math.log10(0.5), 1)
    meter.add(pcm.silence(160))
    assert meter.read() == pcm.SILENT_DBOV
