"""What the selftest does to the packets of a call, without the call: which, in what order, and when."""

from __future__ import annotations

import threading

import pytest

from harness.selftest import tamper

INVITE = b"INVITE sip:listener@127.0.0.1:5062 SIP/2.0\r\nTo: <sip:listener@x>\r\n\r\nv=0\r\nm=audio 4002 RTP/AVP 0\r\n"
ANSWER = b"SIP/2.0 200 Answering\r\nTo: <sip:listener@x>;tag=1\r\n\r\nv=0\r\nm=audio 5002 RTP/AVP 0\r\n"


class Wire:
    """Remembers what was sent, each packet a tenth of a second after the one before."""

    def __init__(self) -> None:
        self.sent: list[bytes] = []

    def send(self, packet: bytes) -> float:
        """Send a packet and return when."""
        self.sent.append(packet)
        return 100 + 0.1 * len(self.sent)


@pytest.fixture
def wire() -> Wire:
    """A wire without anything on it."""
    return Wire()


def test_a_stall_holds_back_and_keeps_the_order(wire):
    """The first packet passes at once, those behind it when the time is up; the result says how long that was."""
    done = tamper._stall(iter([b"1", b"2", b"3"]), wire.send, 0.02)
    assert wire.sent == [b"1", b"2", b"3"]
    assert done == tamper.Done(wall_s=100.1, length_ms=pytest.approx(100))


def test_a_packet_twice(wire):
    """What is told is when the second came."""
    assert tamper._double(iter([b"1", b"2"]), wire.send, 0).wall_s == pytest.approx(100.2)
    assert wire.sent == [b"1", b"1"]


def test_a_packet_behind_the_next(wire):
    """What is told is when the one came that was overtaken."""
    assert tamper._overtake(iter([b"1", b"2"]), wire.send, 0).wall_s == pytest.approx(100.2)
    assert wire.sent == [b"2", b"1"]


@pytest.mark.parametrize("do", [tamper._stall, tamper._double, tamper._overtake])
def test_a_call_that_ends_before(wire, do):
    """Nothing was done, and nothing is told."""
    assert do(iter([]), wire.send, 0.02) is None


def test_packets_are_named_by_numbers_that_wrap():
    """A sequence number has 16 bits."""
    assert tamper._numbered(65534, 3) == "@th,80,16 { 65534, 65535, 0 }"


def test_media_are_found_by_the_signalling():
    """By whom the call is for, and by the ports that both sides name."""
    assert tamper.INVITE.match(INVITE).groups() == (b"listener", b"4002")
    assert tamper.ANSWER.match(ANSWER).groups() == (b"listener", b"5002")
    assert tamper.INVITE.match(ANSWER) is None
    sound = b"\x80\x00\x12\x34" + bytes(168)

    class Sniffer:
        def queued(self):
            for sport, dport, payload in ((5060, 5062, INVITE), (4004, 5002, sound), (4002, 5002, sound)):
                head = bytes([0x45]) + bytes(8) + bytes([17]) + bytes(10)
                yield 1.0, head + sport.to_bytes(2, "big") + dport.to_bytes(2, "big") + bytes(4) + payload

    assert tamper._learn(Sniffer(), "listener", threading.Event()) == tamper._Media(4002, 5002, 0x1234)
