"""SIP and SDP: as much as it takes to know who talks to whom, where and how."""

from __future__ import annotations

import random

import pytest
from wire_makers import datagram, sdp, sip

from harness.wire.sip import STATIC, Address, Codec, SipListener, parse_sdp, parse_sip


def test_a_request() -> None:
    """What every request has."""
    body = sdp("10.0.0.1", 4000)
    message = parse_sip(sip("INVITE sip:bob@10.0.0.2:5062 SIP/2.0", body=body, cseq="17 INVITE"))
    assert message is not None
    assert (message.method, message.status, message.uri) == ("INVITE", None, "sip:bob@10.0.0.2:5062")
    assert (message.call_id, message.cseq) == ("call-1", 17)
    assert (message.sender, message.receiver) == ("<sip:alice@x>;tag=alice", "<sip:bob@y>;tag=bob")
    assert message.sent_by == Address("10.0.0.1", 5063)
    assert message.media is not None
    assert message.media.address == Address("10.0.0.1", 4000)


@pytest.mark.parametrize(("first", "status", "reason"), [("SIP/2.0 200 OK", 200, "OK"), ("SIP/2.0 486", 486, "")])
def test_a_response_knows_its_request(first: str, status: int, reason: str) -> None:
    """From CSeq."""
    message = parse_sip(sip(first, cseq="2 BYE"))
    assert message is not None
    assert (message.method, message.status, message.reason, message.media) == ("BYE", status, reason, None)


def test_compact_folded_and_oddly_spelt_headers() -> None:
    """RFC 3261 allows all of it; of several Via the first is the last hop."""
    headers = b"v : SIP / 2.0/UDP [fd00::1] : 5070\nVIA: SIP/2.0/UDP other\ni:x\nf: a\n\tb\nno header\n\n"
    raw = b"BYE sip:a@b SIP/2.0\n" + headers
    message = parse_sip(raw)
    assert message is not None
    assert (message.sent_by, message.call_id, message.sender) == (Address("fd00::1", 5070), "x", "a b")
    assert (message.cseq, message.receiver) == (0, "")
    assert str(message.sent_by) == "[fd00::1]:5070"


@pytest.mark.parametrize(
    "payload", [b"", b"INVITE", b"INVITE sip:a@b HTTP/1.1\r\n\r\n", b"SIP/2.0 999 no\r\n\r\n", b"\x80" * 40, b"\0" * 4]
)
def test_garbage_is_none(payload: bytes) -> None:
    """Nor is a keep-alive a message."""
    assert parse_sip(payload) is None


def test_noise_never_raises() -> None:
    """A good message with octets of it changed, ten thousand times."""
    noise = random.Random(5)
    good = sip("INVITE sip:bob@b SIP/2.0", body=sdp("10.0.0.1", 4000))
    for _ in range(10_000):
        bad = bytearray(good)
        for _ in range(noise.randrange(1, 8)):
            bad[noise.randrange(len(bad))] = noise.randrange(256)
        if message := parse_sip(bytes(bad)):
            assert (message.cseq, message.media, message.sent_by) is not None


def test_an_sdp_as_baresip_writes_it() -> None:
    """Address, port, payload types and what they mean, ptime, direction."""
    media = parse_sdp(sdp("10.0.0.1", 4000, more="a=fmtp:101 0-15\na=recvonly"))
    assert media is not None
    assert media.address == Address("10.0.0.1", 4000)
    assert media.payload_types == (0, 101)
    assert media.codecs == {0: Codec("PCMU", 8000), 101: Codec("telephone-event", 8000)}
    assert media.audio_types == (0,)
    assert (media.ptime_ms, media.direction) == (20, "recvonly")


def test_static_payload_types_need_no_rtpmap() -> None:
    """RFC 3551 gave them away; dynamic ones without one stay unknown, and may be sound."""
    media = parse_sdp("v=0\r\nc=IN IP6 fd00::1\r\nm=audio 4000 RTP/AVP 8 13 96 200\r\n")
    assert media is not None
    assert media.codecs == {8: Codec("PCMA", 8000), 13: Codec("CN", 8000)}
    assert (media.payload_types, media.audio_types) == ((8, 13, 96), (8, 96))
    assert (media.ptime_ms, media.direction, media.address.ip) == (None, "sendrecv", "fd00::1")
    assert STATIC[9] == Codec("G722", 8000)


