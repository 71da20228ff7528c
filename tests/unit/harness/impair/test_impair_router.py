"""Whose a packet is: SIP by where nodes listen, sound by what their SIP agreed on."""

from __future__ import annotations

import struct

import pytest
from carrying import packet

from harness.impair.lose import Some
from harness.impair.router import Router
from harness.impair.table import Direction, Impairment, Impairments
from unit.harness.wire.wire_makers import rtp, sdp, sip

NODES = {"source": "127.0.0.1:5060", "mixer": "127.0.0.1:5063", "sink": "127.0.0.1:5062"}
LOSE_ALL = Impairment(loss=100)


def router(*directions: Direction, nodes: dict[str, str] = NODES) -> Router:
    """Return a router that impairs these directions."""
    return Router(Impairments(seed=1, directions=directions), lambda: nodes)


def both(src: str, dst: str, media: Impairment = LOSE_ALL, messages: Impairment | None = None) -> Direction:
    """Return a direction with its media, and unless it is said otherwise nothing done to its SIP."""
    return Direction(src=src, dst=dst, media=media, sip=messages or Impairment())


def call(router: Router) -> None:
    """Let source call mixer: sound goes to 7000 at the source, and to 8000 at the mixer."""
    invite = sip("INVITE sip:b2b@127.0.0.1:5063 SIP/2.0", body=sdp("127.0.0.1", 7000))
    router.take(packet(invite, 5060, 5063), 0.0)
    router.take(packet(sip("SIP/2.0 200 OK", body=sdp("127.0.0.1", 8000)), 5063, 5060), 0.1)


def is_lost(router: Router, content: bytes, sport: int, dport: int) -> bool:
    """Whether a packet is lost."""
    (parcel,) = router.take(packet(content, sport, dport), 1.0)
    return parcel.copies == 0


@pytest.mark.parametrize(
    ("direction", "there", "back"),
    [(("source", "mixer"), True, False), (("mixer", "source"), False, True), (("mixer", "sink"), False, False)],
)
def test_sound_goes_by_its_destination(direction, there, back):
    """Only the direction that is named loses it."""
    found = router(both(*direction))
    call(found)
    assert is_lost(found, rtp(1, 160), 7000, 8000) is there
    assert is_lost(found, rtp(1, 160), 8000, 7000) is back


def test_sound_that_no_sip_announced_passes():
    """Nobody knows whose it is."""
    assert not is_lost(router(both("source", "mixer")), rtp(1, 160), 7000, 8000)


@pytest.mark.parametrize("dport", [8001, 8000])
def test_rtcp_is_its_directions_too(dport):
    """On the port above, or multiplexed; it is no packet of the sound, and loss at random is not for it."""
    found = router(both("source", "mixer", Impairment(loss=100, delay_ms=30)))
    call(found)
    report = struct.pack("!BBHI", 0x80, 200, 6, 7) + bytes(20)
    (parcel,) = found.take(packet(report, 7001, dport), 1.0)
    assert (parcel.copies, parcel.decision, round(parcel.due_s, 6)) == (1, None, 1.03)


def test_a_message_is_lost_by_name():
    """The first INVITE, and the second 200 to a BYE; all others pass, and are counted."""
    lose = Impairment(lose=(Some(1, 1, "INVITE"), Some(2, 2, "200", "BYE")))
    found = router(both("source", "mixer", Impairment(), lose))
    invite, ok = sip("INVITE sip:b2b@127.0.0.1:5063 SIP/2.0"), sip("SIP/2.0 200 OK", cseq="2 BYE")
    came = [is_lost(found, one, 5060, 5063) for one in (invite, invite, ok, ok, ok, sip("SIP/2.0 200 OK"))]
    assert came == [True, False, False, True, False, False]
    assert not is_lost(found, invite, 5063, 5060)
    assert found.lanes["source -> mixer", "sip"].packets == 6


def test_nodes_that_are_known_late():
    """A free port is known from READY on; it is asked for when a message comes from where nobody was known."""
    nodes: dict[str, str] = {}
    found = router(both("source", "mixer", Impairment(), LOSE_ALL), nodes=nodes)
    invite = sip("INVITE sip:b2b@127.0.0.1:5063 SIP/2.0")
    assert not is_lost(found, invite, 5060, 5063)
    nodes.update(NODES)
    assert is_lost(found, invite, 5060, 5063)


@pytest.mark.parametrize("content", [b"", b"\r\n\r\n", b"\x80", b"\x00\x01stun", bytes(12), b"\xff" * 300])
def test_anything_else_passes(content):
    """Keep-alives, STUN, and what is nothing at all."""
    found = router(both("source", "mixer", LOSE_ALL, LOSE_ALL), both("mixer", "source", LOSE_ALL, LOSE_ALL))
    call(found)
    assert not is_lost(found, content, 5060, 5063)


def test_a_packet_that_is_cut_off_passes():
    """What the kernel would not send is no reason to stop."""
    found = router(both("source", "mixer"))
    for length in range(28):
        (parcel,) = found.take(packet(b"x", 1, 2)[:length], 0.0)
        assert parcel.copies == 1
