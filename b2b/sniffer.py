"""A packet socket: sees what the machine sends and receives, with the kernel's time of each packet's arrival."""

from __future__ import annotations

import contextlib
import ctypes
import socket
import struct
from collections.abc import Iterator, Sequence

from b2b import clock

ETH_P_ALL = 3
PACKET_OUTGOING = 4  # linux/if_packet.h
SOL_PACKET, PACKET_STATISTICS = 263, 6
SO_ATTACH_FILTER, SO_TIMESTAMPNS, SO_RCVBUFFORCE = 26, 35, 33
BUFFER_BYTES = 4 << 20  # some kernels grant a quarter of a megabyte only
LARGEST = 65535
PASSAGE_S = 0.02  # at least, in which a packet passes all interfaces of a bridge
TIMESPEC = struct.Struct("qq")

# Where a run impairs its own network, everything is sent with this and goes on with the usual 64, as behind routers.
AS_SENT_TTL = 66  # nobody's default; 65 is what people choose for a machine behind a telephone

Step = tuple[int, int, int, int]  # an instruction of classic BPF: code, jumps, value


class _Program(ctypes.Structure):
    _fields_ = (("length", ctypes.c_ushort), ("filter", ctypes.c_char_p))


def encode(steps: Sequence[Step]) -> bytes:
    """Return a filter as the kernel takes it."""
    return b"".join(struct.pack("HBBI", *step) for step in steps)


class Passages:
    """Tells a packet that has been seen already, at another interface on its one way: a bridge shows it at each port.

    One that the network has doubled comes twice at the same interface.
    """

    def __init__(self) -> None:
        self._since_s = 0.0
        self._seen: dict[bytes, str] = {}
        self._before: dict[bytes, str] = {}

    def again(self, packet: bytes, interface: str, arrival_s: float) -> bool:
        """Whether this is such a packet."""
        age_s = abs(arrival_s - self._since_s)
        if age_s > PASSAGE_S:
            self._seen, self._before, self._since_s = {}, self._seen if age_s < 2 * PASSAGE_S else {}, arrival_s
        first = self._seen.get(packet) or self._before.get(packet)
        if first is None:
            self._seen[packet] = interface
        return first not in (None, interface)


class Sniffer:
    """Every packet that passes the filter and arrives, once, from its IP header on.

    `as_sent` asks for those on their way to what impairs the run's network instead. Entering it raises PermissionError
    without CAP_NET_RAW.
    """

    def __init__(self, steps: Sequence[Step], *, as_sent: bool = False) -> None:
        self._filter, self._as_sent = encode(steps), as_sent
        self._passages = Passages()

    def __enter__(self) -> Sniffer:
        """Open the socket."""
        self._socket = socket.socket(socket.AF_PACKET, socket.SOCK_DGRAM, socket.htons(ETH_P_ALL))
        program = bytes(_Program(len(self._filter) // 8, self._filter))
        self._socket.setsockopt(socket.SOL_SOCKET, SO_ATTACH_FILTER, program)
        self._socket.setsockopt(socket.SOL_SOCKET, SO_TIMESTAMPNS, 1)
        with contextlib.suppress(OSError):
            self._socket.setsockopt(socket.SOL_SOCKET, SO_RCVBUFFORCE, BUFFER_BYTES)
        self._socket.setblocking(False)
        return self

    def __exit__(self, *error: object) -> None:
        """Close the socket."""
        self._socket.close()

    def fileno(self) -> int:
        """Return the descriptor to wait at."""
        return self._socket.fileno()

    def queued(self) -> Iterator[tuple[float, bytes]]:
        """Yield what has arrived since: seconds since the epoch, and the packet."""
        with contextlib.suppress(BlockingIOError):
            while True:
                packet, ancillary, _flags, sender = self._socket.recvmsg(LARGEST, 64)
                # The loopback shows each packet on its way out and on its way in.
                on_loopback = sender[0] == "lo"
                twice = sender[2] == PACKET_OUTGOING and on_loopback
                wanted = (on_loopback and is_as_sent(packet)) is self._as_sent
                if not wanted or twice or (arrival_s := _arrival(ancillary)) is None:
                    continue
                if on_loopback or not self._passages.again(packet, sender[0], arrival_s):
                    yield arrival_s, packet

    def drops(self) -> int:
        """Return how many packets the kernel had no room for since the last call."""
        raw = self._socket.getsockopt(SOL_PACKET, PACKET_STATISTICS, 8)
        return int(struct.unpack("II", raw)[1])


def is_as_sent(packet: bytes) -> bool:
    """Whether a packet of the loopback is on its way to what impairs it: IPv4's UDP alone is."""
    return len(packet) > 9 and packet[0] >> 4 == 4 and packet[8] == AS_SENT_TTL and packet[9] == socket.IPPROTO_UDP


def _arrival(ancillary: list[tuple[int, int, bytes]]) -> float | None:
    for _level, kind, data in ancillary:
        if kind == SO_TIMESTAMPNS:
            seconds, nanoseconds = TIMESPEC.unpack(data)
            return clock.wall_at(seconds + nanoseconds / 1e9)
    return None
