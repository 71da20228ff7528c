"""The verdict on a file that somebody has: a capture or a recording, without the run that it comes from."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from harness.expect import Expectations, SinkExpectation
from harness.judging.alone import check_alone
from harness.judging.blame import sight_in
from harness.judging.digits import check_digits
from harness.judging.perceived import check_pesq
from harness.judging.sound import check_hearing
from harness.judging.wire import Circumstances, check_stream
from harness.verdict import Check, Outcome, Verdict, together

if TYPE_CHECKING:
    from harness.sound.g711 import Samples
    from harness.wire.collect import Wire
    from harness.wire.legs import Leg
    from harness.wire.streams import Stream


def judge_capture(path: Path, wanted: Expectations) -> Verdict:
    """Judge every stream of a capture; one that belongs to a SIP call goes by the call's parties.

    Raises CaptureError for what is no capture.
    """
    return together(_streams(path, wanted))


def judge_recording(
    path: Path, reference: Path | None, wanted: SinkExpectation, gains: Sequence[float] = (1.0,)
) -> Verdict:
    """Judge a recording, against the file that was played if there is one, at the gains of the hops between.

    Raises SoundError for what is no sound.
    """
    from harness.sound import decode, read_sound

    samples, played = read_sound(path), decode(reference) if reference else None
    return together(check_recording(path.stem, path.name, samples, played, wanted, gains))


def named(wire: Wire) -> Iterator[tuple[str, Leg | None, Stream]]:
    """Yield each stream with the leg that it belongs to, if any, and the name that its checks have."""
    from harness.wire.legs import legs_of

    legs = {id(stream): leg for leg in legs_of(wire, {}) for stream in leg.streams}
    for stream in wire.streams:
        leg = legs.get(id(stream))
        yield (f"{leg.name}, {stream}" if leg else str(stream)), leg, stream


def _streams(path: Path, wanted: Expectations) -> Iterator[Check]:
    from harness.wire.bulk import collect_file

    wire, warnings = collect_file(path)
    for warning in warnings:
        yield Check(
            name="capture", where=path.name, outcome=Outcome.UNKNOWN, wanted="a whole file", got=warning, file=path.name
        )
    for name, leg, stream in named(wire):
        known = Circumstances(file=path.name, answered_at_s=leg.answered_at_s if leg else stream.start_s)
        yield from check_stream(name, stream, wanted, known, sight_in(wire, stream, leg))
    if not wire.streams:
        yield Check(name="media", where=path.name, outcome=Outcome.UNKNOWN, wanted="RTP", got="none", file=path.name)


def check_recording(
    name: str,
    file: str,
    samples: Samples,
    played: Samples | None,
    wanted: SinkExpectation,
    gains: Sequence[float] = (1.0,),
) -> Iterator[Check]:
    """Yield the checks of a recording, against what was played where that is known."""
    from harness.dtmf import detect
    from harness.sound import RATE, compare, measure

    digits = detect(samples, RATE)
    if played is None:
        level = measure(samples, digits=[(digit.start_s, digit.end_s) for digit in digits])
        yield from check_alone(name, file, level, wanted)
    else:
        hearing = compare(played, samples, gain=gains, digits=digits)
        yield from check_hearing(name, file, hearing, wanted, length_s=len(samples) / RATE)
        yield from check_pesq(name, file, played, samples, hearing, digits, wanted)
    if wanted.dtmf is not None:
        yield check_digits(name, file, digits, wanted.dtmf, whole=None, min_ms=wanted.min_digit_ms)
