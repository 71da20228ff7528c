"""The verdict on a run: every leg of its plan, and what each sink heard."""

from __future__ import annotations

import functools
import math
from collections.abc import Iterator

from b2b.audio.digits import parse_sequence
from b2b.errors import AudioError
from b2b.flags import SOURCE
from b2b.plan.model import Node
from harness.call import PCAP, Call
from harness.expect import Expectations, SinkExpectation
from harness.fault.cause import Cause
from harness.fault.heard import heard_cause
from harness.impair.ledger import injected
from harness.judging import pace
from harness.judging.blame import chain_of, sight_of
from harness.judging.conference import check_conference, is_conference
from harness.judging.device import as_agreed, both_ways, check_answer, check_resources, leg_between
from harness.judging.digits import check_digits, check_twice
from harness.judging.disturbed import excused
from harness.judging.edges import check_edges
from harness.judging.hold import check_holds, check_planned, heard_holds
from harness.judging.impaired import while_impaired
from harness.judging.mix import check_digit_levels
from harness.judging.perceived import check_pesq
from harness.judging.sound import check_hearing, check_level
from harness.judging.swapped import check_sender, heard_instead
from harness.judging.wire import Circumstances, check_stream
from harness.listener import Listener
from harness.signalled import INBAND, Heard, signalled
from harness.sound import Gap
from harness.verdict import Check, Outcome, Verdict, together

SIGNAL_S, DESK_S = 0.26, 0.3  # what baresip takes for a signalled digit, and how late it may be told to begin
DELIVERY_S = 0.6  # from a mixer to the recording: its lead, the sink's jitter and player buffers


def judge(call: Call, wanted: Expectations) -> Verdict:
    """Look at everything that the plan expects. Nothing captured or nothing recorded is never a pass."""
    checks = [*_roles(call), *excused([*_wire(call, wanted), *_sinks(call, wanted)], wanted.sinks)]
    checks += check_resources(call, wanted.devices)
    checks = list(while_impaired(checks, call.impaired.gone, call.answered_at_s))
    return pace.at_speed(call, together(pace.doubted(call, checks)))


def _roles(call: Call) -> Iterator[Check]:
    if failed := call.summary["failed_first"]:
        got = f"exit {failed['code']}: {failed['reason']}"
        yield Check(
            name="roles", where=failed["node"], outcome=Outcome.FAIL, wanted="no failure", got=got, file="run.log"
        )


def _wire(call: Call, wanted: Expectations) -> Iterator[Check]:
    """Judge each leg both ways; through a device that leaves the media alone it is one from caller to callee."""
    drops = call.capture["drops"] + call.impaired.drops
    for damage in call.damage:
        yield Check(name="capture", where=PCAP, outcome=Outcome.UNKNOWN, wanted="a whole file", got=damage, file=PCAP)
    known = Circumstances(
        file=PCAP, answered_at_s=call.answered_at_s, drops=drops, broken=call.capture["refusal"] or call.clock_set,
        host=call.host,
    )  # fmt: skip
    devices = {node.name for node in call.plan.devices}
    for there, back in both_ways(call):
        if not call.capture["refusal"] and (trouble := check_answer(call, there, devices)):
            yield trouble
            continue
        for src, dst in (there, back):
            leg = leg_between(call, src, dst, devices)
            if leg and leg.stream:
                own = wanted.of_leg(src, dst)
                sight = sight_of(call, leg, leg.stream)
                yield from check_stream(leg.name, leg.stream, own, known, sight)
                yield from check_edges(leg, sight, own.max_gap_ms, known, ended_at_s=call.ended_at_s(leg))
                yield from check_sender(call, leg)
                yield from check_holds(leg, known)
            elif leg and leg.answered_at_s and not leg.sends and not call.capture["refusal"]:
                yield as_agreed(leg)
            else:
                yield _unseen(call, f"{src} -> {dst}")
    yield from check_planned(call)


def _unseen(call: Call, name: str) -> Check:
    refusal = call.capture["refusal"]
    why = injected(call.impaired.of(name))
    got = f"no capture: {refusal}" if refusal else f"no RTP of it in the capture{f' ({why})' if why else ''}"
    outcome = Outcome.UNKNOWN if refusal else Outcome.FAIL
    return Check(name="media", where=name, outcome=outcome, wanted="RTP", got=got, file=PCAP)


def _sinks(call: Call, wanted: Expectations) -> Iterator[Check]:
    for name, expected in wanted.sinks.items():
        listener = next((one for one in call.listeners if one.node.name == name), None)
        if listener is None:
            yield Check(name="recording", where=name, outcome=Outcome.FAIL, wanted="a recording", got="none")
            continue
        try:
            yield from _listener(call, listener, expected)
        except AudioError as error:  # a file that is gone or broken is no reason to lose the other checks
            got = f"could not be judged: {error}"
            yield Check(name="recording", where=name, outcome=Outcome.UNKNOWN, wanted="sound files", got=got)


