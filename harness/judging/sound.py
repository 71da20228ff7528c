"""Checks of one recording against the file that was played: one for each figure, so that a fault fails one of them."""

from __future__ import annotations

import functools
import math
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import TYPE_CHECKING

from harness.expect import SinkExpectation
from harness.fault.cause import Cause, Who
from harness.judging.outcome import outcome_of
from harness.verdict import Check, Outcome

if TYPE_CHECKING:
    from harness.sound import Gap, Hearing, Level

CLOSING_S = 0.2  # baresip stops a call's threads one by one, and its player plays pieces meanwhile
ENDING_S = 0.005  # what begins with the end of the file is no gap in it
CHEAP_DB = 20.0  # a clock that drifts may interpolate badly: its remains are above that, and are its own
DOUBLE_DB = -10.0  # so loud an echo leaves too much of itself to tell what else there is
EARLIER_S, LATER_S = 0.3, 1.5  # for a hold: than it was on the wire, by leads and buffers along the way
LONGER_S = 0.5  # that it may be heard by the same buffers, and by what the file has of silence around it
SHARP_S = 0.0005  # to which the edges of a gap are known
SAME_DB = 0.15  # a gain that is the plan's: two legs of mu-law change it by 0.05 dB

Make = Callable[..., Check]


def check_hearing(
    name: str,
    file: str,
    hearing: Hearing,
    wanted: SinkExpectation,
    *,
    length_s: float,
    sent_s: float = math.inf,
    silence: str = "",
    cause_of: Callable[[Gap], Cause] | None = None,
    holds: Sequence[tuple[float, float]] = (),
) -> Iterator[Check]:
    """Yield the checks of a recording of that length whose source's file is known.

    `sent_s` is how long the source was in the call. `holds` are from when to when the call was on hold; what is not
    heard of the file then is no gap. `silence` says what is known of a recording in which there is
    nothing of it. `cause_of` finds out whose fault a gap is, where more than the recording is known. What could not be
    measured has no check.
    """
    make = functools.partial(Check, where=name, file=file)
    cut_s = min(hearing.cut_s, hearing.delay_s + sent_s - hearing.end_s)
    if any(_in_hold(hearing.end_s, min(cut_s, end_s - start_s), (start_s, end_s)) for start_s, end_s in holds):
        cut_s = 0.0
    yield _heard(make, hearing, wanted, cut_s, silence)
    if not hearing.matched:
        return
    gaps = [gap for gap in in_call(hearing, length_s) if gap.breaks]
    gaps = [gap for gap in gaps if not any(_in_hold(gap.at_s, gap.length_s, hold) for hold in holds)]
    yield _heard_gap(make, gaps, wanted, cause_of)
    level = abs(hearing.level_db - wanted.level_db) <= wanted.max_level_error_db
    yield make(
        name="level",
        outcome=outcome_of(level),
        wanted=f"{wanted.level_db:+g} dB within {wanted.max_level_error_db:g}",
        got=f"{hearing.level_db:+.2f} dB ({hearing.active_dbov:.1f} dBov)",
    )
    yield clipped(make, hearing.clipped, hearing.clipped_at_s, wanted)
    others = [*_delay(make, hearing, wanted), *_moved(make, hearing, wanted), *_beside(make, hearing, wanted)]
    yield from others
    good = all(check.outcome is outcome_of(True) for check in others)
    if good and hearing.code_equal is not None and abs(hearing.level_db) <= SAME_DB:
        yield make(
            name="codes",
            outcome=outcome_of(hearing.code_equal >= wanted.min_code_equal),
            wanted=f"at least {100 * wanted.min_code_equal:g} % within one code of the file",
            got=f"{100 * hearing.code_equal:.2f} %",
        )


def in_call(hearing: Hearing, length_s: float) -> list[Gap]:
    """Return the gaps of a recording of that length, but not what it has while the call is being closed."""
    closing_s = min(hearing.end_s - ENDING_S, length_s - CLOSING_S)
    return [gap for gap in hearing.gaps if gap.at_s < closing_s]


def check_level(name: str, file: str, level: Level, *, silence: str = "") -> Check:
    """Check of a recording that there is sound in it at all."""
    got = silence or "silence" if level.silent else f"{level.active_dbov:.1f} dBov"
    return Check(name="heard", where=name, outcome=outcome_of(not level.silent), wanted="sound", got=got, file=file)


def clipped(make: Make, samples: int, at_s: float | None, wanted: SinkExpectation) -> Check:
    """Check of the samples at the rails, and where the first is."""
    good = outcome_of(samples <= wanted.max_clipped)
    limit = f"at most {wanted.max_clipped} samples"
    return make(name="clipped", outcome=good, wanted=limit, got=str(samples), at_s=at_s)


def constant(make: Make, dc: float, wanted: SinkExpectation) -> Check:
    """Check of the mean: a constant that nobody hears, and that takes away room."""
    good = outcome_of(abs(dc) <= wanted.max_dc)
    return make(name="dc", outcome=good, wanted=f"within {wanted.max_dc:g} steps of 0", got=f"{dc:+.1f} steps")


