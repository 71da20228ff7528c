"""What no formula makes: recorded voices and music, for digits to be heard under and for nothing to be heard in.

The recordings are Debian's: Asterisk's prompts (one voice per language) and its music on hold, and a text read by
espeak-ng. Where they are not installed there are none.
"""

from __future__ import annotations

import functools
import io
import shutil
import subprocess
import wave
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from scipy.signal import resample_poly  # type: ignore[import-untyped]

from battery.sound import KEYS, RATE, Samples, digit, pair_rms, through, under

PROMPTS, MUSIC = Path("/usr/share/asterisk/sounds"), Path("/usr/share/asterisk/moh")
TEXT = Path("/usr/share/common-licenses/GPL-2")
VOICES = ("en-us", "en-us+f2", "en-us+m3", "en-gb-x-rp", "de", "fr", "es+f3", "ru+f1")
PITCHES = ((1, 1), (7, 6), (6, 7))  # faster and higher, slower and lower: as many voices more


def prompts() -> dict[str, Samples]:
    """Return each language's prompts, one after another, by the name of the voice."""
    folders = sorted(path for path in PROMPTS.glob("*_*_*") if path.is_dir() and not path.is_symlink())
    found = {folder.name: _joined(sorted(folder.rglob("*.wav"))) for folder in folders}
    return {name: sound for name, sound in found.items() if len(sound)}


def music() -> dict[str, Samples]:
    """Return the music on hold, by name."""
    return {path.stem: _joined([path]) for path in sorted(MUSIC.rglob("*.wav"))}


def read_out() -> dict[str, Samples]:
    """Return the text as some voices of espeak-ng read it."""
    if not shutil.which("espeak-ng") or not TEXT.exists():
        return {}
    return {f"espeak-ng {voice}": _espeak(voice) for voice in VOICES}


def at_pitches(sound: Samples) -> Iterator[Samples]:
    """Yield a voice, and what other voices it becomes when it is played faster or slower."""
    for up, down in PITCHES:
        yield sound if up == down else _clipped(resample_poly(sound.astype(np.float32), down, up))


def chords(seconds: float, seed: int) -> Samples:
    """Return equal-tempered chords of three and four notes with their harmonics, struck one after another."""
    rng, played, length = np.random.default_rng(seed), [], 0
    while length < seconds * RATE:
        times = np.arange(rng.integers(800, 6400)) / RATE
        notes = 440 * 2 ** (rng.choice(np.arange(-21, 30), rng.integers(3, 5), replace=False) / 12)
        hertz = [(note * h, h**-1.5) for note in notes for h in range(1, 6) if note * h < 3600]
        chord = sum(part * np.sin(2 * np.pi * each * times + rng.uniform(0, 6)) for each, part in hertz)
        chord = chord * np.minimum(1, times * 100) * np.exp(-times * rng.uniform(0, 4))
        played.append(chord * rng.uniform(3000, 15000) / np.abs(chord).max())
        length += len(chord)
    return _clipped(np.concatenate(played))


@dataclass(frozen=True, slots=True)
class Under:
    """Digits under a sound: what was played, and what was sent."""

    samples: Samples
    sent: str
    starts_s: list[float]
    length_s: float


def digits_under(sound: Samples, over_db: float, ms: float, rng: np.random.Generator, seconds: int = 20) -> Under:
    """Return some seconds of a sound that is, while it sounds, so much louder than the digits in it."""
    begin = int(rng.integers(0, max(1, len(sound) - seconds * RATE)))
    part = sound[begin : begin + seconds * RATE].astype(np.float64)
    blocks = np.sqrt((part[: len(part) // 160 * 160].reshape(-1, 160) ** 2).mean(axis=1))
    sounding = blocks[blocks > 0.1 * np.sort(blocks)[-max(1, len(blocks) // 20)]]
    part *= pair_rms() * 10 ** (over_db / 20) / max(float(np.sqrt((sounding**2).mean())), 1.0)
    starts_s = list(np.cumsum(rng.uniform(0.3, 0.6, 200)))
    starts_s = [float(start_s) for start_s in starts_s if start_s < len(part) / RATE - 0.5]
    keys = "".join(KEYS[i] for i in rng.integers(0, 16, len(starts_s)))
    tones = [
        (start_s, digit(key, ms, rng, low=-15.0, high=-15.0 + rng.uniform(-3, 3)))
        for key, start_s in zip(keys, starts_s, strict=True)
    ]
    return Under(through(under(part, tones), "pcmu"), keys, starts_s, ms / 1000)


def _joined(paths: list[Path]) -> Samples:
    pause = np.zeros(RATE // 5, np.int16)
    parts = (part for path in paths for part in (_wav(path.read_bytes()), pause))
    return np.concatenate([np.zeros(0, np.int16), *parts])


def _wav(octets: bytes) -> Samples:
    with wave.open(io.BytesIO(octets)) as file:
        samples = np.frombuffer(file.readframes(file.getnframes()), np.int16)[:: file.getnchannels()]
        rate = file.getframerate()
    if rate == RATE:
        return samples
    common = np.gcd(rate, RATE)
    return _clipped(resample_poly(samples.astype(np.float32), RATE // common, rate // common))


@functools.cache
def _espeak(voice: str) -> Samples:
    done = subprocess.run(["espeak-ng", "-v", voice, "-f", TEXT, "--stdout"], capture_output=True, check=True)
    header, octets = done.stdout[:44], done.stdout[44:]  # the header is written before the length is known
    rate = int.from_bytes(header[24:28], "little")
    common = np.gcd(rate, RATE)
    samples = np.frombuffer(octets[: len(octets) // 2 * 2], np.int16).astype(np.float32)
    return _clipped(resample_poly(samples, RATE // common, rate // common))


def _clipped(sound: np.ndarray) -> Samples:
    return np.asarray(np.clip(np.rint(sound), -32768, 32767), np.int16)
