"""Checks of one recording by itself, where nobody knows what was played."""

from __future__ import annotations

import functools
from collections.abc import Iterator
from typing import TYPE_CHECKING

from harness.expect import SinkExpectation
from harness.judging.outcome import outcome_of
from harness.judging.sound import CLOSING_S, check_level, clipped, constant
from harness.sound.g711 import RATE
from harness.verdict import Check

if TYPE_CHECKING:
    from harness.sound import Level


def check_alone(name: str, file: str, level: Level, wanted: SinkExpectation) -> Iterator[Check]:
    """Yield what can be said of a recording without the file that was played."""
    yield check_level(name, file, level)
    if level.silent:
        return
    make = functools.partial(Check, where=name, file=file)
    sudden = [stretch for stretch in level.dropouts if stretch[0] < level.length_s - CLOSING_S]
    at_s, length_s = max(sudden, key=lambda stretch: stretch[1], default=(None, 0.0))
    yield make(
        name="heard gap",
        outcome=outcome_of(1000 * length_s <= wanted.max_heard_gap_ms),
        wanted=f"at most {wanted.max_heard_gap_ms:g} ms",
        got=f"{1000 * length_s:.0f} ms of sudden silence" if sudden else "none",
        at_s=at_s,
    )
    at_s, length_s = max(_inside(level), key=lambda stretch: stretch[1], default=(None, 0.0))
    yield make(
        name="dead air",
        outcome=outcome_of(length_s <= wanted.max_dead_air_s),
        wanted=f"at most {wanted.max_dead_air_s:g} s",
        got=f"{length_s:.1f} s" if length_s else "none",
        at_s=at_s,
    )
    yield make(
        name="level",
        outcome=outcome_of(wanted.min_active_dbov <= level.active_dbov <= wanted.max_active_dbov),
        wanted=f"{wanted.min_active_dbov:g} to {wanted.max_active_dbov:g} dBov",
        got=f"{level.active_dbov:.1f} dBov, active {100 * level.activity:.0f} % of the time",
    )
    samples = round(sum(length_s for _, length_s in level.flattened) * RATE)
    yield clipped(make, samples, level.flattened[0][0] if level.flattened else None, wanted)
    yield constant(make, level.dc, wanted)


def _inside(level: Level) -> list[tuple[float, float]]:
    """Return the dead air between sounds: what comes before the first and after the last is no pause."""
    end_s = level.length_s - 0.02
    return [(at_s, length_s) for at_s, length_s in level.dead_air if at_s > 0 and at_s + length_s < end_s]
