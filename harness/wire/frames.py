"""Takes UDP and TCP payloads out of captured frames. The one file that knows dpkt."""

from __future__ import annotations

import functools
import struct
from collections import OrderedDict
from typing import NamedTuple

import dpkt

# Link types of https://www.tcpdump.org/linktypes.html
NULL, ETHERNET, RAW, LOOP, SLL, SLL2, IPV4, IPV6 = 0, 1, 101, 108, 113, 276, 228, 229
RAW_OF_OTHER_SYSTEMS = (12, 14)
ETHER_IPV4, ETHER_IPV6 = 0x0800, 0x86DD
VLAN_TAGS = (0x8100, 0x88A8, 0x9100)
AF_INET, AF_INET6 = (2,), (10, 24, 28, 30)  # Linux, NetBSD, FreeBSD, macOS
UDP, TCP = 17, 6
MORE_FRAGMENTS_OR_OFFSET = 0x3FFF
MOST_UNFINISHED = 256  # packets whose other fragments we wait for
LONGEST_PACKET = 0xFFFF  # octets of IP, as its length has 16 bits
MOST_FRAGMENTS = 1 + LONGEST_PACKET // 48  # of a packet where every link takes 68 octets, RFC 791's fewest

_FAST = struct.Struct("!BxHxxHxB2x4s4sHHH").unpack_from  # IPv4 without options, and the UDP header behind it
_SHORT = struct.Struct("!H").unpack_from


_Packet = tuple[bytes, bytes, int, int]  # source, destination, identification, protocol


class Datagram(NamedTuple):
    """What one address and port said to another; of TCP, one segment."""

    time_s: float
    src: str
    sport: int
    dst: str
    dport: int
    proto: str  # udp or tcp
    payload: bytes
    number: int | None = None  # of TCP, of the payload's first octet


class Decoder:
    """Turns frames into datagrams; remembers fragments until their packet is complete."""

    def __init__(self) -> None:
        self._unfinished: OrderedDict[_Packet, _Fragments] = OrderedDict()

    def decode(self, time_s: float, link_type: int, frame: bytes) -> Datagram | None:
        """Return what the frame carried, or None where that is neither UDP nor TCP (or not complete yet)."""
        try:
            kind, start = network_layer(link_type, frame)
            if kind == ETHER_IPV4:
                return _plain_udp(time_s, frame, start) or self._ipv4(time_s, frame[start:])
            if kind == ETHER_IPV6:
                return self._ipv6(time_s, frame[start:])
        except (dpkt.Error, struct.error, IndexError, AttributeError):
            pass  # a packet that is none (the capture may have cut it, its sender was broken), or one that is encrypted
        return None

    def _ipv4(self, time_s: float, packet: bytes) -> Datagram | None:
        ip = dpkt.ip.IP(packet)
        if not (ip.mf or ip.offset):
            return _transport(time_s, ip.src, ip.dst, ip.p, _rest(ip.data))
        header, end = ip.hl * 4, ip.len or len(packet)
        key = (ip.src, ip.dst, ip.id, ip.p)
        whole = self._put_together(key, ip.offset * 8, packet[header:end], last=not ip.mf)
        return _transport(time_s, ip.src, ip.dst, ip.p, whole) if whole is not None else None

    def _ipv6(self, time_s: float, packet: bytes) -> Datagram | None:
        ip = dpkt.ip6.IP6(packet)
        fragment = ip.extension_hdrs.get(dpkt.ip.IP_PROTO_FRAGMENT)
        if fragment is None:
            return _transport(time_s, ip.src, ip.dst, ip.p, _rest(ip.data))
        offset, last = fragment.frag_off * 8, not fragment.m_flag
        if not offset and last:  # an atomic fragment, RFC 6946
            return _transport(time_s, ip.src, ip.dst, fragment.nxt, _rest(ip.data))
        whole = self._put_together((ip.src, ip.dst, fragment.id, fragment.nxt), offset, _rest(ip.data), last=last)
        return _transport(time_s, ip.src, ip.dst, fragment.nxt, whole) if whole is not None else None

    def _put_together(self, key: _Packet, offset: int, data: bytes, *, last: bool) -> bytes | None:
        fragments = self._unfinished.setdefault(key, _Fragments({}))
        if offset + len(data) > LONGEST_PACKET or len(fragments.parts) >= MOST_FRAGMENTS:  # somebody makes them up
            del self._unfinished[key]
            return None
        fragments.parts[offset] = data
        if last:
            fragments = self._unfinished[key] = fragments._replace(length=offset + len(data))
        if (whole := fragments.whole()) is not None:
            del self._unfinished[key]
        elif len(self._unfinished) > MOST_UNFINISHED:
            self._unfinished.popitem(last=False)
        return whole