def test_the_audio_sections_own_lines_win() -> None:
    """Over the session's; and video beside it has no say."""
    media = parse_sdp(
        "v=0\nc=IN IP4 1.1.1.1\na=inactive\nm=video 9 RTP/AVP 96\nc=IN IP4 2.2.2.2\na=ptime:99\n"
        "m=audio 4000/2 RTP/SAVP 0\nc=IN IP4 3.3.3.3/127\na=ptime:30\na=sendonly\nm=audio 5000 RTP/AVP 8\n"
    )
    assert media is not None
    assert (media.address, media.ptime_ms, media.direction) == (Address("3.3.3.3", 4000), 30, "sendonly")


@pytest.mark.parametrize(
    "body",
    ["", "v=0\n", "v=0\nc=IN IP4 1.1.1.1\nm=audio 0 RTP/AVP 0\n", "v=0\nm=audio 4000 RTP/AVP 0\n",
     "m=audio 4000 RTP/AVP 0",
     "v=0\nc=IN IP4 1.1.1.1\nm=image 4000 udptl t38\n", "v=0\nc=IN IP4 1.1.1.1\nm=audio 99999 RTP/AVP 0\n"],
    ids=["empty", "no media", "rejected", "no address", "no session", "fax", "no port"],
)  # fmt: skip
def test_no_audio_is_none(body: str) -> None:
    """Whatever the reason."""
    assert parse_sdp(body) is None


@pytest.mark.parametrize("size", [1, 7, 100, 10_000])
def test_messages_in_tcp_are_found_however_they_were_cut(size: int) -> None:
    """A segment may hold half a message, or three; keep-alives lie between."""
    first = sip("INVITE sip:bob@b SIP/2.0", body=sdp("10.0.0.1", 4000))
    last = sip("BYE sip:bob@b SIP/2.0", cseq="2 BYE")
    data = first + b"\r\n\r\n" + last + first
    listener = SipListener()
    segments = [data[at : at + size] for at in range(0, len(data), size)]
    heard = [found for segment in segments for found in listener.hear(datagram(0, segment, proto="tcp"))]
    assert [found.message.method for found in heard] == ["INVITE", "BYE", "INVITE"]
    assert heard[0].message.media is not None


@pytest.mark.parametrize("seed", range(8))
def test_tcp_segments_that_come_twice_or_overtake_each_other(seed: int) -> None:
    """As on a loopback, which shows each of them twice, or over a network; through the wrap of their numbers."""
    chance = random.Random(seed)
    data = b"".join(sip(f"INVITE sip:{n}@b SIP/2.0", body=sdp("10.0.0.1", 4000 + n)) for n in range(5))
    begin = (1 << 32) - 300
    segments, at = [], 0
    while at < len(data):
        size = chance.randrange(1, 200)
        segments += [(at, data[at : at + size])] * chance.choice((1, 1, 2))
        at += size
    for place in range(0, len(segments) - 4, 4):
        part = segments[place + 1 : place + 4]
        chance.shuffle(part)
        segments[place + 1 : place + 4] = part
    listener, heard = SipListener(), []
    for at, octets in segments:
        segment = datagram(0, octets, proto="tcp")._replace(number=(begin + at) & 0xFFFFFFFF)
        heard += [found.message for found in listener.hear(segment)]
    assert [message.uri for message in heard] == [f"sip:{n}@b" for n in range(5)]
    assert [message.media.address.port for message in heard] == [4000, 4001, 4002, 4003, 4004]


def test_a_tcp_segment_that_the_capture_has_lost() -> None:
    """Its message is lost, those after it are not; nor are those of another connection of the same ports."""
    listener, heard, at = SipListener(), [], 1000
    invite = sip("INVITE sip:b@b SIP/2.0", body=sdp("10.0.0.1", 4000))
    for n in range(50):
        if n != 3:
            segment = datagram(0, invite, proto="tcp")._replace(number=at)
            heard += [found.message.method for found in listener.hear(segment)]
        at += len(invite)
    assert heard == ["INVITE"] * 49
    again = datagram(0, invite, proto="tcp")._replace(number=3_000_000_000)
    assert len(list(listener.hear(again))) == 1


def test_other_tcp_is_passed_over() -> None:
    """Baresip's control socket speaks netstrings."""
    listener = SipListener()
    assert list(listener.hear(datagram(0, b"20:{'command':'dial'},", proto="tcp"))) == []
    heard = listener.hear(datagram(0, sip("ACK sip:a@b SIP/2.0"), proto="tcp"))
    assert [found.message.method for found in heard] == ["ACK"]