def _heard(make: Make, hearing: Hearing, wanted: SinkExpectation, cut_s: float, silence: str) -> Check:
    make = functools.partial(make, name="heard", wanted="the source's file")
    if not hearing.matched:
        return make(outcome=outcome_of(False), got=silence or "nothing of it")
    got = f"{hearing.heard_s:.1f} s of it, {hearing.delay_s:.2f} s into the recording"
    if 1000 * cut_s > wanted.max_cut_ms:
        return make(outcome=outcome_of(False), got=f"{got}, then no more of it for {cut_s:.1f} s", at_s=hearing.end_s)
    return make(outcome=outcome_of(True), got=got)


def _in_hold(at_s: float, length_s: float, hold: tuple[float, float]) -> bool:
    """Whether a hold accounts for a gap: by when it is, and by how long."""
    start_s, end_s = hold
    ends_s = at_s + length_s  # also where something is missing, and takes no time in the recording
    return start_s - EARLIER_S <= at_s and ends_s <= end_s + LATER_S and length_s <= end_s - start_s + LONGER_S


def _heard_gap(
    make: Make, gaps: Sequence[Gap], wanted: SinkExpectation, cause_of: Callable[[Gap], Cause] | None
) -> Check:
    """Judge what is missing, silent, repeated or inserted, but not while the call was being closed.

    As on the wire, what our own machine did leaves the check unknown, unless another gap fails it.
    """
    limit_s = wanted.max_heard_gap_ms / 1000 + SHARP_S
    worst = max(gaps, key=lambda gap: gap.length_s, default=None)
    outcome, why = outcome_of(worst is None or worst.length_s <= limit_s), None
    if cause_of and outcome is Outcome.FAIL:
        found = ((gap, cause_of(gap)) for gap in sorted(gaps, key=lambda gap: -gap.length_s) if gap.length_s > limit_s)
        causes = list(_until_other(found))
        worst, why = causes[-1] if causes[-1][1].who is not Who.HOST else causes[0]
        outcome = Outcome.UNKNOWN if why.who is Who.HOST else Outcome.FAIL
    got = f"{1000 * worst.length_s:.0f} ms {worst.kind.value}" if worst else "none"
    return make(
        name="heard gap",
        outcome=outcome,
        wanted=f"at most {wanted.max_heard_gap_ms:g} ms",
        got=f"{got} ({why.beside()})" if why else got,
        at_s=worst.at_s if worst else None,
        cause=str(why) if why else None,
    )


def _until_other(found: Iterable[tuple[Gap, Cause]]) -> Iterator[tuple[Gap, Cause]]:
    """Yield gaps up to the first that is not our own machine's fault."""
    for gap, cause in found:
        yield gap, cause
        if cause.who is not Who.HOST:
            return


def _delay(make: Make, hearing: Hearing, wanted: SinkExpectation) -> Iterator[Check]:
    if wanted.max_delay_ms is not None:
        delay_ms = 1000 * hearing.delay_s
        good = outcome_of(delay_ms <= wanted.max_delay_ms)
        yield make(name="delay", outcome=good, wanted=f"at most {wanted.max_delay_ms:g} ms", got=f"{delay_ms:.0f} ms")


def _moved(make: Make, hearing: Hearing, wanted: SinkExpectation) -> Iterator[Check]:
    """Yield what is about every sample: a clock, an echo."""
    if not math.isnan(hearing.drift_ppm):
        good = outcome_of(abs(hearing.drift_ppm) <= wanted.max_drift_ppm)
        limit = f"within {wanted.max_drift_ppm:g} ppm"
        yield make(name="drift", outcome=good, wanted=limit, got=f"{hearing.drift_ppm:+.1f} ppm")
    if not math.isnan(hearing.echo_db):
        yield make(
            name="echo",
            outcome=outcome_of(hearing.echo_db <= wanted.max_echo_db),
            wanted=f"at most {wanted.max_echo_db:g} dB",
            got=f"{hearing.echo_db:.1f} dB after {hearing.echo_ms:.0f} ms" if hearing.echo_ms else "none",
        )


def _beside(make: Make, hearing: Hearing, wanted: SinkExpectation) -> Iterator[Check]:
    """Yield what is about everything but the file: noise, hum, somebody else, a constant."""
    doubled = hearing.echo_db > max(DOUBLE_DB, wanted.max_echo_db)
    resampled = abs(hearing.drift_ppm) > wanted.max_drift_ppm and hearing.snr_db >= CHEAP_DB
    if not math.isnan(hearing.snr_db) and not doubled and not resampled:
        loud, poor = hearing.residual_dbov > wanted.max_residual_dbov, hearing.snr_db < wanted.min_snr_db
        yield make(
            name="residual",
            outcome=outcome_of(not loud and not poor),
            wanted=f"at most {wanted.max_residual_dbov:g} dBov beside the file, SNR at least {wanted.min_snr_db:g} dB",
            got=f"{hearing.residual_dbov:.1f} dBov, SNR {hearing.snr_db:.1f} dB",
            at_s=hearing.residual_at_s if loud else hearing.worst_at_s if poor else None,
        )
    yield constant(make, hearing.dc, wanted)
