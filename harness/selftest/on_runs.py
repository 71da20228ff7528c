"""A run of two calls at once as its folder, and what it looks like when their legs were swapped on the way."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from pathlib import Path

import numpy as np

from harness.selftest.fault import Expected, Fault
from harness.selftest.material import RATE, Sound, mulaw_leg, mulaw_octets, speech, write_wav
from harness.selftest.on_streams import BEGAN_S, FRAME_S, TICKS, Flow, Packet, Stream, write_pcap

LENGTH_S, DELAY_S = 5.0, 0.4
CALLS = {"first": "one", "second": "other"}  # which source calls which sink
SIP = {"first": 5060, "one": 5062, "second": 5064, "other": 5066}
RTP = {"first": 10000, "one": 10002, "second": 10004, "other": 10006}
SDP = "v=0\r\no=- 1 1 IN IP4 127.0.0.1\r\ns=-\r\nc=IN IP4 127.0.0.1\r\nt=0 0\r\nm=audio {} RTP/AVP 0\r\n"


def plan_of(files: dict[str, Path], *, seconds: float = LENGTH_S) -> str:
    """Return the plan of two calls, each from a source with its file to a sink."""
    lines = ["[topology]"]
    for source, sink in CALLS.items():
        lines += [
            f"{source} = {{ role = 'source', sip_target = 'sip:{sink}@{sink}', audio_file = '{files[source]}', "
            f"duration_s = {seconds} }}"
        ]
        lines += [f"{sink} = {{ role = 'sink', sip_bind = '127.0.0.1:{SIP[sink]}', sip_user = '{sink}' }}"]
    return "\n".join(lines) + "\n"


def _swapped() -> Fault:
    """Return what must be said when each sink hears the other call's source."""
    crossed = dict(zip(CALLS.values(), reversed(CALLS), strict=True))
    heard = [
        Expected(check="heard", where=sink, says=f"{source}.wav, which {source} plays")
        for sink, source in crossed.items()
    ]
    media = [
        Expected(check="media", where=f"{source} -> {sink}", says=crossed[sink]) for source, sink in CALLS.items()
    ]
    return Fault(name="swapped leg", what="two calls hear each other's source", expects=[*heard, *media])


def write_run(folder: Path, random: np.random.Generator, *, crossed: bool) -> None:
    """Write the folder of a run of both calls; `crossed` lets each source be heard by the other one's sink."""
    files = {source: folder / f"{source}.wav" for source in CALLS}
    sounds = {source: speech(random, LENGTH_S) for source in CALLS}
    for source, sound in sounds.items():
        write_wav(files[source], sound)
    (folder / "plan.toml").write_text(plan_of(files))
    began = [{"wall_s": BEGAN_S - 0.1, "event": "ready", "node": node, "sip": f"127.0.0.1:{SIP[node]}"} for node in SIP]
    events = [*began, *({"wall_s": BEGAN_S, "event": "CALL_ESTABLISHED", "node": source} for source in CALLS)]
    (folder / "events.jsonl").write_text("".join(json.dumps(event) + "\n" for event in events))
    summary = {"exit_code": 0, "network": "private", "duration_s": LENGTH_S, "nodes": {}, "failed_first": None}
    (folder / "summary.json").write_text(json.dumps(summary))
    hears = dict(zip(CALLS, reversed(CALLS.values()) if crossed else CALLS.values(), strict=True))
    flows: dict[Flow, Stream] = {}
    for number, (source, sink) in enumerate(hears.items()):
        flows[RTP[source], RTP[sink]] = _stream(sounds[source], ssrc=number)
        flows[RTP[CALLS[source]], RTP[source]] = _stream(np.zeros(len(sounds[source])), ssrc=10 + number)
        heard = np.concatenate((np.zeros(round(DELAY_S * RATE)), sounds[source]))
        write_wav(folder / f"{sink}.wav", mulaw_leg(heard))
    write_pcap(folder / "capture.pcap", flows, _signalling())


def _stream(sound: Sound, *, ssrc: int) -> Stream:
    octets = mulaw_octets(sound)
    frames = [octets[first : first + TICKS] for first in range(0, len(octets), TICKS)]
    return [
        Packet(BEGAN_S + FRAME_S * n, n, TICKS * n, payload=frame, ssrc=ssrc) for n, frame in enumerate(frames)
    ]


def _signalling() -> Iterator[tuple[float, Flow, bytes]]:
    """Yield the INVITE of each call, and its answer."""
    for source, sink in CALLS.items():
        head = (
            f"Via: SIP/2.0/UDP 127.0.0.1:{SIP[source]};branch=z9hG4bK{source}\r\nFrom: <sip:a@127.0.0.1>;tag=1\r\n"
            f"Call-ID: {source}\r\nCSeq: 1 INVITE\r\nContent-Type: application/sdp\r\n"
        )
        invite = f"INVITE sip:b@127.0.0.1:{SIP[sink]} SIP/2.0\r\n{head}To: <sip:b@127.0.0.1>"
        answer = f"SIP/2.0 200 OK\r\n{head}To: <sip:b@127.0.0.1>;tag=2"
        there = (SIP[source], SIP[sink])
        for at_s, flow, text, node in ((-0.05, there, invite, source), (-0.01, there[::-1], answer, sink)):
            sdp = SDP.format(RTP[node])
            yield BEGAN_S + at_s, flow, f"{text}\r\nContent-Length: {len(sdp)}\r\n\r\n{sdp}".encode()


FAULTS: Mapping[str, tuple[Fault, bool]] = {
    "two clean calls": (Fault(name="two clean calls", what="a run of two calls at once"), False),
    "swapped leg": (_swapped(), True),
}
