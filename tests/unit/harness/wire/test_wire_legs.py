"""Legs: each direction of each call, named after the nodes, with what was agreed and what was sent."""

from __future__ import annotations

import pytest
from wire_makers import T0, datagram, healthy, rtp, sdp, sip

from harness.wire.frames import Datagram
from harness.wire.legs import Leg, crossed, legs
from harness.wire.sip import Codec

CALLER, CALLEE, PROXY = ("10.0.0.1", 5063), ("10.0.0.2", 5062), ("10.0.0.9", 5060)
NODES = {"mixer": "10.0.0.1:5063", "sink": "10.0.0.2:5062"}


def said(
    time_s: float, payload: bytes, src: tuple[str, int] = CALLER, dst: tuple[str, int] = CALLEE, proto: str = "udp"
) -> Datagram:
    """Return SIP on its way."""
    return datagram(time_s, payload, src=src[0], sport=src[1], dst=dst[0], dport=dst[1], proto=proto)


def call(offer: str, answer: str, *, call_id: str = "call-1", at_s: float = 0, bye: bool = True) -> list[Datagram]:
    """Return the signalling of a call: invited, answered after 0.5 s, ended after 3."""
    found = [
        said(at_s, sip("INVITE sip:bob@b SIP/2.0", body=offer, call_id=call_id)),
        said(at_s + 0.1, sip("SIP/2.0 180 Ringing", call_id=call_id), CALLEE, CALLER),
        said(at_s + 0.5, sip("SIP/2.0 200 OK", body=answer, call_id=call_id), CALLEE, CALLER),
        said(at_s + 0.51, sip("ACK sip:bob@b SIP/2.0", cseq="1 ACK", call_id=call_id)),
    ]
    if bye:
        found.append(said(at_s + 3, sip("BYE sip:bob@b SIP/2.0", cseq="2 BYE", call_id=call_id)))
        found.append(said(at_s + 3, sip("SIP/2.0 200 OK", cseq="2 BYE", call_id=call_id), CALLEE, CALLER))
    return found


def media(count: int, *, back: bool = False, at_s: float = 0.6, **more: int) -> list[Datagram]:
    """Return RTP between 10.0.0.1:4000 and 10.0.0.2:5000."""
    ways = [("10.0.0.1", 4000), ("10.0.0.2", 5000)]
    (src, sport), (dst, dport) = reversed(ways) if back else ways
    return [
        datagram(at_s + ms / 1000, data, src=src, sport=sport, dst=dst, dport=dport)
        for ms, data in healthy(count, ssrc=2 if back else 1, **more)
    ]


OFFER, ANSWER = sdp("10.0.0.1", 4000), sdp("10.0.0.2", 5000)


def test_a_call_has_two_legs() -> None:
    """There and back, each with its stream and the same times."""
    there, back = legs([*call(OFFER, ANSWER), *media(50), *media(40, back=True)], NODES)
    assert (there.name, there.src, there.dst) == ("mixer -> sink", "mixer", "sink")
    assert (back.name, back.src, back.dst) == ("sink -> mixer", "sink", "mixer")
    for leg, packets in ((there, 50), (back, 40)):
        assert (leg.call_id, leg.invited_at_s) == ("call-1", T0)
        assert (leg.answered_at_s, leg.ended_at_s) == (T0 + 0.5, T0 + 3)
        assert (leg.codec, leg.payload_type, leg.ptime_ms) == (Codec("PCMU", 8000), 0, 20)
        assert (leg.codec_used, leg.payload_types_used, leg.ptime_used_ms) == (Codec("PCMU", 8000), (0,), 20)
        assert leg.stream is not None
        assert leg.stream.packets == packets


def test_another_codec_than_agreed_shows() -> None:
    """PCMU was agreed, PCMA was sent, in packets of 30 ms."""
    sound = [datagram(0.6 + 0.03 * i, rtp(i, 240 * i, kind=8)) for i in range(20)]
    there, _ = legs([*call(OFFER, ANSWER), *sound], NODES)
    assert there.codec == Codec("PCMU", 8000)
    assert (there.codec_used, there.payload_types_used, there.ptime_used_ms) == (Codec("PCMA", 8000), (8,), 30)


