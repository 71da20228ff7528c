"""Does to chosen packets of a call what a bad network does, inside the run's own network.

Packets are chosen by the RTP sequence number, and nft takes them out before anybody sees them on the loopback. Those
that are only held back, doubled or overtaken are sent to a socket of ours instead, and from there on their way again,
from and to where they were going. It takes CAP_NET_ADMIN and CAP_NET_RAW in that network.
"""

from __future__ import annotations

import contextlib
import os
import re
import select
import shutil
import socket
import struct
import threading
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from b2b import child, clock
from b2b.sniffer import LARGEST, Sniffer
from harness.capture import UDP_ICMP_AND_TCP
from harness.errors import NoCallError

LOST, STALLED, DUPLICATE, REORDERED, OTHER_CODEC, SWAPPED = "lost", "stall", "duplicate", "reorder", "codec", "swapped"
POLL_S = 0.005
FRAME_MS = 20.0
NFT_PATIENCE_S = 10.0
PCMA = 8  # RFC 3551
SO_MARK = 36
RTP = "@th,64,8 0x80"  # the first octet, without padding, extension or CSRCs
OTHER_TYPE = f"{RTP} @th,72,8 0 @th,72,8 set {PCMA}"  # the payload type is at bit 72 of the UDP header
OURS = 1  # the mark of what we send on, so that it is not taken out again
ANSWER = re.compile(rb"SIP/2.0 200 .*\r\nTo: <sip:([^@]+)@.*\r\nm=audio (\d+) ", re.DOTALL)
INVITE = re.compile(rb"INVITE sip:([^@]+)@.*\r\nm=audio (\d+) ", re.DOTALL)


@dataclass(frozen=True, slots=True, kw_only=True)
class Tampering:
    """What to do, from that packet of the leg on; the legs are the calls to these SIP users."""

    kind: str
    callees: Sequence[str]
    after: int = 0
    count: int = 1  # packets that are lost
    length_ms: float = 0.0  # of a stall


@dataclass(frozen=True, slots=True, kw_only=True)
class Done:
    """What was really done: when it could first be seen, in seconds since the epoch, and how long a stall was."""

    wall_s: float
    length_ms: float = 0.0


@dataclass(frozen=True, slots=True)
class _Media:
    """The sound of a leg: from port to port, beginning with that sequence number."""

    sport: int
    dport: int
    first_seq: int

    @property
    def leg(self) -> str:
        """What nft knows it by."""
        return f"udp sport {self.sport} udp dport {self.dport}"


def tamper(wanted: Tampering, ending: threading.Event) -> Done | None:
    """Wait for the calls' media, do it and return what was done; None if the call ended before.

    Raises NoCallError where nft refuses.
    """
    with Sniffer(UDP_ICMP_AND_TCP) as sniffer:
        if wanted.kind == SWAPPED:
            return _swap(sniffer, wanted.callees, ending)
        media = _learn(sniffer, wanted.callees[0], ending)
        if media is None:
            return None
        first = media.first_seq + wanted.after
        if wanted.kind in (STALLED, DUPLICATE, REORDERED):
            return _divert(wanted, media, first, ending)
        what = f"{_numbered(first, wanted.count)} drop"
        _nft([f"{media.leg} {what if wanted.kind == LOST else OTHER_TYPE}"])
        return _seen(sniffer, media, first - 1, ending)


def _learn(sniffer: Sniffer, callee: str, ending: threading.Event) -> _Media | None:
    """Return the media that a caller sends: from the port that its INVITE names."""
    origin = 0
    for _, sport, dport, payload in _datagrams(sniffer, ending):
        if (invite := INVITE.match(payload)) and invite[1] == callee.encode():
            origin = int(invite[2])
        elif sport == origin and _is_sound(payload):
            return _Media(sport, dport, _seq(payload))
    return None


def _swap(sniffer: Sniffer, callees: Sequence[str], ending: threading.Event) -> Done | None:
    """Send each of two callers' media to the other's callee; until both ports are known nobody gets any.

    A single packet of its own caller is enough for baresip 1.0.0 to take nothing of the other.
    """
    offers: dict[bytes, int] = {}
    answers: dict[bytes, int] = {}
    _nft([f"meta l4proto udp {RTP} drop"])
    for _, _, _, payload in _datagrams(sniffer, ending):
        if invite := INVITE.match(payload):
            offers[invite[1]] = int(invite[2])
        elif answer := ANSWER.match(payload):
            answers[answer[1]] = int(answer[2])
        one, other = (callee.encode() for callee in callees)
        if answers.keys() == offers.keys() == {one, other}:
            there, back = (offers[one], answers[other]), (offers[other], answers[one])
            _nft([f"udp sport {sport} udp dport set {dport}" for sport, dport in (there, back)])
            return Done(wall_s=clock.wall())
    return None


def _seen(sniffer: Sniffer, media: _Media, seq: int, ending: threading.Event) -> Done | None:
    """Return when a packet was seen: the last before what was done."""
    for time_s, sport, dport, payload in _datagrams(sniffer, ending):
        if (sport, dport) == (media.sport, media.dport) and _is_sound(payload) and _seq(payload) == seq & 0xFFFF:
            return Done(wall_s=time_s)
    return None


