"""A run folder without a run: speech-like sound, packets as they would have come, and what was judged of them."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
from dpkt.ip import IP
from dpkt.pcap import Writer
from dpkt.rtp import RTP
from dpkt.udp import UDP
from pydub import AudioSegment
from pydub.generators import Sine, WhiteNoise

from harness.call import Call
from harness.sound.g711 import octets

ANSWERED_S = 1_000_000_000.0
PLAN = """
[topology]
source = {{ sip_target = "sip:127.0.0.1:5062", audio_file = "{audio}" }}
sink.sip_bind = "127.0.0.1:5062"

[expect]
max_gap_ms = 40
"""
SDP = "v=0\r\no=- 1 1 IN IP4 127.0.0.1\r\ns=-\r\nc=IN IP4 127.0.0.1\r\nt=0 0\r\nm=audio {} RTP/AVP 0\r\n"
DLT_RAW = 101


def sound(seconds: float) -> AudioSegment:
    """Return noise that comes and goes, with a DTMF digit 1 in its second second."""
    noise = WhiteNoise(sample_rate=8000).to_audio_segment(round(seconds * 1000), volume=-30).set_frame_rate(8000)
    digit = Sine(697, sample_rate=8000).to_audio_segment(100, volume=-15)
    return noise.overlay(digit.overlay(Sine(1209, sample_rate=8000).to_audio_segment(100, volume=-15)), position=1500)


def make_run(
    folder: Path,
    *,
    seconds: float = 4,
    lost: tuple[int, ...] = (),
    checks: list[dict] | None = None,
    heard_after_s: float | None = None,
) -> Call:
    """Make a run folder; `lost` are the numbers of packets that never came, `checks` what verdict.json is to say.

    The packets carry silence, unless the sink is to have heard, so long after it was sent, what was played.
    """
    played = sound(seconds)
    played.export(folder / "played.wav", format="wav").close()
    heard = sound(seconds)
    if heard_after_s is not None:
        heard = AudioSegment.silent(round(1000 * heard_after_s), 8000) + played
    heard.export(folder / "sink.wav", format="wav").close()
    (folder / "plan.toml").write_text(PLAN.format(audio=folder / "played.wav"))
    events = [
        {"wall_s": ANSWERED_S - 0.1, "event": "ready", "node": "sink", "sip": "127.0.0.1:5062"},
        {"wall_s": ANSWERED_S - 0.1, "event": "ready", "node": "source", "sip": "127.0.0.1:5060"},
        {"wall_s": ANSWERED_S, "event": "CALL_ESTABLISHED", "node": "source"},
    ]
    (folder / "events.jsonl").write_text("".join(json.dumps(event) + "\n" for event in events))
    summary = {"exit_code": 0, "network": "private", "duration_s": seconds, "nodes": {}, "failed_first": None}
    (folder / "summary.json").write_text(json.dumps(summary))
    if checks is not None:
        failed = [check for check in checks if check["outcome"] != "pass"]
        verdict = {"outcome": failed[0]["outcome"] if failed else "pass", "reason": "because", "checks": checks}
        (folder / "verdict.json").write_text(json.dumps(verdict))
    samples = np.frombuffer(played.raw_data if heard_after_s is not None else bytes(len(played.raw_data)), "<i2")
    _capture(folder / "capture.pcap", octets(samples).tobytes(), lost)
    return Call(folder)


def check(name: str, outcome: str, **more: object) -> dict:
    """Return a check as verdict.json has it."""
    return {"name": name, "where": "sink", "outcome": outcome, "wanted": "this", "got": "that", "at_s": None,
            "file": "sink.wav", **more}  # fmt: skip


def _capture(path: Path, payload: bytes, lost: tuple[int, ...]) -> None:
    with path.open("wb") as file:
        writer = Writer(file, linktype=DLT_RAW, nano=True)
        for time_s, sport, dport, content in [*_signalling(), *_media(payload, lost)]:
            udp = UDP(sport=sport, dport=dport, data=content, ulen=8 + len(content))
            packet = IP(src=b"\x7f\0\0\x01", dst=b"\x7f\0\0\x01", p=17, data=udp, len=28 + len(content))
            writer.writepkt(bytes(packet), ts=time_s)


def _signalling() -> list[tuple[float, int, int, bytes]]:
    """Return an INVITE and its answer."""
    head = (
        "Via: SIP/2.0/UDP 127.0.0.1:5060;branch=z9hG4bK1\r\nFrom: <sip:a@127.0.0.1>;tag=1\r\nCall-ID: x\r\n"
        "CSeq: 1 INVITE\r\nContent-Type: application/sdp\r\n"
    )
    asks, answers = SDP.format(10000), SDP.format(20000)
    to = "To: <sip:b@127.0.0.1>"
    invite = f"INVITE sip:b@127.0.0.1:5062 SIP/2.0\r\n{head}{to}\r\nContent-Length: {len(asks)}\r\n\r\n{asks}"
    ok = f"SIP/2.0 200 OK\r\n{head}{to};tag=2\r\nContent-Length: {len(answers)}\r\n\r\n{answers}"
    return [(ANSWERED_S - 0.05, 5060, 5062, invite.encode()), (ANSWERED_S, 5062, 5060, ok.encode())]


def _media(payload: bytes, lost: tuple[int, ...]) -> list[tuple[float, int, int, bytes]]:
    found = []
    for number in range(len(payload) // 160):
        if number not in lost:
            rtp = RTP(seq=number, ts=160 * number, ssrc=7, data=payload[160 * number : 160 * (number + 1)])
            found.append((ANSWERED_S + 0.02 * number, 10000, 20000, bytes(rtp)))
    return found
