"""What `b2b rtp` says of streams beyond their own figures: what their call and their neighbours tell."""

from __future__ import annotations

import pytest
from wire_makers import datagram, healthy, sdp, sip

from harness.wire.collect import collect
from harness.wire.legs import legs_of
from harness.wire.summary import one_way, summaries

CALLER, CALLEE = ("10.0.0.1", 4000), ("10.0.0.2", 5000)


def media(count, *, at_s=0.6, back=False, ssrc=1):
    """Return sound between the two."""
    src, dst = (CALLEE, CALLER) if back else (CALLER, CALLEE)
    ways = {"src": src[0], "sport": src[1], "dst": dst[0], "dport": dst[1]}
    return [datagram(at_s + ms / 1000, data, **ways) for ms, data in healthy(count, ssrc=ssrc)]


def call(*, direction="sendrecv", answered=True):
    """Return the signalling of a call that ends after three seconds."""
    there = {"src": CALLER[0], "sport": 5060, "dst": CALLEE[0], "dport": 5060}
    back = {"src": CALLEE[0], "sport": 5060, "dst": CALLER[0], "dport": 5060}
    answer = [datagram(0.5, sip("SIP/2.0 200 OK", body=sdp(*CALLEE)), **back)] if answered else []
    return [
        datagram(0.0, sip("INVITE sip:b@b SIP/2.0", body=sdp(*CALLER, more=f"a={direction}")), **there),
        *answer,
        datagram(3.0, sip("BYE sip:b@b SIP/2.0", cseq="2 BYE"), **there),
    ]


def told(*datagrams):
    """Return what is said of the streams among them."""
    wire = collect(sorted(datagrams, key=lambda one: one.time_s))
    return summaries(wire.streams, legs_of(wire, {}))


def test_media_after_bye():
    """Packets of the call that came when it was over; of another, that nobody hung up, none."""
    streams = told(*call(), *media(170), *media(100, back=True, ssrc=2))
    assert [stream["after_bye"] for stream in streams] == [49, 0]


@pytest.mark.parametrize(
    ("signalling", "is_one_way"),
    [(call(), True), (call(direction="sendonly"), False), (call(answered=False), False)],
    ids=["answered", "nothing is to come back", "not answered"],
)
def test_one_way_audio(signalling, is_one_way):
    """A direction of an answered call that was to carry sound and carried none, while the other did."""
    wire = collect([*signalling[:-1], *media(100), signalling[-1]])
    legs = legs_of(wire, {})
    assert [leg.name for leg in one_way(legs)] == ["10.0.0.2:5060 -> 10.0.0.1:5060"] * is_one_way
    assert [stream["one_way"] for stream in summaries(wire.streams, legs)] == [is_one_way]
    assert not any(stream["one_way"] for stream in told(*signalling, *media(100), *media(100, back=True, ssrc=2)))


def test_a_change_of_ssrc():
    """What the flow had before."""
    streams = told(*call(), *media(50), *media(50, at_s=1.7, ssrc=9), *media(100, back=True, ssrc=2))
    assert {stream["ssrc"]: stream["ssrc_before"] for stream in streams} == {1: None, 9: 1, 2: None}