def test_no_rtp_is_a_leg_without_a_stream() -> None:
    """One-way audio is to be seen."""
    there, back = legs([*call(OFFER, ANSWER), *media(50)], NODES)
    assert there.stream is not None
    assert back.stream is None
    assert (back.payload_types_used, back.codec_used, back.ptime_used_ms, back.streams) == ((), None, None, ())


def test_a_call_that_was_never_answered() -> None:
    """Its legs are there, and say so."""
    signalling = [call(OFFER, ANSWER)[0], said(1, sip("SIP/2.0 486 Busy Here"), CALLEE, CALLER)]
    for leg in legs(signalling, NODES):
        assert (leg.answered_at_s, leg.ended_at_s, leg.stream, leg.codec) == (None, None, None, None)


def test_a_call_that_was_never_ended_and_was_answered_twice() -> None:
    """The first 200 counts, the others repeat it."""
    signalling = call(OFFER, ANSWER, bye=False)
    repeated = signalling[2]._replace(time_s=T0 + 0.9)
    there, _ = legs([*signalling, repeated, *media(50)], NODES)
    assert (there.answered_at_s, there.ended_at_s) == (T0 + 0.5, None)
    assert there.stream is not None


def test_the_callers_sip_port_may_be_anything_over_tcp() -> None:
    """Then Via says who it is."""
    invite = said(0, sip("INVITE sip:bob@b SIP/2.0", body=OFFER), ("10.0.0.1", 40000), proto="tcp")
    assert [leg.name for leg in legs([invite], NODES)] == ["mixer -> sink", "sink -> mixer"]


def test_a_stranger_is_named_by_its_address() -> None:
    """As a PBX under test is, which is no node."""
    there, back = legs(call(OFFER, ANSWER), {"mixer": "10.0.0.1:5063"})
    assert (there.name, there.dst) == ("mixer -> 10.0.0.2:5062", None)
    assert back.name == "10.0.0.2:5062 -> mixer"


def test_through_a_proxy_it_is_one_call_between_the_nodes() -> None:
    """The INVITE passes twice, under one Call-ID."""
    invite = sip("INVITE sip:bob@b SIP/2.0", body=OFFER)
    answer = sip("SIP/2.0 200 OK", body=ANSWER)
    hops = [
        said(0, invite, CALLER, PROXY), said(0.01, invite, PROXY, CALLEE),
        said(0.5, answer, CALLEE, PROXY), said(0.51, answer, PROXY, CALLER),
    ]  # fmt: skip
    found = legs([*hops, *media(50), *media(50, back=True)], NODES)
    assert [(leg.name, leg.stream and leg.stream.packets) for leg in found] == [
        ("mixer -> sink", 50), ("sink -> mixer", 50),
    ]  # fmt: skip


def test_a_call_that_was_challenged_or_sent_elsewhere() -> None:
    """The attempt that was answered counts: who got that one is called."""
    refused = [
        said(0, sip("INVITE sip:bob@b SIP/2.0", cseq="7 INVITE", body=OFFER), CALLER, PROXY),
        said(0.1, sip("SIP/2.0 407 Proxy Authentication Required", cseq="7 INVITE"), PROXY, CALLER),
        said(0.1, sip("ACK sip:bob@b SIP/2.0", cseq="7 ACK"), CALLER, PROXY),
    ]
    invite, answer = sip("INVITE sip:bob@b SIP/2.0", cseq="8 INVITE", body=OFFER), sip(
        "SIP/2.0 200 OK", cseq="8 INVITE", body=ANSWER
    )
    through = [
        said(0.2, invite, CALLER, PROXY), said(0.21, invite, PROXY, CALLEE),
        said(0.5, answer, CALLEE, PROXY), said(0.51, answer, PROXY, CALLER),
    ]  # fmt: skip
    past = [said(0.2, invite, CALLER, CALLEE), said(0.5, answer, CALLEE, CALLER)]
    for accepted in (through, past):
        found = legs([*refused, *accepted, *media(50)], {**NODES, "pbx": "10.0.0.9:5060"})
        assert [(leg.name, leg.packets) for leg in found] == [("mixer -> sink", 50), ("sink -> mixer", 0)]