def _listener(call: Call, listener: Listener, wanted: SinkExpectation) -> Iterator[Check]:
    if is_conference(call, listener):
        yield from check_conference(call, listener, wanted)
    else:
        yield from _sound(call, listener, wanted)
    yield from check_digit_levels(listener, wanted)
    if listener.hearing and listener.sent is not None:
        yield from check_pesq(
            listener.node.name, listener.wav.name, listener.sent, listener.samples, listener.hearing, listener.digits,
            wanted,
        )  # fmt: skip
    if wanted.dtmf is not None:
        yield from _digits(call, listener, wanted, wanted.dtmf)


def _digits(call: Call, listener: Listener, wanted: SinkExpectation, sequence: str) -> Iterator[Check]:
    """Judge the digits by the way that they are expected to come, and that none came by another as well."""
    name, by, refusal = listener.node.name, wanted.dtmf_by, call.capture["refusal"]
    if by != INBAND and refusal:
        limit, got = f"{sequence!r} by {by}", f"no capture: {refusal}"
        yield Check(name="dtmf", where=name, outcome=Outcome.UNKNOWN, wanted=limit, got=got, file=PCAP)
        return
    sent_once = [parse_sequence(node.settings.get("dtmf", "")).digits for node in listener.chain]
    signals = signalled(call, name)
    yield check_digits(
        name,
        listener.wav.name if by == INBAND else PCAP,
        listener.digits if by == INBAND else [one for one in signals if one.by == by],
        sequence,
        whole=_complete_sequences(call, listener, sequence),
        min_ms=wanted.min_digit_ms if by == INBAND else 0,
        once=sequence != "" and sequence in sent_once,
        by=by,
    )
    if signals:
        tones = [Heard(digit=one.digit, start_s=one.start_s, by=INBAND) for one in listener.digits]
        yield check_twice(name, PCAP, [*tones, *signals])


def _sound(call: Call, listener: Listener, wanted: SinkExpectation) -> Iterator[Check]:
    name, file, silence = listener.node.name, listener.wav.name, _silence(call, listener)
    if listener.hearing is None:
        yield check_level(name, file, listener.level, silence=silence)
        return
    silence = silence or ("" if listener.hearing.matched else heard_instead(call, listener))
    chain = functools.cache(lambda: chain_of(call, listener))  # put together only where there is something to find out

    def cause_of(gap: Gap) -> Cause:
        return heard_cause(gap, chain(), limit_s=wanted.max_heard_gap_ms / 1000)

    sent_s = _call_s(call, listener) or math.inf
    yield from check_hearing(
        name, file, listener.hearing, wanted,
        length_s=listener.length_s, sent_s=sent_s, silence=silence, cause_of=cause_of,
        holds=heard_holds(call, listener),
    )  # fmt: skip


def _silence(call: Call, listener: Listener) -> str:
    """Return what is known of a recording in which there is nothing: whether RTP came, and whether any left."""
    if not listener.level.silent or call.capture["refusal"]:
        return ""
    name = listener.node.name
    if any(leg.stream for leg in call.legs if leg.dst == name):
        return "silence: RTP arrived, but nothing was in it"
    one_way = " (one-way audio: it did send)" if any(leg.stream for leg in call.legs if leg.src == name) else ""
    return f"silence: no RTP arrived{one_way}"


def _call_s(call: Call, listener: Listener) -> float:
    """Return how long the source of what is heard was in its call; 0 where nobody knows."""
    sources = [node for node in listener.chain if node.role == SOURCE]
    node = call.summary["nodes"].get(sources[0].name, {}) if sources else {}
    return float((node.get("metrics") or {}).get("call_s", 0))


def _complete_sequences(call: Call, listener: Listener, dtmf: str) -> int | None:
    """Return how many sequences a call has time for, if one mixer of the plan sends them; else None."""
    if len(listener.mixers) != 1 or not any(node.role == SOURCE for node in listener.chain):
        return None
    period_s, length_s = _period(listener.mixers[0]), _length(listener.mixers[0], dtmf)
    return max(0, int((_call_s(call, listener) - DELIVERY_S - length_s) // period_s))


def _period(mixer: Node) -> float:
    return float(mixer.settings["dtmf_period_ms"]) / 1000


def _length(mixer: Node, dtmf: str) -> float:
    if mixer.settings["dtmf_mode"] != INBAND:
        return SIGNAL_S * len(dtmf) + DESK_S
    tone_ms, pause_ms = float(mixer.settings["dtmf_tone_ms"]), float(mixer.settings["dtmf_pause_ms"])
    return (len(dtmf) * (tone_ms + pause_ms) - pause_ms) / 1000
