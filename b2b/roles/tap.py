"""A look at the RTP that one leg receives, packet by packet, where the kernel lets us.

baresip tells its jitter once in five seconds. The kernel stamps each packet as it arrives, so a tap that is read now
and then still knows when each one came.
"""

from __future__ import annotations

import contextlib
import ctypes
import socket
import struct

from b2b.audio import pcm

ETH_P_IP, PACKET_OUTGOING = 0x0800, 4
SO_ATTACH_FILTER, SO_TIMESTAMPNS = 26, 35
RTP_HEADER = struct.Struct(">BBHII")
RTCP_TYPES = range(64, 96)  # where RTP's payload type and RTCP's packet type cannot be told apart, RFC 5761
TIMESPEC = struct.Struct("qq")


class _Filter(ctypes.Structure):
    _fields_ = (("length", ctypes.c_ushort), ("filter", ctypes.c_char_p))


def udp_port_filter(port: int) -> bytes:
    """Return the BPF that passes IPv4's UDP to that port; offsets are from the IP header."""
    steps = (
        (0x30, 0, 0, 9),  # protocol
        (0x15, 0, 6, 17),  # UDP, or drop
        (0x28, 0, 0, 6),  # flags and fragment offset
        (0x45, 4, 0, 0x1FFF),  # drop what is not a first fragment
        (0xB1, 0, 0, 0),  # X = length of the IP header
        (0x48, 0, 0, 2),  # destination port
        (0x15, 0, 1, port),
        (0x06, 0, 0, 0xFFFF),
        (0x06, 0, 0, 0),
    )
    return b"".join(struct.pack("HBBI", *step) for step in steps)


class Tap:
    """Counts the packets to one UDP port and follows their jitter (RFC 3550 section 6.4.1).

    Entering it raises PermissionError without CAP_NET_RAW.
    """

    def __init__(self, port: int) -> None:
        self._port = port
        self.packets = 0
        self.jitter_s = 0.0
        self._first_seq = self._last_seq = 0
        self._transit: float | None = None

    def __enter__(self) -> Tap:
        """Open the tap."""
        self._socket = socket.socket(socket.AF_PACKET, socket.SOCK_DGRAM, socket.htons(ETH_P_IP))
        program = udp_port_filter(self._port)
        self._socket.setsockopt(socket.SOL_SOCKET, SO_ATTACH_FILTER, bytes(_Filter(len(program) // 8, program)))
        self._socket.setsockopt(socket.SOL_SOCKET, SO_TIMESTAMPNS, 1)
        self._socket.setblocking(False)
        return self

    def __exit__(self, *error: object) -> None:
        """Close the tap."""
        self._socket.close()

    @property
    def lost(self) -> int:
        """Packets that their sequence numbers promise and that did not come."""
        return max(0, self._last_seq - self._first_seq + 1 - self.packets) if self.packets else 0

    def read(self) -> list[float]:
        """Take in what has arrived since; return the jitter in seconds after each packet."""
        jitters = []
        with contextlib.suppress(BlockingIOError):
            while True:
                packet, ancillary, _flags, sender = self._socket.recvmsg(2048, 64)
                if sender[2] != PACKET_OUTGOING and ancillary and (arrival := _arrival(ancillary)) is not None:
                    header = packet[(packet[0] & 15) * 4 + 8 :]
                    if self._take(header, arrival):
                        jitters.append(self.jitter_s)
        return jitters

    def _take(self, rtp: bytes, arrival_s: float) -> bool:
        if len(rtp) < RTP_HEADER.size or rtp[0] >> 6 != 2 or rtp[1] & 0x7F in RTCP_TYPES:
            return False
        _v, _pt, seq, timestamp, _ssrc = RTP_HEADER.unpack_from(rtp)
        if not self.packets:
            self._first_seq = self._last_seq = seq
        ahead = (seq - self._last_seq + 0x8000) % 0x10000 - 0x8000  # shortest way round the 16 bits
        self._last_seq += max(0, ahead)
        self.packets += 1
        transit = arrival_s - timestamp / pcm.RATE
        if self._transit is not None:
            difference = abs(transit - self._transit)
            if difference < 1:  # else the timestamp has wrapped or was set anew
                self.jitter_s += (difference - self.jitter_s) / 16
        self._transit = transit
        return True


def _arrival(ancillary: list[tuple[int, int, bytes]]) -> float | None:
    for _level, kind, data in ancillary:
        if kind == SO_TIMESTAMPNS:
            seconds, nanoseconds = TIMESPEC.unpack(data)
            return float(seconds + nanoseconds / 1e9)
    return None
