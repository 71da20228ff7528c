"""Captures what crosses the run's network: SIP, RTP and RTCP, with the kernel's time stamps, each packet once."""

from __future__ import annotations

import contextlib
import os
import re
import socket
import threading
from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass
from pathlib import Path

from b2b.sniffer import LARGEST, Sniffer

DLT_RAW = 101  # packets begin with their IP header
PERIOD_S = 0.1
READABLE = re.compile(rb"[\t\r\n -~]*|[\x14-\x17]\x03.*", re.DOTALL)  # text, or a record of TLS (RFC 8446 section 5.1)
SAMPLE = 16  # octets
HOW_TO_ALLOW = "it takes a private network, root, or CAP_NET_RAW"

# UDP and ICMP of both IP versions, and IPv4's TCP: SIP's, and baresip's control socket, which is left out later.
UDP_ICMP_AND_TCP = (
    (0x30, 0, 0, 0),  # the version
    (0x54, 0, 0, 0xF0),
    (0x15, 0, 2, 0x60),
    (0x30, 0, 0, 6),  # IPv6: the next header
    (0x05, 0, 0, 2),
    (0x15, 0, 6, 0x40),
    (0x30, 0, 0, 9),  # IPv4: the protocol
    (0x15, 3, 0, socket.IPPROTO_UDP),
    (0x15, 2, 0, socket.IPPROTO_ICMP),
    (0x15, 1, 0, socket.IPPROTO_TCP),
    (0x15, 0, 1, socket.IPPROTO_ICMPV6),
    (0x06, 0, 0, LARGEST),
    (0x06, 0, 0, 0),
)


@dataclass(slots=True)
class Capture:
    """What a capture came to; `refusal` says why there is none, or only a part of one."""

    packets: int = 0
    drops: int = 0
    refusal: str = ""


class Foreign:
    """Tells the connections that carry no SIP: baresip's control socket, whose netstrings begin with their length, and
    ssh, in the midst of which a capture begins.

    SIP never begins with a digit, and is text (RFC 3261 section 25.1), or TLS with text in it.
    """

    def __init__(self) -> None:
        self._flows: dict[bytes, bool] = {}

    def has(self, packet: bytes) -> bool:
        """Whether an IPv4 packet with TCP belongs to one; those without content are nobody's."""
        tcp = 4 * (packet[0] & 15)
        flow = packet[12:20] + packet[tcp : tcp + 4]
        content = packet[tcp + 4 * (packet[tcp + 12] >> 4) : int.from_bytes(packet[2:4], "big")]
        if content and flow not in self._flows:
            self._flows[flow] = content[:1].isdigit() or not READABLE.fullmatch(content[:SAMPLE])
        return self._flows.get(flow, False)


@contextlib.contextmanager
def capturing(path: Path, addresses: Collection[str], *, as_sent: bool = False) -> Iterator[Capture]:
    """Write every packet that arrives from or at one of the IPv4 addresses to a pcap file, until the block ends.

    `as_sent` asks for the packets on their way to what impairs the run's network instead. Where the kernel does not
    allow it there is no file, and the result says why.
    """
    capture = Capture()
    with contextlib.ExitStack() as stack:
        try:
            sniffer = stack.enter_context(Sniffer(UDP_ICMP_AND_TCP, as_sent=as_sent))
        except OSError as error:
            capture.refusal = f"{os.strerror(error.errno or 0)}; {HOW_TO_ALLOW}"
            yield capture
            return
        ending = threading.Event()
        ours = {socket.inet_aton(address) for address in addresses}
        foreign = Foreign()

        def wanted(packet: bytes) -> bool:
            if packet[12:16] not in ours and packet[16:20] not in ours:
                return False
            return packet[9] != socket.IPPROTO_TCP or not foreign.has(packet)

        thread = threading.Thread(
            target=_record, args=(sniffer, ending, path, wanted, capture), name="capture", daemon=True
        )
        thread.start()
        try:
            yield capture
        finally:
            ending.set()
            thread.join()


def _record(
    sniffer: Sniffer, ending: threading.Event, path: Path, wanted: Callable[[bytes], bool], capture: Capture
) -> None:
    try:
        _write(sniffer, ending, path, wanted, capture)
    except OSError as error:
        capture.refusal = f"{path.name} could not be written: {error.strerror}"


def _write(
    sniffer: Sniffer, ending: threading.Event, path: Path, wanted: Callable[[bytes], bool], capture: Capture
) -> None:
    from dpkt.pcap import Writer  # here, because it takes as long to load as a role to start

    with path.open("wb") as file:
        writer = Writer(file, linktype=DLT_RAW, nano=True)
        ended = False
        while not ended:
            ended = ending.wait(PERIOD_S)
            for arrival_s, packet in sniffer.queued():
                if wanted(packet):
                    writer.writepkt(packet, ts=arrival_s)
                    capture.packets += 1
            file.flush()
        capture.drops = sniffer.drops()
