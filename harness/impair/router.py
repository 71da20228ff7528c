"""Knows whose a packet is: SIP by where the nodes listen, sound by what their SIP has agreed on."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from harness.impair.decide import Dice
from harness.impair.lane import MESSAGE, RTP, Lane, Parcel
from harness.impair.packets import ends
from harness.impair.table import Impairments
from harness.wire.rtp import RTCP_TYPES
from harness.wire.sip import Address, SipMessage, parse_sip


class Router:
    """Takes packets, one after the other as they were sent, and hands each to the lane of its direction.

    `addresses` returns where each node listens for SIP, as "ip:port", as far as that is known by now.
    """

    def __init__(self, wanted: Impairments, addresses: Callable[[], Mapping[str, str]]) -> None:
        self._ask, self._nodes = addresses, dict[str, str]()
        self._sound: dict[Address, Lane] = {}  # by where it goes to
        self.lanes: dict[tuple[str, str], Lane] = {}
        for direction in wanted.directions:
            for kind, impairment in ((RTP, direction.media), (MESSAGE, direction.sip)):
                dice = Dice(impairment, wanted.seed, f"{direction.name}/{kind}")
                self.lanes[direction.name, kind] = Lane(direction.name, kind, impairment, dice)

    def take(self, packet: bytes, came_s: float) -> list[Parcel]:
        """Return what is now known to go on: the packet itself, unless it waits, and perhaps one that has waited."""
        found = ends(packet)
        content = packet[found.content_at :] if found else b""
        if found and len(content) > 1 and content[0] >> 6 == 2:
            if content[1] & 0x7F not in RTCP_TYPES and (lane := self._sound.get(found.dst)):
                return lane.take(packet, came_s)
            for port in (found.dst.port - 1, found.dst.port):  # RTCP is one above, or shares the port
                if lane := self._sound.get(Address(found.dst.ip, port)):
                    return [lane.take_other(packet, came_s)]
        elif found and (message := parse_sip(content)):
            src, dst = self._node_at(found.src), self._node_at(found.dst)
            if src and dst:
                self._learn(src, dst, message)
                if lane := self.lanes.get((f"{src} -> {dst}", MESSAGE)):
                    return lane.take(packet, came_s, label_of(message))
        return [Parcel(packet=packet, came_s=came_s, due_s=came_s)]

    def _node_at(self, address: Address) -> str | None:
        if str(address) not in self._nodes:
            self._nodes = {where: name for name, where in self._ask().items()}
        return self._nodes.get(str(address))

    def _learn(self, src: str, dst: str, message: SipMessage) -> None:
        """Remember where the sender of a message wants its sound."""
        if (media := message.media) and (lane := self.lanes.get((f"{dst} -> {src}", RTP))):
            self._sound[media.address] = lane


def label_of(message: SipMessage) -> str:
    """Return what a message is: `INVITE`, or `200 INVITE` for a response to one."""
    return message.method if message.status is None else f"{message.status} {message.method}"