class _Fragments(NamedTuple):
    parts: dict[int, bytes]
    length: int | None = None  # known once the last fragment is there

    def whole(self) -> bytes | None:
        if self.length is None or sum(map(len, self.parts.values())) < self.length:
            return None
        data = b""
        for offset, part in sorted(self.parts.items()):
            if offset > len(data):
                return None
            data = data[:offset] + part
        return data if len(data) == self.length else None


def network_layer(link_type: int, frame: bytes) -> tuple[int, int]:
    """Return the Ethernet type of what a frame carries and where that begins; type 0 for what we do not know."""
    if link_type == ETHERNET:
        kind, start = _SHORT(frame, 12)[0], 14
    elif link_type == SLL:
        kind, start = _SHORT(frame, 14)[0], 16
    elif link_type == SLL2:
        kind, start = _SHORT(frame, 0)[0], 20
    elif link_type in (NULL, LOOP):
        # The family is in the byte order of whoever captured; it is small, so the other order is a multiple of 65536.
        families = [int.from_bytes(frame[:4], "little"), int.from_bytes(frame[:4], "big")]
        kind, start = next((k for f in families for k, known in _FAMILIES if f in known), 0), 4
    elif link_type in (RAW, IPV4, IPV6, *RAW_OF_OTHER_SYSTEMS):
        kind, start = {4: ETHER_IPV4, 6: ETHER_IPV6}.get(frame[0] >> 4, 0), 0
    else:
        kind, start = 0, 0
    while kind in VLAN_TAGS:
        kind, start = _SHORT(frame, start + 2)[0], start + 4
    return kind, start


_FAMILIES = ((ETHER_IPV4, AF_INET), (ETHER_IPV6, AF_INET6))


def _plain_udp(time_s: float, frame: bytes, start: int) -> Datagram | None:
    """Nearly every packet of a call: IPv4 without options, one fragment, UDP. For this dpkt takes ten times as long."""
    if len(frame) < start + 28:
        return None
    first, _, fragment, protocol, src, dst, sport, dport, length = _FAST(frame, start)
    if first != 0x45 or protocol != UDP or fragment & MORE_FRAGMENTS_OR_OFFSET or length < 8:
        return None
    payload = frame[start + 28 : start + 20 + length]
    return Datagram(time_s, address_text(src), sport, address_text(dst), dport, "udp", payload)


def _transport(time_s: float, src: bytes, dst: bytes, protocol: int, segment: bytes) -> Datagram | None:
    if protocol == UDP:
        udp = dpkt.udp.UDP(segment)
        payload = bytes(udp.data)[: udp.ulen - 8 if udp.ulen >= 8 else LONGEST_PACKET]
        return Datagram(time_s, address_text(src), udp.sport, address_text(dst), udp.dport, "udp", payload)
    if protocol == TCP:
        tcp = dpkt.tcp.TCP(segment)
        ways = address_text(src), tcp.sport, address_text(dst), tcp.dport
        return Datagram(time_s, *ways, "tcp", bytes(tcp.data), tcp.seq)
    return None


def _rest(data: object) -> bytes:
    return bytes(data) if isinstance(data, dpkt.Packet | bytes) else b""


@functools.lru_cache(maxsize=4096)
def address_text(address: bytes) -> str:
    """Return an IP address of either version as it is written."""
    return str(dpkt.utils.inet_to_str(address))
