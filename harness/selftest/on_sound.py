"""Faults in the sound: what a bad call makes of it, at a place in seconds of the file that is played."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np

from harness.selftest.fault import Expected, Fault
from harness.selftest.material import RATE, Sound, speech

GAP_ERROR_MS = 6.0  # how exactly the length of a gap is known whose edges may fall into a pause
LEVEL_ERROR_DB = 0.1
DRIFT_ERROR_PPM = 5.0
USUAL_MS, LATE_MS = 400.0, 200.0  # a call's delay, and what is added to it
DELAY_ERROR_MS = 25.0  # a frame more or less in a jitter buffer
LOUD = 40  # a factor that makes everything hit the rails
RAIL = 32767  # baresip 1.0.0 makes next to nothing of -32768
TAPS = 24  # on each side, of the interpolation between samples

Make = Callable[[Sound, float], tuple[Fault, Sound]]


def _clean(sound: Sound, at_s: float) -> tuple[Fault, Sound]:
    return Fault(name="clean recording", what="speech with digits over it"), sound


def _muted(length_s: float) -> Make:
    def make(sound: Sound, at_s: float) -> tuple[Fault, Sound]:
        muted = sound.copy()
        muted[round(at_s * RATE) : round((at_s + length_s) * RATE)] = 0
        return _gap(f"muted {1000 * length_s:g} ms", "silence", length_s, at_s, "silent"), muted

    return make


def _skipped(length_s: float) -> Make:
    def make(sound: Sound, at_s: float) -> tuple[Fault, Sound]:
        first, after = round(at_s * RATE), round((at_s + length_s) * RATE)
        fault = _gap(f"shifted {-1000 * length_s:g} ms", "cut out, the rest earlier", length_s, at_s, "missing")
        return fault, np.concatenate((sound[:first], sound[after:]))

    return make


def _delayed(length_s: float) -> Make:
    def make(sound: Sound, at_s: float) -> tuple[Fault, Sound]:
        first = round(at_s * RATE)
        later = np.concatenate((sound[:first], np.zeros(round(length_s * RATE)), sound[first:]))
        name = f"shifted +{1000 * length_s:g} ms"
        return _gap(name, "of nothing put in, the rest later", length_s, at_s, "silent"), later

    return make


def _doubled(length_s: float) -> Make:
    def make(sound: Sound, at_s: float) -> tuple[Fault, Sound]:
        first, count = round(at_s * RATE), round(length_s * RATE)
        again = np.concatenate((sound[:first], sound[first - count : first], sound[first:]))
        return _gap(f"doubled {1000 * length_s:g} ms", "heard twice", length_s, at_s, "repeated"), again

    return make


def _gap(name: str, what: str, length_s: float, at_s: float, kind: str) -> Fault:
    length_ms = 1000 * length_s
    expects = [Expected(check="heard gap", size=length_ms, size_error=GAP_ERROR_MS, at_s=at_s, says=kind)]
    return Fault(name=name, what=f"{length_ms:g} ms {what}", at_s=at_s, expects=expects)


def _clipped(sound: Sound, at_s: float) -> tuple[Fault, Sound]:
    loud, where = sound.copy(), slice(round(at_s * RATE), round((at_s + 0.1) * RATE))
    loud[where] = np.clip(LOUD * loud[where], -RAIL, RAIL)
    samples = int((np.abs(loud[where]) >= RAIL).sum())
    clipped = Expected(check="clipped", size=samples, size_error=0.1 * samples, at_s=at_s)
    fault = Fault(name="clipped", what=f"100 ms {LOUD} times as loud", at_s=at_s, expects=[clipped])
    return fault, loud


def _louder(db: float) -> Make:
    def make(sound: Sound, at_s: float) -> tuple[Fault, Sound]:
        expects = [Expected(check="level", size=db, size_error=LEVEL_ERROR_DB)]
        fault = Fault(name=f"level {db:+g} dB", what=f"all of it {db:+g} dB", expects=expects)
        return fault, sound * 10 ** (db / 20)

    return make


def _silent(sound: Sound, at_s: float) -> tuple[Fault, Sound]:
    expects = [Expected(check="heard", says="nothing"), Expected(check="dtmf")]
    return Fault(name="silent", what="nothing but zeros", expects=expects), np.zeros(len(sound))


def _another(sound: Sound, at_s: float) -> tuple[Fault, Sound]:
    other = speech(np.random.default_rng(round(at_s * 1e6)), len(sound) / RATE)
    expects = [Expected(check="heard", says="nothing"), Expected(check="dtmf")]
    return Fault(name="another sound", what="what nobody played", expects=expects), other


def _late(sound: Sound, at_s: float) -> tuple[Fault, Sound]:
    expects = [Expected(check="delay", size=USUAL_MS + LATE_MS, size_error=DELAY_ERROR_MS)]
    fault = Fault(name=f"late by {LATE_MS:g} ms", what=f"all of it {LATE_MS:g} ms later than usual", expects=expects)
    return fault, np.concatenate((np.zeros(round(LATE_MS / 1000 * RATE)), sound))


def _drifting(ppm: float) -> Make:
    def make(sound: Sound, at_s: float) -> tuple[Fault, Sound]:
        expects = [Expected(check="drift", size=ppm, size_error=DRIFT_ERROR_PPM)]
        what = f"all of it {abs(ppm):g} ppm {'longer' if ppm > 0 else 'shorter'}"
        return Fault(name=f"drift {ppm:+g} ppm", what=what, expects=expects), _stretched(sound, ppm)

    return make


def _stretched(sound: Sound, ppm: float) -> Sound:
    """Return the sound longer by that many parts in a million, as a clock that runs slow by as much plays it.

    A windowed sinc between the samples; its error is far below the rounding of mu-law.
    """
    factor = 1 / (1 + ppm * 1e-6)
    places = np.arange(int(len(sound) / factor)) * factor
    whole = np.floor(places).astype(np.int64)
    part, padded = places - whole, np.pad(sound, TAPS)
    heard = np.zeros(len(places))
    for tap in range(1 - TAPS, TAPS + 1):
        distance = part - tap
        heard += padded[whole + tap + TAPS] * np.sinc(distance) * np.cos(np.pi * distance / (2 * TAPS)) ** 2
    return heard


FAULTS: Mapping[str, Make] = {
    "clean recording": _clean,
    "muted 60 ms": _muted(0.06),
    "muted 200 ms": _muted(0.2),
    "clipped": _clipped,
    "doubled 60 ms": _doubled(0.06),
    "doubled 200 ms": _doubled(0.2),
    "shifted +200 ms": _delayed(0.2),
    "shifted -200 ms": _skipped(0.2),
    "level +3 dB": _louder(3.0),
    "level -3 dB": _louder(-3.0),
    "late by 200 ms": _late,
    **{f"drift {ppm:+d} ppm": _drifting(ppm) for ppm in (100, -100)},
    "silent": _silent,
    "another sound": _another,
}
