"""The checks of a verdict, each with the place on the axis to which the page jumps."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import asdict, fields

from harness.report.page.sound import piece
from harness.report.page.tracks import Drawn
from harness.report.page.view import RECORDING, Finding, Piece
from harness.verdict import Check, Outcome

AROUND_S = 0.7  # of sound before and after a place that is amiss
MOST_CLIPS = 10
SHOWN = {"name", "where", "outcome", "wanted", "got", "at_s", "file"}  # in columns of their own
ORDER = (Outcome.FAIL, Outcome.UNKNOWN, Outcome.PASS)


def findings(checks: Sequence[Check], drawn: Drawn) -> list[Finding]:
    """Return the checks, what is amiss first; those that are, with the sound around their places."""
    return list(_found(sorted(checks, key=lambda check: ORDER.index(check.outcome)), drawn))


def _found(checks: Sequence[Check], drawn: Drawn) -> Iterator[Finding]:
    clips = 0
    extra = [item.name for item in fields(Check) if item.name not in SHOWN]
    for check in checks:
        more = {name: str(value) for name, value in asdict(check).items() if name in extra and value not in (None, "")}
        place = drawn.place(check)
        if place is None or check.at_s is None:
            yield Finding(check, None, place.row if place else "", more)
            continue
        clip = _clip(check, drawn) if clips < MOST_CLIPS else None
        clips += clip is not None
        yield Finding(check, check.at_s + place.plus_s, place.row, more, clip)


def _clip(check: Check, drawn: Drawn) -> Piece | None:
    """Return the sound around what is amiss in a recording."""
    sound = drawn.sounds.get(check.where)
    if check.outcome is Outcome.PASS or check.at_s is None or sound is None or sound.track.kind != RECORDING:
        return None
    return piece(sound.samples, check.at_s - AROUND_S, check.at_s + AROUND_S)
