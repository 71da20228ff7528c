"""Calls without a network: a voice, a mixer, and what can go wrong on the way; all lengths are in samples.

Written apart from b2b's own generator and mixer, so that the oracle is not proved by what it judges.
"""

from __future__ import annotations

import numpy as np
from scipy import ndimage

from oracle import dtmf, g711
from oracle.g711 import RATE, Samples
from oracle.lags import Floats

FRAME = RATE // 50
FULL_SCALE = 32768.0


def voice(seconds: float, seed: int = 1, level_db: float = -22.0) -> Samples:
    """Return something like speech, never the same twice: syllables, vowels and hisses, pauses; level in dBov."""
    rng = np.random.default_rng(seed)
    count = round(seconds * RATE)
    syllables, pitch, hiss = np.zeros(count), np.zeros(count), np.zeros(count)
    at = 0
    while at < count:
        length = int(rng.integers(RATE // 12, RATE // 3))
        part = slice(at, min(at + length, count))
        pause = rng.random() < 0.12
        syllables[part] = 0.0 if pause else np.hanning(length)[: part.stop - at] * rng.uniform(0.4, 1.0)
        pitch[part] = rng.uniform(90, 210)
        hiss[part] = rng.random() < 0.25
        at += length
    phase = 2 * np.pi * np.cumsum(ndimage.uniform_filter1d(ndimage.uniform_filter1d(pitch, 800), 800)) / RATE
    buzz = np.sum([np.sin(k * phase) / k**0.8 for k in range(1, 14)], axis=0)
    noise = rng.standard_normal(count)
    sound = syllables * np.where(hiss > 0, np.diff(noise, prepend=0.0), buzz + 0.05 * noise)
    sound += 2e-3 * rng.standard_normal(count)  # the room
    return g711.saturate(sound * (FULL_SCALE * 10 ** (level_db / 20) / np.sqrt(np.mean(sound**2))))


def vowel(seconds: float, seed: int = 1, rms: float = 2500.0) -> Samples:
    """Return a sound without a pause: noise through a resonance, at that level."""
    noise = ndimage.gaussian_filter1d(np.random.default_rng(seed).standard_normal(round(seconds * RATE)), 2)
    return g711.saturate(noise * rms / np.sqrt(np.mean(noise**2)))


def digit(key: str, tone_ms: float, gain: float, ramp_ms: float = 2.0) -> Floats:
    """Return one digit with soft edges, each tone at -9 dBm0 before its gain."""
    times = np.arange(round(tone_ms * RATE / 1000)) / RATE
    tones = sum(np.sin(2 * np.pi * hertz * times) for hertz in dtmf.FREQUENCIES[key])
    inside = np.minimum(times, times[-1] - times) * 1000 / ramp_ms
    return np.asarray(dtmf.tone_amplitude(gain) * tones * np.clip(inside, 0, 1))


def digits(count: int, keys: str, tone_ms: float, pause_ms: float, period_ms: float, gain: float) -> Floats:
    """Return the sequence again and again, from the first sample on; a blank in `keys` is a digit left out."""
    sound = np.zeros(count)
    for begin in np.arange(0, count, period_ms * RATE / 1000):
        for i, key in enumerate(keys):
            at = round(begin + i * (tone_ms + pause_ms) * RATE / 1000)
            if key != " " and at < count:
                tone = digit(key, tone_ms, gain)
                sound[at : at + len(tone)] += tone[: count - at]
    return sound


def with_sequence(sound: Floats, number: int, other: Floats, period_ms: float) -> Floats:
    """Return the digits with the sequence of that number, counted from 0, taken from another sound."""
    part = slice(round(number * period_ms * RATE / 1000), round((number + 1) * period_ms * RATE / 1000))
    changed: Floats = sound.copy()
    changed[part] = other[: part.stop - part.start]
    return changed


def mix(source: Samples, gain: float, tones: Floats) -> Samples:
    """Return what the mixer's listener hears: one leg of G.711 in, one out."""
    return g711.through(g711.saturate(gain * g711.through(source) + tones))


def mix_wrapping(source: Samples, gain: float, tones: Floats) -> Samples:
    """The same by a mixer that forgot to saturate."""
    return g711.through(np.rint(gain * g711.through(source) + tones).astype(np.int64).astype(np.int16))


def encode_like_itu(samples: Samples) -> Samples:
    """One leg through the encoder of ITU's software tool library, whose thresholds differ from ours."""
    linear = samples.astype(np.int32)
    magnitude = np.minimum((np.where(linear < 0, ~linear, linear) >> 2) + 33, 0x1FFF)
    segment = np.floor(np.log2(magnitude)).astype(np.int32) - 5
    step = (magnitude >> (segment + 1)) & 0x0F
    code = np.where(linear < 0, 0, 0x80) | (7 - segment) << 4 | (15 - step)
    return g711.decode(np.asarray(code, np.uint8))


def in_silence(sound: Samples, before: int, after: int) -> Samples:
    """Return the sound with silence on both sides."""
    return np.pad(sound, (before, after))


def dropped(sound: Samples, at: int, length: int = FRAME) -> Samples:
    """Leave a frame out: everything after comes early."""
    return np.delete(sound, slice(at, at + length))


def doubled(sound: Samples, at: int, length: int = FRAME) -> Samples:
    """Play a frame twice: everything after comes late."""
    return np.insert(sound, at, sound[at : at + length])


def repeated(sound: Samples, at: int, length: int = FRAME) -> Samples:
    """Play the frame before in place of the right one, as loss concealment does."""
    changed: Samples = sound.copy()
    changed[at : at + length] = sound[at - length : at]
    return changed


def anticipated(sound: Samples, at: int, length: int = FRAME) -> Samples:
    """Play the frame after in place of the right one, as a buffer does that begins again."""
    changed: Samples = sound.copy()
    changed[at : at + length] = sound[at + length : at + 2 * length]
    return changed


def muted(sound: Samples, at: int, length: int = FRAME) -> Samples:
    """Silence a frame."""
    changed: Samples = sound.copy()
    changed[at : at + length] = 0
    return changed


def amplified(sound: Samples, gain_db: float) -> Samples:
    """Change the level."""
    return g711.saturate(sound * 10 ** (gain_db / 20))


def loud_places(sound: Samples, count: int, seed: int = 1, length: int = FRAME) -> list[int]:
    """Pick places, away from the ends, where a frame's level is at least the sound's own."""
    blocks = sound[: len(sound) // length * length].reshape(-1, length).astype(np.float64)
    rms = np.sqrt((blocks**2).mean(axis=1))
    edge = RATE // 2 // length
    loud = np.flatnonzero(rms[edge:-edge] > np.sqrt((sound.astype(np.float64) ** 2).mean())) + edge
    return sorted(int(place) * length for place in np.random.default_rng(seed).choice(loud, count, replace=False))
