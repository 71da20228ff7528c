"""Checks of the digits that a listener got: the sequence, as often as there was time for it, and each of them once."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from harness.judging.outcome import outcome_of
from harness.signalled import INBAND, Heard
from harness.verdict import Check, Outcome

if TYPE_CHECKING:
    from harness.dtmf import Digit as Tone

    Digit = Tone | Heard

SAME_S = 1.0  # a tone is heard that much later than an event at the most: jitter and player buffers
MEASURED_MS = 2.5  # how exactly the length of a digit is known, in noise


@dataclass(frozen=True, slots=True)
class _Oddity:
    """The first thing that is wrong with the digits, and when."""

    words: str
    at_s: float


def check_digits(
    name: str,
    file: str,
    digits: Sequence[Digit],
    sequence: str,
    *,
    whole: int | None,
    min_ms: float = 0,
    once: bool = False,
    by: str = INBAND,
) -> Check:
    """Compare what was heard with the sequence; the end may cut one off, unless it was sent `once`.

    `whole` is how many sequences there was time for; None where nobody knows, and one will do. No digit may be shorter
    than `min_ms`, but for one at the end that may have been cut off.
    """
    heard = "".join(digit.digit for digit in digits)
    whole = 1 if once else whole
    least = len(sequence) * whole if whole is not None else len(sequence)
    most = len(heard) if whole is None else least + (0 if once else len(sequence))
    repeated = sequence * (max(len(heard), least) // max(1, len(sequence)) + 2)
    oddity = _different(digits, heard, repeated, least, most) or _short(digits, least, min_ms)
    times = "once" if once else f"{whole} times" if whole is not None else "repeated"
    way = "" if by == INBAND else f" by {by}"
    return Check(
        name="dtmf",
        where=name,
        outcome=outcome_of(oddity is None),
        wanted=f"{sequence!r} {times}{way}",
        got=f"{heard!r}{way}{f', {oddity.words}' if oddity and heard else ''}",
        at_s=oddity.at_s if oddity and heard else None,
        file=file,
    )


def _different(digits: Sequence[Digit], heard: str, repeated: str, least: int, most: int) -> _Oddity | None:
    """Return the first digit that is missing, too many or another one; the simplest explanation of what follows."""
    same = _common(heard, repeated)
    if same == len(heard) and least <= same <= most:
        return None
    last_s = digits[same - 1].end_s if same else 0.0
    if same == len(heard) < least:
        missing = least - same
        return _Oddity(f"{missing} digit{'s' if missing > 1 else ''} missing after {last_s:.2f} s", last_s)
    if same >= most:
        return _Oddity(f"{len(heard) - most} too many", digits[most].start_s)
    odd, wanted = digits[same], repeated[same]
    missing, extra, wrong = (
        _common(heard[same + came :], repeated[same + sent :])
        for came, sent in ((0, 1), (1, 0), (1, 1))
    )
    if missing > max(extra, wrong):
        return _Oddity(f"a {wanted} missing after {last_s:.2f} s", last_s)
    if extra > wrong:
        return _Oddity(f"a {odd.digit} too many", odd.start_s)
    return _Oddity(f"a {odd.digit} instead of a {wanted}", odd.start_s)


def _common(one: str, other: str) -> int:
    """Return how many digits both begin with."""
    return sum(1 for _ in itertools.takewhile(lambda pair: pair[0] == pair[1], zip(one, other, strict=False)))


def _short(digits: Sequence[Digit], least: int, min_ms: float) -> _Oddity | None:
    """Return the first digit that not every receiver need have heard."""
    for number, digit in enumerate(digits):
        cut_off = number == len(digits) - 1 and number >= least
        if 1000 * digit.length_s < min_ms - MEASURED_MS and not cut_off:
            words = f"a {digit.digit} of {1000 * digit.length_s:.0f} ms, shorter than {min_ms:g}"
            return _Oddity(words, digit.start_s)
    return None


def check_twice(name: str, file: str, heard: Iterable[Heard]) -> Check:
    """Check that no digit came by two ways at once: a device that passes tones on and signals them too counts twice."""
    pairs = list(_pairs(sorted(heard, key=lambda one: one.start_s)))
    got = ", ".join(f"{one.digit!r} by {one.by} and by {other.by}" for one, other in pairs) or "each once"
    return Check(
        name="digits once",
        where=name,
        outcome=Outcome.FAIL if pairs else Outcome.PASS,
        wanted="no digit by two ways",
        got=got,
        at_s=pairs[0][0].start_s if pairs else None,
        file=file,
    )


def _pairs(heard: Sequence[Heard]) -> Iterator[tuple[Heard, Heard]]:
    used: set[int] = set()
    for at, one in enumerate(heard):
        for later in range(at + 1, len(heard)):
            other = heard[later]
            if other.start_s - one.start_s > SAME_S:
                break
            if other.digit == one.digit and other.by != one.by and not used & {at, later}:
                used |= {at, later}
                yield one, other
