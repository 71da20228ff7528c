"""Lays sounds and packets on the page's axis: each where it was captured or recorded, and how long after its source."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np

from harness.dtmf import Digit, detect
from harness.judging.sound import in_call
from harness.report.page import hops as packets
from harness.report.page.hops import Hop
from harness.report.page.sound import carry
from harness.report.page.view import HOP, RECORDING, Mark, Strip, Track
from harness.sound import Hearing, align
from harness.sound.g711 import RATE, Samples
from harness.verdict import Check, Outcome

MOST_HOPS = 12
SEARCHED_S = 40.0  # of a file, for its beginning in a sound
SPANS_S = (5.0, 15.0, 30.0)  # of the sound
QUIET = 24  # 16-bit steps that are no sound
ALIKE = 0.3  # the correlation from which on a delay is believed: digits may be louder than the speech below them
NOTHING: Samples = np.zeros(0, np.int16)


@dataclass(frozen=True, slots=True, kw_only=True)
class Sound:
    """A sound at one point of its way. `where` is how checks name it; `file_at_s` where in it the source's file begins,
    where that has been measured.
    """

    track: Track
    samples: Samples
    where: str = ""
    file_at_s: float | None = None


@dataclass(frozen=True, slots=True)
class Way:
    """What a source played, and what became of it hop by hop until somebody heard it."""

    file: Sound | None
    sounds: Sequence[Sound]


@dataclass(frozen=True, slots=True)
class Place:
    """Where checks of one name lie: in which row, and what to add to their times."""

    row: str
    plus_s: float


HEARD_AT = ", heard at "  # between what a check is about and in whose recording


@dataclass(frozen=True, slots=True, kw_only=True)
class Drawn:
    """What lies on the axis, and from when to when there is sound or a packet."""

    tracks: Sequence[Track]
    strips: Sequence[Strip]
    places: Mapping[str, Place] = field(default_factory=dict)
    sounds: Mapping[str, Sound] = field(default_factory=dict)  # by the name that checks have for it
    start_s: float = 0.0
    end_s: float = 1.0

    def place(self, check: Check) -> Place | None:
        """Return where a check lies."""
        return self.places.get(check.where.rpartition(HEARD_AT)[2])


def of_hop(hop: Hop, id: str, origin_s: float) -> Sound | None:
    """Return the sound that crossed a hop, with the digits in it; None where there is none that we can hear."""
    if hop.audio is None:
        return None
    samples = packets.as_captured(hop.audio)
    digits = digit_marks(detect(samples, RATE)) if samples.any() else ()
    track = Track(id=id, title=hop.title, kind=HOP, start_s=hop.audio.start_s - origin_s, digits=digits)
    return Sound(track=track, samples=samples, where=hop.name)


def digit_marks(digits: Sequence[Digit]) -> list[Mark]:
    """Return digits as marks in the time of their sound."""
    return [Mark(round(one.start_s, 4), round(one.length_s, 4), one.digit) for one in digits]


def of_recording(
    samples: Samples, track: Track, *, where: str, digits: Sequence[Digit], hearing: Hearing | None
) -> Sound:
    """Return what a listener heard, with its digits and what is amiss; but not what was while the call was closed."""
    gaps = [
        Mark(gap.at_s, gap.length_s, f"{1000 * gap.length_s:.0f} ms {gap.kind.value}")
        for gap in (in_call(hearing, len(samples) / RATE) if hearing else ())
    ]
    return Sound(
        track=replace(track, kind=RECORDING, digits=digit_marks(digits), gaps=gaps),
        samples=samples,
        where=where,
        file_at_s=hearing.delay_s if hearing and hearing.matched else None,
    )


def draw(
    ways: Sequence[Way],
    hops: Sequence[Hop],
    checks: Sequence[Check],
    *,
    limit_ms: float,
    origin_s: float,
    most_s: float | None = None,
) -> Drawn:
    """Lay everything on the axis. Hops whose sound is on no way are shown without a delay; `most_s` is of `carry`."""
    shown = [hop for hop in _worth_showing(hops, checks) if hop.stream]
    laid = [sound for way in ways for sound in _laid(way)]
    on_ways = {sound.where for sound in laid}
    others = [of_hop(hop, f"other-{at}", origin_s) for at, hop in enumerate(shown) if hop.name not in on_ways]
    laid += [sound for sound in others if sound and sound.samples.any()]
    sounds = {sound.where: sound for sound in laid if sound.where}
    strips = list(_strips(shown, sounds, limit_ms, origin_s))
    places = {hop.name: Place(strip.id, hop.origin_s - origin_s) for hop, strip in zip(shown, strips, strict=True)}
    places |= {one.where: Place(one.track.id, one.track.start_s) for one in laid if one.track.kind == RECORDING}
    drawn = Drawn(tracks=(), strips=strips, places=places, sounds=sounds)
    worst_first = sorted(checks, key=lambda check: check.outcome is Outcome.PASS)
    amiss = [
        check.at_s + place.plus_s
        for check in worst_first
        if check.at_s is not None and (place := drawn.place(check)) is not None
    ]
    tracks = carry([(sound.track, sound.samples) for sound in laid], amiss, most_s)
    both: list[Track | Strip] = [*tracks, *strips]
    return replace(
        drawn,
        tracks=tracks,
        start_s=min((one.start_s for one in both), default=0.0),
        end_s=max((one.start_s + one.length_s for one in both), default=1.0),
    )


def _worth_showing(hops: Sequence[Hop], checks: Sequence[Check]) -> list[Hop]:
    """Return the hops in their order; of very many, those with which something is amiss and the first of the others."""
    amiss = {check.where for check in checks if check.outcome is not Outcome.PASS}
    chosen = sorted(range(len(hops)), key=lambda at: hops[at].name not in amiss)[:MOST_HOPS]
    return [hops[at] for at in sorted(chosen)]


def _strips(hops: Sequence[Hop], sounds: Mapping[str, Sound], limit_ms: float, origin_s: float) -> Iterator[Strip]:
    for at, hop in enumerate(hops):
        if hop.stream:
            track = sounds[hop.name].track if hop.name in sounds else None
            found = packets.strip(hop, hop.stream, f"packets-{at}", limit_ms=limit_ms, origin_s=origin_s)
            yield replace(found, track=track.id if track else "", delay_s=track.delay_s if track else None)


def _laid(way: Way) -> Iterator[Sound]:
    """Yield the file, placed where it was first captured, and the sounds with their delays."""
    if way.file is None:
        yield from way.sounds
        return
    begins = [_file_at(way.file.samples, sound) for sound in way.sounds]
    known = [sound.track.start_s + at for sound, at in zip(way.sounds, begins, strict=True) if at is not None]
    start_s = known[0] if known else way.file.track.start_s
    heard_s = max((sound.track.start_s + len(sound.samples) / RATE for sound in way.sounds), default=0.0) - start_s
    file = way.file.samples[: max(0, round(heard_s * RATE))] if way.sounds else way.file.samples
    yield replace(way.file, samples=file, track=replace(way.file.track, start_s=start_s, delay_s=0.0))
    for sound, at in zip(way.sounds, begins, strict=True):
        delay_s = None if at is None else sound.track.start_s + at - start_s
        yield replace(sound, track=replace(sound.track, delay_s=delay_s))


def _file_at(file: Samples, sound: Sound) -> float | None:
    """Return where in a sound the file begins, in seconds; None where it cannot be made out."""
    if sound.file_at_s is not None:
        return sound.file_at_s
    sounding = np.flatnonzero(np.abs(sound.samples) > QUIET)
    first = int(sounding[0]) if len(sounding) else len(sound.samples)
    played = file[: round(SEARCHED_S * RATE)]
    for span_s in SPANS_S:  # as short as will do: a stall moves what comes after it
        heard = sound.samples[first : first + round(span_s * RATE)]
        if not played.any() or not heard.any():
            return None
        offset = align.overall(played, heard)
        laid = align.under(played, offset, 0, len(heard))
        size = float(np.linalg.norm(laid) * np.linalg.norm(heard.astype(np.float64)))
        if size and float(laid @ heard) / size > ALIKE:
            return (first + offset) / RATE
    return None
