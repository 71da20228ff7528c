"""Checks of one stream on the wire: its codec, what is missing, its largest gap, and whose fault each of these is."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

from harness.expect import AS_AGREED, Expectations
from harness.fault.cause import Cause, Who
from harness.fault.host import Host
from harness.fault.wire import Sight, gap_cause, loss_cause
from harness.judging.outcome import outcome_of
from harness.verdict import Check, Outcome
from harness.wire.gaps import Gap
from harness.wire.holds import off_hold_s
from harness.wire.streams import Stream


@dataclass(frozen=True, slots=True, kw_only=True)
class Circumstances:
    """What else is known of a capture: its file, when its call was answered, what it lacks, and our own machine.

    `broken` says why it is only a part of what there was to capture, or why its times are of no use.
    """

    file: str
    answered_at_s: float | None = None
    drops: int = 0
    broken: str = ""
    host: Host = field(default_factory=Host)

    @property
    def whole(self) -> bool:
        """Whether all that there was to capture was captured."""
        return not self.drops and not self.broken

    def in_call(self, gap: Gap | None) -> float | None:
        """Return when in the call a gap was, in seconds from its answer."""
        return self.since_answer(gap.start_s if gap else None)

    def since_answer(self, time_s: float | None) -> float | None:
        """Return how long after the call's answer that was, in seconds."""
        if time_s is None or self.answered_at_s is None:
            return None
        return max(0.0, time_s - self.answered_at_s)


def check_stream(
    name: str, stream: Stream, wanted: Expectations, known: Circumstances, sight: Sight | None = None
) -> Iterator[Check]:
    """Yield the checks of one leg, which goes by that name; `sight` is what else was seen of it."""
    sight = sight or Sight(src=stream.flow.src, dst=stream.flow.dst, stream=stream)
    if wanted.codec != AS_AGREED:
        codec = _codec(stream)
        good = outcome_of(codec == wanted.codec)
        yield Check(name="codec", where=name, outcome=good, wanted=wanted.codec, got=codec, file=known.file)
    if not known.whole:
        got = known.broken or f"the kernel dropped {known.drops} packets of the capture"
        for check in ("lost", "gap"):
            yield Check(
                name=check, where=name, outcome=Outcome.UNKNOWN, wanted="a whole capture", got=got, file=known.file
            )
        return
    yield _lost(name, sight, wanted.max_lost, known)
    yield _gap(name, sight, wanted.max_gap_ms, known)
    impaired, ssrc = sight.impaired, stream.ssrc
    for check, limit, count, first_s, injected in (
        ("duplicates", wanted.max_duplicates, stream.duplicates, stream.first_duplicate_s, impaired.doubled(ssrc)),
        ("reordered", wanted.max_reordered, stream.reordered, stream.first_reordered_s, impaired.overtaken(ssrc)),
    ):
        if limit is not None:
            cause = Cause(who=Who.NETWORK, where=sight.leg, evidence=injected) if injected else None
            yield Check(
                name=check,
                where=name,
                outcome=outcome_of(count <= limit),
                wanted=f"at most {limit} packets",
                got=f"{count} of {stream.packets}",
                at_s=known.since_answer(first_s),
                file=known.file,
                cause=str(cause) if cause else None,
            )


def _codec(stream: Stream) -> str:
    """Name what the sound is coded in, or what there is instead."""
    if stream.codec:
        return stream.codec.name.upper()
    if stream.audio_types:
        return f"payload type {stream.audio_types[0]}, which nothing gives a meaning"
    return f"no sound, only {' and '.join(dict.fromkeys(stream.codecs[kind].name for kind in stream.payload_types))}"


def _lost(name: str, sight: Sight, most: int, known: Circumstances) -> Check:
    stream = sight.stream
    worst = stream.worst_by_timestamp if stream.missing else None
    cause = loss_cause(worst, sight) if worst and worst.lost else None
    who = f" ({cause.beside(sight.leg)})" if cause else ""
    return Check(
        name="lost",
        where=name,
        outcome=outcome_of(stream.missing <= most),
        wanted=f"at most {most} packets",
        got=f"{stream.missing} of {stream.expected}{who}",
        at_s=known.in_call(worst),
        file=known.file,
        cause=str(cause) if cause else None,
    )


def _off_hold_s(gap: Gap, sight: Sight) -> float:
    return off_hold_s(sight.holds, gap.start_s, gap.length_s)


def _gap(name: str, sight: Sight, limit_ms: float, known: Circumstances) -> Check:
    """Judge the largest gap; one that is the host's fault leaves the check unknown unless another gap fails it."""
    outcome, got, at_s, why = Outcome.PASS, f"{sight.stream.max_gap_ms:g} ms", None, None
    if sight.holds:
        longest_s = max((_off_hold_s(gap, sight) for gap in sight.stream.gaps(0)), default=0.0)
        got = f"{1000 * longest_s:g} ms beside the hold"
    gaps = [gap for gap in sight.stream.gaps(limit_ms / 1000) if _off_hold_s(gap, sight) > limit_ms / 1000]
    for gap in sorted(gaps, key=lambda gap: gap.length_s):
        cause = gap_cause(gap, sight, known.host, limit_s=limit_ms / 1000)
        by_host = cause.who is Who.HOST
        if by_host and outcome is Outcome.FAIL:
            continue
        outcome = Outcome.UNKNOWN if by_host else Outcome.FAIL
        what, who = (cause.evidence, "") if by_host else (gap.kind, f"; {cause.beside(sight.leg)}")
        got = f"{1000 * gap.length_s:g} ms ({what}, after packet {gap.after_seq}{who})"
        at_s, why = known.in_call(gap), cause
    wanted = f"at most {limit_ms:g} ms"
    return Check(
        name="gap", where=name, outcome=outcome, wanted=wanted, got=got, at_s=at_s, file=known.file,
        cause=str(why) if why else None,
    )  # fmt: skip