def test_a_proxy_that_relays_the_media() -> None:
    """It is a party then: each side has legs of its own, with the stream of that side and the call's end."""
    relay = "10.0.0.8"
    hops = [
        said(0, sip("INVITE sip:bob@b SIP/2.0", body=OFFER), CALLER, PROXY),
        said(0.01, sip("INVITE sip:bob@b SIP/2.0", body=sdp(relay, 7000)), PROXY, CALLEE),
        said(0.5, sip("SIP/2.0 200 OK", body=ANSWER), CALLEE, PROXY),
        said(0.51, sip("SIP/2.0 200 OK", body=sdp(relay, 7002)), PROXY, CALLER),
        said(3, sip("BYE sip:bob@b SIP/2.0", cseq="2 BYE"), CALLER, CALLEE),
    ]
    streams = [
        datagram(0.6 + ms / 1000, data, src=src, sport=sport, dst=dst, dport=dport)
        for count, src, sport, dst, dport in (
            (50, "10.0.0.1", 4000, relay, 7002), (49, relay, 7000, "10.0.0.2", 5000),
            (48, "10.0.0.2", 5000, relay, 7000), (47, relay, 7002, "10.0.0.1", 4000),
        )
        for ms, data in healthy(count, ssrc=count % 2)
    ]  # fmt: skip
    found = legs([*hops, *streams], {**NODES, "pbx": "10.0.0.9:5060"})
    assert {leg.name: leg.packets for leg in found} == {
        "mixer -> pbx": 50, "pbx -> mixer": 47, "pbx -> sink": 49, "sink -> pbx": 48,
    }  # fmt: skip
    assert {leg.ended_at_s for leg in found} == {T0 + 3}


def test_payload_types_are_numbered_by_the_receiver() -> None:
    """Offer and answer may give one codec two numbers."""
    offer = sdp("10.0.0.1", 4000, kinds="96 0", more="a=rtpmap:96 opus/48000/2")
    answer = sdp("10.0.0.2", 5000, kinds="111", more="a=rtpmap:111 OPUS/48000/2", ptime=None)
    there, back = legs(call(offer, answer), NODES)
    assert (there.payload_type, there.codec, there.ptime_ms) == (111, Codec("OPUS", 48000), None)
    assert (back.payload_type, back.codec, back.ptime_ms) == (96, Codec("opus", 48000), 20)


def test_a_codec_that_was_not_offered_is_not_agreed() -> None:
    """A broken answer is no codec."""
    _, back = legs(call(sdp("10.0.0.1", 4000, kinds="0"), sdp("10.0.0.2", 5000, kinds="8")), NODES)
    assert (back.payload_type, back.codec) == (None, None)


def test_an_offer_in_the_answer_is_answered_in_the_ack() -> None:
    """RFC 3261 allows it."""
    signalling = [
        said(0, sip("INVITE sip:bob@b SIP/2.0")),
        said(0.5, sip("SIP/2.0 200 OK", body=ANSWER), CALLEE, CALLER),
        said(0.6, sip("ACK sip:bob@b SIP/2.0", cseq="1 ACK", body=OFFER)),
    ]
    there, back = legs([*signalling, *media(50), *media(50, back=True)], NODES)
    assert there.stream is not None
    assert back.stream is not None
    assert there.codec == back.codec == Codec("PCMU", 8000)


@pytest.mark.parametrize(
    ("direction", "there", "back"), [("sendrecv", True, True), ("sendonly", True, False), ("inactive", False, False)]
)
def test_a_direction_that_may_not_send_is_told(direction: str, there: bool, back: bool) -> None:
    """No RTP is right then."""
    found = legs(call(sdp("10.0.0.1", 4000, more=f"a={direction}"), ANSWER), NODES)
    assert [leg.sends for leg in found] == [there, back]


