"""Sound as a capture of RTP, which SIPp and other test tools replay: PCMA in packets of 30 ms, as their own samples."""

from __future__ import annotations

import struct
from collections.abc import Iterator
from pathlib import Path

PCAP_HEADER = struct.pack("<IHHiIII", 0xA1B2C3D4, 2, 4, 0, 0, 65535, 1)  # microseconds, Ethernet
RECORD = struct.Struct("<IIII")
ETHERNET = bytes(12) + b"\x08\x00"
IP, UDP, RTP = struct.Struct(">BBHHHBBH4s4s"), struct.Struct(">HHHH"), struct.Struct(">BBHII")
LOOPBACK = bytes((127, 0, 0, 1))
PORTS = (4000, 4002)  # whoever replays it puts in its own
PCMA, SSRC = 8, 0xB2B
PTIME_MS, SAMPLES = 30, 240


def write(alaw: bytes, path: Path) -> None:
    """Write headerless A-law of 8 kHz as a pcap file; what does not fill a packet is left out."""
    with path.open("wb") as file:
        file.write(PCAP_HEADER)
        for number, packet in enumerate(packets(alaw)):
            seconds, milliseconds = divmod(number * PTIME_MS, 1000)
            file.write(RECORD.pack(seconds, 1000 * milliseconds, len(packet), len(packet)) + packet)


def packets(alaw: bytes) -> Iterator[bytes]:
    """Yield the sound as Ethernet frames (RFC 3550 section 5.1); checksums are left to whoever sends them."""
    for number, start in enumerate(range(0, len(alaw) - SAMPLES + 1, SAMPLES)):
        marker = 0x80 if number == 0 else 0
        rtp = RTP.pack(0x80, marker | PCMA, number & 0xFFFF, start & 0xFFFFFFFF, SSRC) + alaw[start : start + SAMPLES]
        udp = UDP.pack(*PORTS, UDP.size + len(rtp), 0) + rtp
        yield ETHERNET + IP.pack(0x45, 0, IP.size + len(udp), 0, 0, 64, 17, 0, LOOPBACK, LOOPBACK) + udp
