"""From a run folder and a plan's expectations to a verdict."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from b2b.flags import SOURCE
from b2b.plan.model import Node
from harness import canary
from harness.call import PCAP, Call, Listener
from harness.expect import Expectations, SinkExpectation
from harness.verdict import Check, Outcome, Verdict, together

if TYPE_CHECKING:
    from harness.wire.gaps import Gap
    from harness.wire.legs import Leg

CLOSING_S = 0.2  # baresip stops a call's threads one by one, and its player plays pieces meanwhile
DELIVERY_S = 0.6  # from a mixer to the recording: its lead, the sink's jitter and player buffers


def judge(call: Call, wanted: Expectations) -> Verdict:
    """Look at everything that the plan expects. Nothing captured or nothing recorded is never a pass."""
    return together([*_roles(call), *_wire(call, wanted), *_sinks(call, wanted)])


def _roles(call: Call) -> Iterator[Check]:
    if failed := call.summary["failed_first"]:
        got = f"exit {failed['code']}: {failed['reason']}"
        yield Check(
            name="roles", where=failed["node"], outcome=Outcome.FAIL, wanted="no failure", got=got, file="run.log"
        )


def _wire(call: Call, wanted: Expectations) -> Iterator[Check]:
    expected = [(node.name, node.calls) for node in call.plan.nodes if node.calls]
    for src, dst in expected:
        for pair in ((src, dst), (dst, src)):
            legs = [leg for leg in call.legs if (leg.src, leg.dst) == pair]
            if legs and legs[0].stream:
                yield from _leg(call, legs[0], wanted)
            else:
                yield _unseen(call, " -> ".join(pair))


def _unseen(call: Call, name: str) -> Check:
    refusal = call.capture["refusal"]
    got = f"no capture: {refusal}" if refusal else "no RTP of it in the capture"
    outcome = Outcome.UNKNOWN if refusal else Outcome.FAIL
    return Check(name="media", where=name, outcome=outcome, wanted="RTP", got=got, file=PCAP)


def _leg(call: Call, leg: Leg, wanted: Expectations) -> Iterator[Check]:
    stream = leg.stream
    assert stream
    codec = leg.codec_used.name.upper() if leg.codec_used else f"payload type {leg.payload_types_used}"
    yield Check(
        name="codec", where=leg.name, outcome=_when(codec == wanted.codec), wanted=wanted.codec, got=codec, file=PCAP
    )
    if call.capture["drops"]:
        got = f"the kernel dropped {call.capture['drops']} packets of the capture"
        for name in ("lost", "gap"):
            yield Check(
                name=name, where=leg.name, outcome=Outcome.UNKNOWN, wanted="a whole capture", got=got, file=PCAP
            )
        return
    yield Check(
        name="lost",
        where=leg.name,
        outcome=_when(stream.missing <= wanted.max_lost),
        wanted=f"at most {wanted.max_lost} packets",
        got=f"{stream.missing} of {stream.expected}",
        at_s=_in_call(call, stream.worst_by_timestamp) if stream.missing else None,
        file=PCAP,
    )
    yield _gap(call, leg, wanted.max_gap_ms)


def _gap(call: Call, leg: Leg, limit_ms: float) -> Check:
    """Judge the largest gap; a late packet is the host's only where the canary was stalled inside that very gap."""
    stream = leg.stream
    assert stream
    outcome, got, at_s = Outcome.PASS, f"{stream.max_gap_ms:g} ms", None
    for gap in sorted(stream.gaps(limit_ms / 1000), key=lambda gap: gap.length_s):
        stall_s = canary.longest_within(call.stalls, gap.start_s, gap.start_s + gap.by_arrival_s)
        by_host = gap.by_timestamp_s <= limit_ms / 1000 and stall_s >= gap.by_arrival_s - limit_ms / 1000
        if by_host and outcome is Outcome.FAIL:
            continue
        outcome = Outcome.UNKNOWN if by_host else Outcome.FAIL
        why = f"host stalled {1000 * stall_s:.0f} ms" if by_host else gap.kind
        got = f"{1000 * gap.length_s:g} ms ({why}, after packet {gap.after_seq})"
        at_s = _in_call(call, gap)
    return Check(
        name="gap", where=leg.name, outcome=outcome, wanted=f"at most {limit_ms:g} ms", got=got, at_s=at_s, file=PCAP
    )


def _in_call(call: Call, gap: Gap | None) -> float | None:
    if not gap or call.answered_at_s is None:
        return None
    return max(0.0, gap.start_s - call.answered_at_s)


