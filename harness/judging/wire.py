"""Checks of one stream on the wire: its codec, what is missing, its largest gap, and whose fault that is."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from harness import canary
from harness.canary import Stall
from harness.expect import Expectations
from harness.impair.ledger import Ledger
from harness.judging.outcome import outcome_of
from harness.verdict import Check, Outcome
from harness.wire.gaps import Gap
from harness.wire.streams import Stream


@dataclass(frozen=True, slots=True, kw_only=True)
class Circumstances:
    """What else is known of a capture: its file, when its call was answered, what it lacks, and our own stalls.

    `impaired` is what its plan had done to it.
    """

    file: str
    answered_at_s: float | None = None
    drops: int = 0
    stalls: Sequence[Stall] = ()
    impaired: Ledger = field(default_factory=Ledger)

    def in_call(self, gap: Gap | None) -> float | None:
        """Return when in the call a gap was, in seconds from its answer."""
        if not gap or self.answered_at_s is None:
            return None
        return max(0.0, gap.start_s - self.answered_at_s)


def check_stream(name: str, stream: Stream, wanted: Expectations, known: Circumstances) -> Iterator[Check]:
    """Yield the checks of one leg, which goes by that name."""
    codec = stream.codec.name.upper() if stream.codec else f"payload type {stream.audio_types}"
    good = outcome_of(codec == wanted.codec)
    yield Check(name="codec", where=name, outcome=good, wanted=wanted.codec, got=codec, file=known.file)
    if known.drops:
        got = f"the kernel dropped {known.drops} packets of the capture"
        for check in ("lost", "gap"):
            yield Check(
                name=check, where=name, outcome=Outcome.UNKNOWN, wanted="a whole capture", got=got, file=known.file
            )
        return
    yield Check(
        name="lost",
        where=name,
        outcome=outcome_of(stream.missing <= wanted.max_lost),
        wanted=f"at most {wanted.max_lost} packets",
        got=f"{stream.missing} of {stream.expected}{_injected(stream, known) if stream.missing else ''}",
        at_s=known.in_call(stream.worst_by_timestamp) if stream.missing else None,
        file=known.file,
    )
    yield _gap(name, stream, wanted.max_gap_ms, known)


def _gap(name: str, stream: Stream, limit_ms: float, known: Circumstances) -> Check:
    """Judge the largest gap; a late packet is the host's only where the canary was stalled inside that very gap."""
    outcome, got, at_s = Outcome.PASS, f"{stream.max_gap_ms:g} ms", None
    for gap in sorted(stream.gaps(limit_ms / 1000), key=lambda gap: gap.length_s):
        stall_s = canary.longest_within(known.stalls, gap.start_s, gap.start_s + gap.by_arrival_s)
        by_host = gap.by_timestamp_s <= limit_ms / 1000 and stall_s >= gap.by_arrival_s - limit_ms / 1000
        if by_host and outcome is Outcome.FAIL:
            continue
        outcome = Outcome.UNKNOWN if by_host else Outcome.FAIL
        injected = known.impaired.between(stream.ssrc, gap.after_seq, gap.before_seq)
        why = f"host stalled {1000 * stall_s:.0f} ms" if by_host else injected or gap.kind
        got = f"{1000 * gap.length_s:g} ms ({why}, after packet {gap.after_seq})"
        at_s = known.in_call(gap)
    wanted = f"at most {limit_ms:g} ms"
    return Check(name="gap", where=name, outcome=outcome, wanted=wanted, got=got, at_s=at_s, file=known.file)


def _injected(stream: Stream, known: Circumstances) -> str:
    first, last = int(stream.columns.seqs[0]), int(stream.columns.seqs[-1])
    said = known.impaired.between(stream.ssrc, first, last)
    return f" ({said})" if said else ""
