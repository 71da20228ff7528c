"""A look at the RTP that one leg receives, packet by packet, where the kernel lets us.

baresip tells its jitter once in five seconds. The kernel stamps each packet as it arrives, so a tap that is read now
and then still knows when each one came.
"""

from __future__ import annotations

import struct

from b2b.audio import pcm
from b2b.sniffer import LARGEST, Sniffer, Step

RTP_HEADER = struct.Struct(">BBHII")
RTCP_TYPES = range(64, 96)  # where RTP's payload type and RTCP's packet type cannot be told apart, RFC 5761


def udp_port_filter(port: int) -> tuple[Step, ...]:
    """Return the BPF that passes IPv4's UDP to that port; offsets are from the IP header."""
    return (
        (0x30, 0, 0, 0),  # version
        (0x54, 0, 0, 0xF0),
        (0x15, 0, 8, 0x40),
        (0x30, 0, 0, 9),  # protocol
        (0x15, 0, 6, 17),  # UDP, or drop
        (0x28, 0, 0, 6),  # flags and fragment offset
        (0x45, 4, 0, 0x1FFF),  # drop what is not a first fragment
        (0xB1, 0, 0, 0),  # X = length of the IP header
        (0x48, 0, 0, 2),  # destination port
        (0x15, 0, 1, port),
        (0x06, 0, 0, LARGEST),
        (0x06, 0, 0, 0),
    )


class Tap:
    """Counts the packets to one UDP port and follows their jitter (RFC 3550 section 6.4.1).

    Entering it raises PermissionError without CAP_NET_RAW.
    """

    def __init__(self, port: int) -> None:
        self._sniffer = Sniffer(udp_port_filter(port))
        self.packets = 0
        self.jitter_s = 0.0
        self._ssrc: int | None = None
        self._first_seq = self._last_seq = self._expected_before = 0
        self._transit: float | None = None

    def __enter__(self) -> Tap:
        """Open the tap."""
        self._sniffer.__enter__()
        return self

    def __exit__(self, *error: object) -> None:
        """Close the tap."""
        self._sniffer.__exit__(*error)

    @property
    def lost(self) -> int:
        """Packets that their sequence numbers promise and that did not come."""
        expected = self._expected_before + self._last_seq - self._first_seq + 1
        return max(0, expected - self.packets) if self.packets else 0

    def read(self) -> list[float]:
        """Take in what has arrived since; return the jitter in seconds after each packet."""
        return [
            self.jitter_s
            for arrival_s, packet in self._sniffer.queued()
            if self._take(packet[(packet[0] & 15) * 4 + 8 :], arrival_s)
        ]

    def _take(self, rtp: bytes, arrival_s: float) -> bool:
        if len(rtp) < RTP_HEADER.size or rtp[0] >> 6 != 2 or rtp[1] & 0x7F in RTCP_TYPES:
            return False
        _v, _pt, seq, timestamp, ssrc = RTP_HEADER.unpack_from(rtp)
        if ssrc != self._ssrc:  # another stream, whose numbers and clock have nothing to do with the last one's
            if self.packets:
                self._expected_before += self._last_seq - self._first_seq + 1
            self._ssrc, self._transit = ssrc, None
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