def _sinks(call: Call, wanted: Expectations) -> Iterator[Check]:
    for name, expected in wanted.sinks.items():
        listener = next((one for one in call.listeners if one.node.name == name), None)
        if listener is None:
            yield Check(name="recording", where=name, outcome=Outcome.FAIL, wanted="a recording", got="none")
        else:
            yield from _sound(listener, expected)
            if expected.dtmf is not None:
                yield _digits(call, listener, expected.dtmf)


def _sound(listener: Listener, wanted: SinkExpectation) -> Iterator[Check]:
    hearing, name, file = listener.hearing, listener.node.name, listener.wav.name
    if hearing is None:
        silent = listener.level.silent
        got = "silence" if silent else f"{listener.level.active_dbov:.1f} dBov"
        yield Check(name="heard", where=name, outcome=_when(not silent), wanted="sound", got=got, file=file)
        return
    heard = f"{hearing.heard_s:.1f} s of it, {hearing.delay_s:.2f} s into the recording"
    got = heard if hearing.matched else "nothing of it"
    yield Check(
        name="heard", where=name, outcome=_when(hearing.matched), wanted="the source's file", got=got, file=file
    )
    if not hearing.matched:
        return
    yield _heard_gap(listener, wanted)
    off_db = abs(hearing.level_db - wanted.level_db)
    yield Check(
        name="level",
        where=name,
        outcome=_when(off_db <= wanted.max_level_error_db),
        wanted=f"{wanted.level_db:+g} dB within {wanted.max_level_error_db:g}",
        got=f"{hearing.level_db:+.2f} dB",
        file=file,
    )
    yield Check(
        name="clipped",
        where=name,
        outcome=_when(hearing.clipped <= wanted.max_clipped),
        wanted=f"at most {wanted.max_clipped} samples",
        got=str(hearing.clipped),
        file=file,
    )


def _heard_gap(listener: Listener, wanted: SinkExpectation) -> Check:
    """Judge what is missing, silent, repeated or inserted; but not while the call was being closed."""
    hearing = listener.hearing
    assert hearing
    closing_s = min(hearing.end_s, listener.length_s - CLOSING_S)
    gaps = [gap for gap in hearing.gaps if gap.at_s < closing_s]
    worst = max(gaps, key=lambda gap: gap.length_s, default=None)
    length_ms = 1000 * worst.length_s if worst else 0.0
    return Check(
        name="heard gap",
        where=listener.node.name,
        outcome=_when(length_ms <= wanted.max_heard_gap_ms),
        wanted=f"at most {wanted.max_heard_gap_ms:g} ms",
        got=f"{length_ms:.0f} ms {worst.kind.value}" if worst else "none",
        at_s=worst.at_s if worst else None,
        file=listener.wav.name,
    )


def _digits(call: Call, listener: Listener, dtmf: str) -> Check:
    """Compare what was heard with the sequence, repeated as often as the call is long; the end may cut one off."""
    whole = _complete_sequences(call, listener, dtmf)
    heard = listener.dtmf
    least = dtmf * whole if whole is not None else dtmf
    repeated = dtmf * (len(heard) // max(1, len(dtmf)) + 1)
    most = len(heard) if whole is None else len(dtmf) * (whole + 1)
    good = heard.startswith(least) and repeated.startswith(heard) and len(heard) <= most
    at = next((i for i, (one, other) in enumerate(zip(heard, repeated, strict=False)) if one != other), len(heard))
    at_s = listener.digits[at].start_s if at < len(listener.digits) and not good else None
    return Check(
        name="dtmf",
        where=listener.node.name,
        outcome=_when(good),
        wanted=f"{dtmf!r} {f'{whole} times' if whole is not None else 'repeated'}",
        got=repr(heard),
        at_s=at_s,
        file=listener.wav.name,
    )


def _complete_sequences(call: Call, listener: Listener, dtmf: str) -> int | None:
    """Return how many sequences a call has time for, if one mixer of the plan sends them; else None."""
    sources = [node for node in listener.chain if node.role == SOURCE]
    if len(listener.mixers) != 1 or not sources:
        return None
    call_s = float((call.summary["nodes"][sources[0].name]["metrics"] or {}).get("call_s", 0))
    period_s, length_s = _period(listener.mixers[0]), _length(listener.mixers[0], dtmf)
    return max(0, int((call_s - DELIVERY_S - length_s) // period_s))


def _period(mixer: Node) -> float:
    return float(mixer.settings["dtmf_period_ms"]) / 1000


def _length(mixer: Node, dtmf: str) -> float:
    tone_ms, pause_ms = float(mixer.settings["dtmf_tone_ms"]), float(mixer.settings["dtmf_pause_ms"])
    return (len(dtmf) * (tone_ms + pause_ms) - pause_ms) / 1000


def _when(good: bool) -> Outcome:
    return Outcome.PASS if good else Outcome.FAIL
