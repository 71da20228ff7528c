"""The check of how good a listener would find it, by PESQ: only where somebody asks for it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from harness.expect import SinkExpectation
from harness.judging.outcome import outcome_of
from harness.verdict import Check, Outcome

if TYPE_CHECKING:
    from harness.dtmf import Digit
    from harness.sound import Hearing
    from harness.sound.g711 import Samples


def check_pesq(
    name: str,
    file: str,
    played: Samples,
    heard: Samples,
    hearing: Hearing,
    digits: Sequence[Digit],
    wanted: SinkExpectation,
) -> Iterator[Check]:
    """Yield the check of the worst window, or why it could not be told; what was played is only fetched where asked."""
    if wanted.min_pesq is None or not hearing.matched:
        return
    from harness.sound.pesq import score

    found = score(played, heard, hearing.segments, digits=[(digit.start_s, digit.end_s) for digit in digits])
    yield Check(
        name="pesq",
        where=name,
        outcome=Outcome.UNKNOWN if found.reason else outcome_of(found.worst >= wanted.min_pesq),
        wanted=f"at least {wanted.min_pesq:g} in any 10 s",
        got=found.reason or f"{found.worst:.2f}",
        at_s=None if found.reason else found.at_s,
        file=file,
    )
