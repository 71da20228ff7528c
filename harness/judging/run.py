"""The verdict on a run: every leg of its plan, and what each sink heard."""

from __future__ import annotations

import functools
import math
from collections.abc import Iterator

from b2b.errors import AudioError
from b2b.flags import SOURCE
from b2b.plan.model import Node
from harness.call import PCAP, Call, Listener
from harness.expect import Expectations, SinkExpectation
from harness.fault.cause import Cause
from harness.fault.heard import heard_cause
from harness.impair.ledger import injected
from harness.judging.blame import chain_of, sight_of
from harness.judging.digits import check_digits
from harness.judging.disturbed import excused
from harness.judging.edges import check_edges
from harness.judging.mix import check_digit_levels
from harness.judging.perceived import check_pesq
from harness.judging.sound import check_hearing, check_level
from harness.judging.swapped import check_sender, heard_instead
from harness.judging.wire import Circumstances, check_stream
from harness.sound import Gap
from harness.verdict import Check, Outcome, Verdict, together

DELIVERY_S = 0.6  # from a mixer to the recording: its lead, the sink's jitter and player buffers


def judge(call: Call, wanted: Expectations) -> Verdict:
    """Look at everything that the plan expects. Nothing captured or nothing recorded is never a pass."""
    checks = [*_wire(call, wanted), *_sinks(call, wanted)]
    return together([*_roles(call), *excused(checks, wanted.sinks)])


def _roles(call: Call) -> Iterator[Check]:
    if failed := call.summary["failed_first"]:
        got = f"exit {failed['code']}: {failed['reason']}"
        yield Check(
            name="roles", where=failed["node"], outcome=Outcome.FAIL, wanted="no failure", got=got, file="run.log"
        )


def _wire(call: Call, wanted: Expectations) -> Iterator[Check]:
    drops = call.capture["drops"] + call.impaired.drops
    known = Circumstances(
        file=PCAP, answered_at_s=call.answered_at_s, drops=drops, broken=call.capture["refusal"] or call.clock_set,
        host=call.host,
    )  # fmt: skip
    for src, dst in [(node.name, node.calls) for node in call.plan.nodes if node.calls]:
        for pair in ((src, dst), (dst, src)):
            legs = [leg for leg in call.legs if (leg.src, leg.dst) == pair]
            if legs and legs[0].stream:
                leg, stream = legs[0], legs[0].stream
                sight = sight_of(call, leg, stream)
                yield from check_stream(leg.name, stream, wanted, known, sight)
                yield from check_edges(leg, sight, wanted.max_gap_ms, known, ended_at_s=call.ended_at_s(leg))
                yield from check_sender(call, leg)
            else:
                yield _unseen(call, " -> ".join(pair))


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
    yield from _sound(call, listener, wanted)
    yield from check_digit_levels(listener, wanted)
    if listener.hearing and listener.sent is not None:
        yield from check_pesq(
            listener.node.name, listener.wav.name, listener.sent, listener.samples, listener.hearing, listener.digits,
            wanted,
        )  # fmt: skip
    if wanted.dtmf is not None:
        whole = _complete_sequences(call, listener, wanted.dtmf)
        yield check_digits(
            listener.node.name, listener.wav.name, listener.digits, wanted.dtmf, whole=whole,
            min_ms=wanted.min_digit_ms,
        )  # fmt: skip


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
    tone_ms, pause_ms = float(mixer.settings["dtmf_tone_ms"]), float(mixer.settings["dtmf_pause_ms"])
    return (len(dtmf) * (tone_ms + pause_ms) - pause_ms) / 1000
