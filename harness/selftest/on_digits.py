"""Faults in the digits: a sequence that is repeated, and what a bad sender makes of one of its digits."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from harness.selftest.fault import Expected, Fault
from harness.selftest.material import Sound, add_tone

DIGITS = "123#"
SEQUENCES = 4
FIRST_S, PERIOD_S, APART_S, TONE_S = 2.0, 2.0, 0.16, 0.08
SHORT_S = 0.035  # Q.24: 40 ms must be heard, 23 must not
SHORT_ERROR_MS = 3.5  # under noise
PLACE_ERROR_S = 0.02
OTHERS = "4567890*"


@dataclass(frozen=True, slots=True)
class Key:
    """One digit as it is sent."""

    digit: str
    at_s: float
    length_s: float = TONE_S

    @property
    def end_s(self) -> float:
        """When it is let go."""
        return self.at_s + self.length_s


Keys = list[Key]
Make = Callable[[Keys, int], tuple[Fault, Keys]]


def clean(*, first_s: float = FIRST_S, sequences: int = SEQUENCES) -> Keys:
    """Return the digits of a good call."""
    return [
        Key(digit, first_s + PERIOD_S * number + APART_S * place)
        for number in range(sequences)
        for place, digit in enumerate(DIGITS)
    ]


def at_random(random: np.random.Generator, keys: Sequence[Key]) -> int:
    """Return the place of a digit to do something to: not of the first sequence, nor of the last."""
    return int(random.integers(len(DIGITS), len(keys) - len(DIGITS)))


def pressed(sound: Sound, keys: Sequence[Key]) -> Sound:
    """Return a sound with digits over it."""
    over: Sound = sound.copy()
    for key in keys:
        add_tone(over, key.digit, key.at_s, key.length_s)
    return over


def _lost(keys: Keys, at: int) -> tuple[Fault, Keys]:
    key, says = keys[at], f"a {keys[at].digit} missing"
    return _fault("lost", f"no {key.digit}", key.at_s, says, told_s=keys[at - 1].end_s), keys[:at] + keys[at + 1 :]


def _doubled(keys: Keys, at: int) -> tuple[Fault, Keys]:
    again = replace(keys[at], at_s=keys[at].at_s + APART_S)
    left = len(DIGITS) - 1 - at % len(DIGITS)  # of its sequence, which give way
    later = [replace(key, at_s=key.at_s + APART_S) for key in keys[at + 1 : at + 1 + left]]
    fault = _fault("doubled", f"a second {again.digit}", again.at_s, f"a {again.digit} too many")
    return fault, [*keys[: at + 1], again, *later, *keys[at + 1 + left :]]


def _wrong(keys: Keys, at: int) -> tuple[Fault, Keys]:
    key = keys[at]
    other = replace(key, digit=OTHERS[at % len(OTHERS)])
    says = f"a {other.digit} instead of a {key.digit}"
    return _fault("wrong", f"a {other.digit} for the {key.digit}", key.at_s, says), _with(keys, at, other)


def _short(keys: Keys, at: int) -> tuple[Fault, Keys]:
    """Make a digit shorter than every receiver must hear, and longer than none may: it is missing, or told of."""
    key, length_ms = keys[at], 1000 * SHORT_S
    before_s = keys[at - 1].end_s
    expected = Expected(
        check="dtmf", size=length_ms, size_error=SHORT_ERROR_MS, figure=r"of (\d+) ms", instead="missing",
        at_s=(before_s + key.at_s) / 2, at_error_s=(key.at_s - before_s) / 2 + PLACE_ERROR_S, says=f"a {key.digit} ",
    )  # fmt: skip
    what = f"a {key.digit} of {length_ms:g} ms"
    fault = Fault(name=f"digit {length_ms:g} ms", what=what, at_s=key.at_s, expects=[expected])
    return fault, _with(keys, at, replace(key, length_s=SHORT_S))


def _with(keys: Keys, at: int, other: Key) -> Keys:
    return [*keys[:at], other, *keys[at + 1 :]]


def _fault(name: str, what: str, at_s: float, says: str, *, told_s: float | None = None) -> Fault:
    """Return a fault, with where it is told of: a digit that is missing after the end of the one before."""
    expected = Expected(
        check="dtmf", at_s=at_s if told_s is None else told_s, at_error_s=PLACE_ERROR_S, says=says
    )
    return Fault(name=f"digit {name}", what=what, at_s=at_s, expects=[expected])


FAULTS: Mapping[str, Make] = {
    "digit lost": _lost, "digit doubled": _doubled, "digit wrong": _wrong, "digit 35 ms": _short,
}  # fmt: skip
