"""What trials are made of: digits, other tones, noises, and the way through a codec; all as floats, in 16-bit steps."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from oracle import g711

Floats = npt.NDArray[np.floating[Any]]
Samples = npt.NDArray[np.int16]

RATE = 8000
ROWS, COLUMNS = (697, 770, 852, 941), (1209, 1336, 1477, 1633)  # Hz, Q.23
KEYS = "123A456B789C*0#D"
OVERLOAD, OVERLOAD_DBM0 = 32636.0, 3.17  # a sine that fills mu-law (G.711)


def peak(dbm0: float) -> float:
    """Return the peak of a sine of that level."""
    return float(OVERLOAD * 10 ** ((dbm0 - OVERLOAD_DBM0) / 20))


def times(ms: float) -> Floats:
    """Return the times of so many milliseconds' samples, in seconds."""
    return np.arange(round(ms * RATE / 1000)) / RATE


def silence(ms: float) -> Floats:
    """Return nothing."""
    return np.zeros(round(ms * RATE / 1000))


def tone(hertz: float, ms: float, dbm0: float = -15.0, phase: float = 0.0) -> Floats:
    """Return a sine."""
    return np.asarray(peak(dbm0) * np.sin(2 * np.pi * hertz * times(ms) + phase))


def digit(
    key: str,
    ms: float,
    rng: np.random.Generator,
    *,
    low: float = -15.0,
    high: float = -15.0,
    low_off: float = 0.0,
    high_off: float = 0.0,
    ramp_ms: float = 0.0,
) -> Floats:
    """Return a digit in any phase: levels in dBm0, frequencies off in percent; the ramps lie inside its length."""
    row, column = divmod(KEYS.index(key), 4)
    first, second = rng.uniform(0, 2 * np.pi, 2)
    both = tone(ROWS[row] * (1 + low_off / 100), ms, low, first)
    both = both + tone(COLUMNS[column] * (1 + high_off / 100), ms, high, second)
    if ramp_ms:
        inside = np.minimum(times(ms), times(ms)[-1] - times(ms)) * 1000 / ramp_ms
        both = both * np.sin(np.pi / 2 * np.clip(inside, 0, 1)) ** 2
    return np.asarray(both)


def somewhere(rng: np.random.Generator, *parts: Floats) -> Floats:
    """Return the parts one after another, in a silence that begins and ends anywhere."""
    return np.concatenate((silence(rng.uniform(60, 120)), *parts, silence(rng.uniform(60, 120))))


def noise(rng: np.random.Generator, count: int, rms: float, colour: str = "white") -> Floats:
    """Return noise: white, pink (1/f), or babble: what many voices at once have in common."""
    spectrum = np.fft.rfft(rng.standard_normal(count))
    hertz = np.maximum(np.fft.rfftfreq(count, 1 / RATE), 30)
    if colour == "pink":
        spectrum = spectrum / np.sqrt(hertz)
    if colour == "babble":  # the long-term spectrum of speech, 9 dB down an octave from 500 Hz on (ITU-T P.50)
        spectrum = spectrum / (1 + (hertz / 500) ** 1.5)
    sound = np.fft.irfft(spectrum, count)
    if colour == "babble":  # and its syllables, four a second
        turns = np.arange(0, count + RATE // 8, RATE // 8)
        sound = sound * np.interp(np.arange(count), turns, rng.uniform(0.3, 1.7, len(turns)))
    return np.asarray(sound * rms / np.sqrt(np.mean(sound**2)))


def pair_rms(low: float = -15.0, high: float = -15.0) -> float:
    """Return the RMS of a digit of these levels."""
    return float(np.hypot(peak(low), peak(high)) / np.sqrt(2))


def through(sound: Floats, codec: str) -> Samples:
    """Return what comes out of a leg of "pcmu", "pcma" or, unchanged but for its rounding, "linear"."""
    samples = g711.saturate(sound)
    return {"pcmu": g711.through, "pcma": _a_law, "linear": lambda same: same}[codec](samples)


def _a_law(samples: Samples) -> Samples:
    """Return what A-law leaves of them (G.711 table 1a): 12 bits and a sign, eight segments of sixteen steps."""
    magnitude = np.minimum(np.where(samples < 0, ~samples.astype(np.int32), samples) >> 3, 0xFFF)
    segment = np.maximum(np.floor(np.log2(np.maximum(magnitude, 1))).astype(np.int32) - 4, 0)
    shift = np.maximum(segment - 1, 0) + 1
    middle = ((magnitude >> shift) << shift) + (1 << (shift - 1))
    return np.asarray(np.where(samples < 0, -middle, middle) << 3, np.int16)


def under(sound: Floats, parts: Sequence[tuple[float, Floats]]) -> Floats:
    """Return the sound with each part added where it begins, in seconds."""
    mixed = sound.copy()
    for begin_s, part in parts:
        begin = round(begin_s * RATE)
        mixed[begin : begin + len(part)] += part[: max(0, len(mixed) - begin)]
    return np.asarray(mixed)