def test_ports_that_a_later_call_uses_again() -> None:
    """Each call has its own streams."""
    later = [found._replace(time_s=found.time_s + 100) for found in media(30, seq=5000)]
    later = [found._replace(payload=found.payload[:8] + b"\0\0\0\7" + found.payload[12:]) for found in later]
    first, _, second, _ = legs(
        [*call(OFFER, ANSWER), *media(50), *call(OFFER, ANSWER, call_id="call-2", at_s=100), *later], NODES
    )
    assert [packets(leg) for leg in (first, second)] == [50, 30]


def packets(leg: Leg) -> int:
    """Return how many packets a leg's stream has."""
    return leg.stream.packets if leg.stream else 0


def test_a_change_of_ssrc_leaves_both_streams() -> None:
    """The longer one is the leg's."""
    other = [found._replace(time_s=found.time_s + 1.5) for found in media(30)]
    other = [found._replace(payload=found.payload[:8] + b"\0\0\0\7" + found.payload[12:]) for found in other]
    there, _ = legs([*call(OFFER, ANSWER), *media(50), *other], NODES)
    assert [stream.packets for stream in there.streams] == [50, 30]
    assert packets(there) == 50


def test_a_reinvite_by_the_callee_turns_nothing_round() -> None:
    """The caller stays the caller, and a new address is heard too."""
    moved = sdp("10.0.0.2", 5500)
    reinvite = sip("INVITE sip:alice@a SIP/2.0", body=moved, cseq="9 INVITE", sender="bob", receiver="alice")
    signalling = [*call(OFFER, ANSWER), said(1, reinvite, CALLEE, CALLER)]
    sound = [found._replace(dport=5500, time_s=found.time_s + 0.6) for found in media(20)]
    there, back = legs([*signalling, *sound], NODES)
    assert (there.name, packets(there), packets(back)) == ("mixer -> sink", 20, 0)


def test_nothing_heard_is_no_legs() -> None:
    """Without SIP there is nobody to name."""
    assert legs(media(50), NODES) == []
    assert legs([said(0, sip("BYE sip:a@b SIP/2.0", cseq="1 BYE"))], NODES) == []


def two_calls(*, swapped: bool, own: int = 0) -> list[Leg]:
    """Return the legs of two calls between the same hosts; each callee may first get some packets of its own caller."""
    more = sdp("10.0.0.1", 4002), sdp("10.0.0.2", 5002)
    packets = []
    for sport, dport in ((4000, 5002), (4002, 5000)) if swapped else ((4000, 5000), (4002, 5002)):
        ways = {"src": "10.0.0.1", "sport": sport, "dst": "10.0.0.2"}
        packets += [datagram(1 + ms / 1000, data, dport=dport, **ways) for ms, data in healthy(50, ssrc=sport)]
        first = healthy(own, ssrc=sport)
        packets += [datagram(0.6 + ms / 1000, data, dport=sport + 1000, **ways) for ms, data in first]
    return legs([*call(OFFER, ANSWER), *call(*more, call_id="call-2", at_s=0.1), *packets], NODES)


@pytest.mark.parametrize("own", [0, 10])
def test_the_sound_of_another_call(own: int) -> None:
    """Whose it is, also where some packets had come from where they should."""
    found = two_calls(swapped=True, own=own)
    there, _, other, _ = found
    stream, whose = crossed(there, found) or pytest.fail("nothing was found")
    assert (stream.flow.sport, whose.call_id) == (4002, other.call_id)
    assert [bool(crossed(leg, found)) for leg in found] == [True, False, True, False]


def test_sound_from_where_nobody_said_is_no_other_call() -> None:
    """Behind a NAT it comes from another port than the SDP names."""
    found = two_calls(swapped=False)
    assert [crossed(leg, found) for leg in found] == [None] * 4
    ways = {"src": "10.0.0.1", "sport": 9, "dst": "10.0.0.2", "dport": 5000}
    behind = [datagram(1 + ms / 1000, data, **ways) for ms, data in healthy(9)]
    found = legs([*call(OFFER, ANSWER), *behind], NODES)
    assert found[0].packets == 9
    assert crossed(found[0], found) is None
