"""Checks of one recording: against the file that was played, or, without one, by itself."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from harness.expect import SinkExpectation
from harness.judging.outcome import outcome_of
from harness.verdict import Check

if TYPE_CHECKING:
    from harness.sound import Gap, Hearing, Level

CLOSING_S = 0.2  # baresip stops a call's threads one by one, and its player plays pieces meanwhile


def check_hearing(
    name: str, file: str, hearing: Hearing, wanted: SinkExpectation, *, length_s: float
) -> Iterator[Check]:
    """Yield the checks of a recording of that length whose source's file is known."""
    heard = f"{hearing.heard_s:.1f} s of it, {hearing.delay_s:.2f} s into the recording"
    got = heard if hearing.matched else "nothing of it"
    good = outcome_of(hearing.matched)
    yield Check(name="heard", where=name, outcome=good, wanted="the source's file", got=got, file=file)
    if not hearing.matched:
        return
    yield _heard_gap(name, file, worst_gap(hearing, length_s), wanted)
    off_db = abs(hearing.level_db - wanted.level_db)
    yield Check(
        name="level",
        where=name,
        outcome=outcome_of(off_db <= wanted.max_level_error_db),
        wanted=f"{wanted.level_db:+g} dB within {wanted.max_level_error_db:g}",
        got=f"{hearing.level_db:+.2f} dB",
        file=file,
    )
    yield _clipped(name, file, hearing.clipped, wanted)


def check_level(name: str, file: str, level: Level) -> Check:
    """Check of a recording that there is sound in it at all."""
    got = "silence" if level.silent else f"{level.active_dbov:.1f} dBov"
    return Check(name="heard", where=name, outcome=outcome_of(not level.silent), wanted="sound", got=got, file=file)


def check_alone(name: str, file: str, level: Level, wanted: SinkExpectation) -> Iterator[Check]:
    """Yield what can be said of a recording without the file that was played."""
    yield check_level(name, file, level)
    yield _clipped(name, file, level.clipped, wanted)


def worst_gap(hearing: Hearing, length_s: float) -> Gap | None:
    """Return the longest gap in a recording of that length, but for those while the call was being closed."""
    closing_s = min(hearing.end_s, length_s - CLOSING_S)
    return max((gap for gap in hearing.gaps if gap.at_s < closing_s), key=lambda gap: gap.length_s, default=None)


def _heard_gap(name: str, file: str, worst: Gap | None, wanted: SinkExpectation) -> Check:
    """Judge what is missing, silent, repeated or inserted."""
    length_ms = 1000 * worst.length_s if worst else 0.0
    return Check(
        name="heard gap",
        where=name,
        outcome=outcome_of(length_ms <= wanted.max_heard_gap_ms),
        wanted=f"at most {wanted.max_heard_gap_ms:g} ms",
        got=f"{length_ms:.0f} ms {worst.kind.value}" if worst else "none",
        at_s=worst.at_s if worst else None,
        file=file,
    )


def _clipped(name: str, file: str, clipped: int, wanted: SinkExpectation) -> Check:
    limit = f"at most {wanted.max_clipped} samples"
    good = outcome_of(clipped <= wanted.max_clipped)
    return Check(name="clipped", where=name, outcome=good, wanted=limit, got=str(clipped), file=file)
