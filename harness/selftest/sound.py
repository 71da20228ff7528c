"""Faults in what was heard: a recording as a good call leaves it, and what a bad one makes of it."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np

from b2b.audio.tones import FREQUENCIES, amplitude
from harness.dtmf import detect
from harness.expect import SinkExpectation
from harness.judging.digits import check_digits
from harness.judging.sound import check_hearing
from harness.selftest.fault import Fault, Finding, examine
from harness.sound import RATE, compare
from harness.sound.g711 import Floats, through
from harness.verdict import Check

LENGTH_S, DELAY_S = 12, 0.4
DIGITS = "123#"
FIRST_S, APART_S, TONE_S = 2.0, 0.16, 0.08  # of each sequence, one every two seconds
SEQUENCES = 4
WANTED = SinkExpectation(dtmf=DIGITS)

Make = Callable[[Floats, float], tuple[Fault, Floats]]


def findings(seed: int) -> Iterator[Finding]:
    """Yield what the checks say of each fault, made at a place that the seed chooses."""
    random = np.random.default_rng(seed)
    played = _speech(random)
    for make in FAULTS:
        at_s = float(random.uniform(2.8, 3.6)) + 2 * int(random.integers(0, 3))  # between two sequences of digits
        fault, heard = make(_with_digits(played, DIGITS), at_s)
        yield examine(fault, seed, _checks(played, heard))
    for fault, digits, tone_s in DIGIT_FAULTS:
        yield examine(fault, seed, _checks(played, _with_digits(played, DIGITS, odd=digits, odd_tone_s=tone_s)))


def _checks(played: Floats, heard: Floats) -> list[Check]:
    recording = through(np.concatenate((np.zeros(round(DELAY_S * RATE)), heard)))
    digits = detect(recording, RATE)
    hearing = compare(played.astype(np.int16), recording, digits=digits)
    length_s = len(recording) / RATE + 1  # nothing was being closed at its end
    sound = check_hearing("sink", "sink.wav", hearing, WANTED, length_s=length_s)
    return [*sound, check_digits("sink", "sink.wav", digits, DIGITS, whole=SEQUENCES)]


def _speech(random: np.random.Generator) -> Floats:
    """Return noise that comes and goes as syllables do and never repeats; nothing in it is a digit."""
    noise = random.normal(size=LENGTH_S * RATE)
    dull = np.convolve(noise, np.hanning(9), "same")
    loudness = np.interp(
        np.arange(len(noise)), np.arange(0, len(noise), RATE // 8), random.uniform(0.3, 1, 8 * LENGTH_S)
    )
    return np.asarray(np.clip(2500 * loudness * dull / np.std(dull), -16000, 16000))


def _with_digits(played: Floats, digits: str, *, odd: str | None = None, odd_tone_s: float = TONE_S) -> Floats:
    """Return the sound with a sequence every two seconds; the second is another one if an odd one is given."""
    heard: Floats = played.copy()
    for number in range(SEQUENCES):
        keys = odd if number == 1 and odd is not None else digits
        for place, key in enumerate(keys):
            shortened = number == 1 and odd is not None and place == 1
            times = np.arange(round((odd_tone_s if shortened else TONE_S) * RATE)) / RATE
            first = round((FIRST_S + 2 * number + APART_S * place) * RATE)
            for hertz in FREQUENCIES[key]:
                heard[first : first + len(times)] += amplitude(-12.0) * np.sin(2 * np.pi * hertz * times)
    return heard


def _none(heard: Floats, at_s: float) -> tuple[Fault, Floats]:
    return Fault(name="none", injected="a clean recording with digits"), heard


def _muted(length_s: float) -> Make:
    def make(heard: Floats, at_s: float) -> tuple[Fault, Floats]:
        first = round(at_s * RATE)
        heard[first : first + round(length_s * RATE)] = 0
        return _gap("muted", f"{1000 * length_s:g} ms of silence", length_s, at_s), heard

    return make


def _skipped(length_s: float) -> Make:
    def make(heard: Floats, at_s: float) -> tuple[Fault, Floats]:
        first = round(at_s * RATE)
        rest = heard[first + round(length_s * RATE) :]
        return _gap("skipped", f"{1000 * length_s:g} ms cut out", length_s, at_s), np.concatenate((heard[:first], rest))

    return make


def _doubled(length_s: float) -> Make:
    def make(heard: Floats, at_s: float) -> tuple[Fault, Floats]:
        first, count = round(at_s * RATE), round(length_s * RATE)
        again = np.concatenate((heard[:first], heard[first - count : first], heard[first:]))
        return _gap("doubled", f"{1000 * length_s:g} ms heard twice", length_s, at_s), again

    return make


def _gap(name: str, injected: str, length_s: float, at_s: float) -> Fault:
    return Fault(
        name=f"{name} {1000 * length_s:g} ms", injected=f"{injected} at {at_s + DELAY_S:.2f} s", fails=("heard gap",),
        size=1000 * length_s, size_error=6, at_s=at_s + DELAY_S,
    )  # fmt: skip


def _louder(db: float) -> Make:
    def make(heard: Floats, at_s: float) -> tuple[Fault, Floats]:
        fault = Fault(name=f"level {db:+g} dB", injected="all of it", fails=("level",), size=db, size_error=0.1)
        return fault, heard * 10 ** (db / 20)

    return make


def _silent(heard: Floats, at_s: float) -> tuple[Fault, Floats]:
    return Fault(name="silent", injected="nothing but zeros", fails=("heard", "dtmf")), np.zeros(len(heard))


def _another(heard: Floats, at_s: float) -> tuple[Fault, Floats]:
    other = _with_digits(_speech(np.random.default_rng(round(at_s * 1e6))), DIGITS)
    return Fault(name="another sound", injected="what nobody played", fails=("heard",)), other


def _clipped(heard: Floats, at_s: float) -> tuple[Fault, Floats]:
    first = round(at_s * RATE)
    loud = heard.copy()
    loud[first : first + RATE // 10] = np.clip(40 * heard[first : first + RATE // 10], -32768, 32767)
    return Fault(name="clipped", injected=f"100 ms far too loud at {at_s + DELAY_S:.2f} s", fails=CLIPPED), loud


CLIPPED = ("clipped",)
FAULTS: tuple[Make, ...] = (
    _none, _muted(0.06), _muted(0.1), _skipped(0.06), _skipped(0.2), _doubled(0.06), _doubled(0.2),
    _louder(3.0), _louder(-3.0), _clipped, _silent, _another,
)  # fmt: skip


def _digit(name: str, injected: str) -> Fault:
    return Fault(name=f"digit {name}", injected=injected, fails=("dtmf",))


DIGIT_FAULTS = (
    (_digit("lost", "1 3 # in the second sequence"), "13#", TONE_S),
    (_digit("doubled", "1 2 2 3 # in the second sequence"), "1223#", TONE_S),
    (_digit("wrong", "1 5 3 # in the second sequence"), "153#", TONE_S),
    (_digit("too short", "a 2 of 20 ms in the second sequence"), "123#", 0.02),
)
