"""What clean sound is made of: something like speech, digits, and a leg of mu-law, each by sums of its own."""

from __future__ import annotations

import wave
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

Sound = npt.NDArray[np.float64]  # samples on the 16-bit scale

RATE = 8000
ROWS, COLUMNS = (697.0, 770.0, 852.0, 941.0), (1209.0, 1336.0, 1477.0, 1633.0)  # Hz, Q.23
KEYPAD = ("123A", "456B", "789C", "*0#D")
TONE_DBM0 = -12.0
FULL_DBM0, FULL_PEAK = 3.17, 32636.0  # the sine that just fills mu-law's range, G.711
BIAS, CLIP = 132, 32635  # of mu-law on the 16-bit scale, G.711


def speech(random: np.random.Generator, seconds: float) -> Sound:
    """Return noise that comes and goes as syllables do and never repeats; nothing in it is a digit."""
    noise = random.normal(size=round(seconds * RATE))
    dull = np.convolve(noise, np.hanning(9), "same")
    syllables = np.arange(0, len(noise), RATE // 8)
    loudness = np.interp(np.arange(len(noise)), syllables, random.uniform(0.3, 1, len(syllables)))
    return np.asarray(np.clip(2500 * loudness * dull / np.std(dull), -16000, 16000))


def add_tone(sound: Sound, digit: str, at_s: float, length_s: float) -> None:
    """Add a digit to a sound."""
    row = next(place for place, keys in enumerate(KEYPAD) if digit in keys)
    first, times = round(at_s * RATE), np.arange(round(length_s * RATE)) / RATE
    peak = FULL_PEAK * 10 ** ((TONE_DBM0 - FULL_DBM0) / 20)
    for hertz in (ROWS[row], COLUMNS[KEYPAD[row].index(digit)]):
        sound[first : first + len(times)] += peak * np.sin(2 * np.pi * hertz * times)


def mulaw_leg(sound: Sound) -> npt.NDArray[np.int16]:
    """Return what is heard after a leg of mu-law: each sample in the middle of its step (G.711 section 3)."""
    biased = np.minimum(np.abs(np.rint(sound)), CLIP) + BIAS
    step = 2.0 ** (np.floor(np.log2(biased)) - 4)  # 16 steps in each octave
    middle = np.floor(biased / step) * step + step / 2 - BIAS
    return np.asarray(np.where(sound < 0, -middle, middle).astype(np.int16))


def mulaw_octets(sound: Sound) -> bytes:
    """Return the octets that carry a sound (G.711 table 2a): sign, exponent and mantissa, all inverted."""
    biased = np.minimum(np.abs(np.rint(sound)), CLIP).astype(np.int64) + BIAS
    exponent = np.floor(np.log2(biased)).astype(np.int64) - 7
    mantissa = (biased >> (exponent + 3)) & 0x0F
    octets: npt.NDArray[np.uint8] = (~(np.where(sound < 0, 0x80, 0) | exponent << 4 | mantissa)).astype(np.uint8)
    return octets.tobytes()


def write_wav(path: Path, sound: npt.NDArray[Any]) -> None:
    """Write a sound as a recording is written: 8 kHz, mono, 16 bits."""
    with wave.open(str(path), "wb") as file:
        file.setparams((1, 2, RATE, 0, "NONE", ""))
        file.writeframes(np.clip(np.rint(sound), -32768, 32767).astype("<i2").tobytes())
