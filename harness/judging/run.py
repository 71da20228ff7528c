"""The verdict on a run: every leg of its plan, and what each sink heard."""

from __future__ import annotations

from collections.abc import Iterator

from b2b.audio.digits import parse_sequence
from b2b.errors import AudioError
from b2b.flags import SOURCE
from b2b.plan.model import Node
from harness.call import PCAP, Call, Listener
from harness.expect import Expectations, SinkExpectation
from harness.judging.conference import check_conference, is_conference
from harness.judging.device import both_ways, check_answer, check_resources, check_until_the_end, leg_between
from harness.judging.digits import check_digits, check_twice
from harness.judging.sound import check_hearing, check_level
from harness.judging.wire import Circumstances, check_stream
from harness.signalled import INBAND, Heard, signalled
from harness.verdict import Check, Outcome, Verdict, together

SIGNAL_S, DESK_S = 0.26, 0.3  # what baresip takes for a signalled digit, and how late it may be told to begin
DELIVERY_S = 0.6  # from a mixer to the recording: its lead, the sink's jitter and player buffers


def judge(call: Call, wanted: Expectations) -> Verdict:
    """Look at everything that the plan expects. Nothing captured or nothing recorded is never a pass."""
    checks = [*_roles(call), *_wire(call, wanted), *_sinks(call, wanted)]
    return together([*checks, *check_resources(call, wanted.devices)])


def _roles(call: Call) -> Iterator[Check]:
    if failed := call.summary["failed_first"]:
        got = f"exit {failed['code']}: {failed['reason']}"
        yield Check(
            name="roles", where=failed["node"], outcome=Outcome.FAIL, wanted="no failure", got=got, file="run.log"
        )


def _wire(call: Call, wanted: Expectations) -> Iterator[Check]:
    """Judge each leg both ways; through a device that leaves the media alone it is one from caller to callee."""
    known = Circumstances(
        file=PCAP, answered_at_s=call.answered_at_s, drops=call.capture["drops"], stalls=call.stalls
    )
    devices = {node.name for node in call.plan.devices}
    for there, back in both_ways(call):
        if not call.capture["refusal"] and (trouble := check_answer(call, there, devices)):
            yield trouble
            continue
        for src, dst in (there, back):
            leg = leg_between(call, src, dst, devices)
            if leg and leg.stream:
                yield from check_stream(f"{src} -> {dst}", leg.stream, wanted.of_leg(src, dst), known)
                if src in devices:
                    yield check_until_the_end(f"{src} -> {dst}", leg, call)
            else:
                yield _unseen(call, f"{src} -> {dst}")


def _unseen(call: Call, name: str) -> Check:
    refusal = call.capture["refusal"]
    got = f"no capture: {refusal}" if refusal else "no RTP of it in the capture"
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
    yield from check_conference(call, listener, wanted) if is_conference(call, listener) else _sound(listener, wanted)
    if wanted.dtmf is not None:
        yield from _digits(call, listener, wanted.dtmf, wanted.dtmf_by)


def _digits(call: Call, listener: Listener, wanted: str, by: str) -> Iterator[Check]:
    name, refusal = listener.node.name, call.capture["refusal"]
    tones = [Heard(digit=one.digit, start_s=one.start_s, by=INBAND) for one in listener.digits]
    heard = [*tones, *signalled(call, name)]
    file = listener.wav.name if by == INBAND else PCAP
    if by != INBAND and refusal:
        got = f"no capture: {refusal}"
        yield Check(name="dtmf", where=name, outcome=Outcome.UNKNOWN, wanted=f"{wanted!r} by {by}", got=got, file=file)
        return
    sent_once = [parse_sequence(node.settings.get("dtmf", "")).digits for node in listener.chain]
    once = wanted != "" and wanted in sent_once
    whole = _complete_sequences(call, listener, wanted)
    digits = [one for one in heard if one.by == by]
    yield check_digits(name, file, digits, wanted, whole=whole, once=once, by=by)
    if len(heard) > len(tones):
        yield check_twice(name, file, heard)


def _sound(listener: Listener, wanted: SinkExpectation) -> Iterator[Check]:
    name, file = listener.node.name, listener.wav.name
    if listener.hearing is None:
        yield check_level(name, file, listener.level)
    else:
        yield from check_hearing(name, file, listener.hearing, wanted, length_s=listener.length_s)


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
    if mixer.settings["dtmf_mode"] != INBAND:
        return SIGNAL_S * len(dtmf) + DESK_S
    tone_ms, pause_ms = float(mixer.settings["dtmf_tone_ms"]), float(mixer.settings["dtmf_pause_ms"])
    return (len(dtmf) * (tone_ms + pause_ms) - pause_ms) / 1000