def _datagrams(sniffer: Sniffer, ending: threading.Event) -> Iterator[tuple[float, int, int, bytes]]:
    """Yield time, ports and payload of what crosses the network, until the call has ended."""
    while not ending.wait(POLL_S):
        for time_s, packet in sniffer.queued():
            at = (packet[0] & 0x0F) * 4
            if packet[9] == socket.IPPROTO_UDP and len(packet) >= at + 8:
                sport, dport = struct.unpack_from("!HH", packet, at)
                yield time_s, sport, dport, packet[at + 8 :]


def _is_sound(payload: bytes) -> bool:
    return len(payload) > 12 and payload[0] >> 6 == 2 and payload[1] & 0x7F in (0, PCMA)


def _seq(payload: bytes) -> int:
    return int.from_bytes(payload[2:4], "big")


def _numbered(first: int, count: int) -> str:
    """Match that many packets by their sequence number, at bit 80 of the UDP header."""
    return f"@th,80,16 {{ {', '.join(str((first + n) & 0xFFFF) for n in range(count))} }}"


def _nft(rules: Sequence[str]) -> None:
    """Let these rules, and no others any more, hold for what leaves on the loopback."""
    program = shutil.which("nft", path=f"{os.environ.get('PATH', '')}:/usr/sbin:/sbin")
    if program is None:
        raise NoCallError("nft is not installed; `sudo apt-get install nftables` installs it")
    chain = f"type filter hook egress device lo priority 0; {' '.join(f'{rule};' for rule in rules)}"
    afresh = "add table netdev b2b; delete table netdev b2b;"
    command = [program, f"{afresh} table netdev b2b {{ chain tamper {{ {chain} }}; }}"]
    if said := child.ask(command, patience_s=NFT_PATIENCE_S):
        raise NoCallError(f"nft could not change the run's network: {said.strip()}")


def _divert(wanted: Tampering, media: _Media, first: int, ending: threading.Event) -> Done | None:
    """Take packets out of the leg, and let them go as the fault wants it."""
    count = 2 if wanted.kind == REORDERED else 1
    if wanted.kind == STALLED:
        count += int(wanted.length_ms // FRAME_MS) + 1  # the last before the stall, and all that are due in it
    with contextlib.ExitStack() as stack:
        taken = stack.enter_context(socket.socket(socket.AF_INET, socket.SOCK_DGRAM))
        taken.bind(("127.0.0.1", 0))
        onward = stack.enter_context(socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_RAW))
        onward.setsockopt(socket.SOL_SOCKET, SO_MARK, OURS)
        _nft([
            f"{media.leg} meta mark 0 {_numbered(first, count)} udp dport set {taken.getsockname()[1]}"
        ])  # fmt: skip

        def send(payload: bytes) -> float:
            onward.sendto(_packet(media, payload), ("127.0.0.1", 0))
            return clock.wall()

        arriving = _arriving(taken, count, ending)
        do = {STALLED: _stall, DUPLICATE: _double, REORDERED: _overtake}[wanted.kind]
        return do(arriving, send, wanted.length_ms / 1000)


def _arriving(taken: socket.socket, count: int, ending: threading.Event) -> Iterator[bytes]:
    while count and not ending.is_set():
        if select.select([taken], [], [], POLL_S)[0]:
            count -= 1
            yield taken.recv(LARGEST)


def _stall(arriving: Iterator[bytes], send: Callable[[bytes], float], length_s: float) -> Done | None:
    """Let the first packet pass, and hold back those behind it until that long after it."""
    if (first := next(arriving, None)) is None:
        return None
    began_s, held, ended_s = send(first), deque[bytes](), 0.0
    due = clock.now() + length_s
    waiting = threading.Thread(target=lambda: held.extend(arriving), daemon=True)
    waiting.start()
    clock.sleep_until(due)
    while waiting.is_alive() or held:
        while held:
            sent_s = send(held.popleft())
            ended_s = ended_s or sent_s
        waiting.join(POLL_S / 5)
    return Done(wall_s=began_s, length_ms=1000 * (ended_s - began_s))


def _double(arriving: Iterator[bytes], send: Callable[[bytes], float], _length_s: float) -> Done | None:
    for packet in arriving:
        send(packet)
        return Done(wall_s=send(packet))
    return None


def _overtake(arriving: Iterator[bytes], send: Callable[[bytes], float], _length_s: float) -> Done | None:
    several = list(arriving)
    if len(several) < 2:
        return None
    send(several[1])
    return Done(wall_s=send(several[0]))


def _packet(media: _Media, payload: bytes) -> bytes:
    """Return a payload as the datagram that it was; the kernel fills in the length and sum of the IP header."""
    address = socket.inet_aton("127.0.0.1")
    udp = struct.pack("!HHHH", media.sport, media.dport, 8 + len(payload), 0)
    return struct.pack("!BBHHHBBH", 0x45, 0, 0, 0, 0, 64, socket.IPPROTO_UDP, 0) + address + address + udp + payload
