"""Digits that were signalled, and the check that each came by one way only."""

from __future__ import annotations

import json
import struct
from pathlib import Path

import pytest
from wire_makers import T0, frame, rtp, sdp, sip, write_pcap

from harness.call import Call
from harness.judging.digits import check_digits, check_twice
from harness.signalled import Heard, signalled
from harness.verdict import Outcome

SOURCE, SINK = ("10.0.0.1", 5063), ("10.0.0.2", 5062)


@pytest.fixture
def call(tmp_path: Path):
    """Return a call to the sink with these frames in it, answered at 0."""

    def make(frames: list[tuple[float, bytes]]) -> Call:
        offer, accept = sdp("10.0.0.1", 4000), sdp("10.0.0.2", 5000)
        signalling = [
            frame(-0.1, sip("INVITE sip:b SIP/2.0", body=offer), SOURCE, SINK),
            frame(0, sip("SIP/2.0 200 OK", body=accept), SINK, SOURCE),
        ]
        write_pcap(tmp_path / "capture.pcap", sorted([*signalling, *frames]))
        events = [{"wall_s": T0, "node": "sink", "event": "ready", "sip": "10.0.0.2:5062"}]
        (tmp_path / "events.jsonl").write_text("".join(json.dumps(event) + "\n" for event in events))
        return Call(tmp_path)

    return make


def info(at_s: float, body: str, *, kind: str = "application/dtmf-relay", cseq: int = 2) -> tuple[float, bytes]:
    """Return an INFO to the sink."""
    message = sip("INFO sip:b SIP/2.0", cseq=f"{cseq} INFO", body=body)
    return frame(at_s, message.replace(b"application/sdp", kind.encode()), SOURCE, SINK)


def event(at_s: float, code: int) -> list[tuple[float, bytes]]:
    """Return a key as telephone-events, its end three times."""
    stamp = round(8000 * at_s)
    payloads = [struct.pack(">BBH", code, 10 | end, length) for end, length in ((0, 160), (0x80, 320), (0x80, 320))]
    return [
        frame(at_s + n / 50, rtp(round(50 * at_s) + n, stamp, kind=101, payload=payload), ("10.0.0.1", 4000),
               ("10.0.0.2", 5000))
        for n, payload in enumerate(payloads)
    ]  # fmt: skip


def test_events_and_info(call):
    """Each digit once, however often its packets came, in the order of their time."""
    frames = [info(2, "Signal=5\r\nDuration=160\r\n"), info(2.5, "Signal=5\r\nDuration=160\r\n"), *event(1, 11)]
    frames += [info(3, "a", kind="application/dtmf", cseq=3), info(4, "hello", kind="text/plain", cseq=4)]
    assert [(heard.digit, round(heard.start_s, 3), heard.by) for heard in signalled(call(frames), "sink")] == [
        ("#", 1.0, "rfc4733"), ("5", 2.0, "info"), ("A", 3.0, "info"),
    ]  # fmt: skip


def test_nothing_was_signalled(call):
    """To nobody else either."""
    assert signalled(call(event(1, 1)), "source") == []
    assert signalled(call([]), "sink") == []


def heard(*digits: tuple[str, float, str]) -> list[Heard]:
    """Return digits."""
    return [Heard(digit=digit, start_s=start_s, by=by) for digit, start_s, by in digits]


@pytest.mark.parametrize(("digits", "got"), [
    (heard(("5", 1, "info"), ("5", 1.4, "inband")), "'5' by info and by inband"),
    (heard(("5", 1.4, "inband"), ("5", 1, "rfc4733")), "'5' by rfc4733 and by inband"),
    (heard(("5", 1, "info"), ("5", 2.2, "inband")), "each once"),
    (heard(("5", 1, "info"), ("6", 1.1, "inband")), "each once"),
    (heard(("5", 1, "info"), ("5", 1.2, "info")), "each once"),
    (heard(("1", 1, "info"), ("1", 1.3, "inband"), ("1", 1.6, "inband")), "'1' by info and by inband"),
    ([], "each once"),
])  # fmt: skip
def test_a_digit_by_two_ways(digits, got):
    """Within a second it is the same press, reported twice."""
    check = check_twice("sink", "capture.pcap", digits)
    assert (check.got, check.outcome) == (got, Outcome.PASS if got == "each once" else Outcome.FAIL)


@pytest.mark.parametrize(("came", "good"), [
    ("159", True), ("15", False), ("159159", False), ("1591", False), ("", False),
])  # fmt: skip
def test_digits_that_are_sent_once(came, good):
    """All of them, and no more."""
    digits = heard(*((digit, at, "rfc4733") for at, digit in enumerate(came)))
    check = check_digits("sink", "x", digits, "159", whole=None, once=True, by="rfc4733")
    assert (check.outcome is Outcome.PASS) == good
    assert check.wanted == "'159' once by rfc4733"
