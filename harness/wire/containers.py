"""Takes captured frames out of pcap and pcapng files.

dpkt's own readers know one interface per pcapng file and raise where a file was cut off in the middle of a packet.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import BinaryIO, NamedTuple

LONGEST = 1 << 20  # octets of a frame; what claims to be longer is damage (Wireshark's own limit is 256 KiB)
LONGEST_BLOCK = LONGEST * 16

# What a pcap file begins with, to its byte order, the fractions in a second and the octets of a record's header.
PCAP = {
    b"\xd4\xc3\xb2\xa1": ("<", 10**6, 16),
    b"\xa1\xb2\xc3\xd4": (">", 10**6, 16),
    b"\x4d\x3c\xb2\xa1": ("<", 10**9, 16),
    b"\xa1\xb2\x3c\x4d": (">", 10**9, 16),
    b"\x34\xcd\xb2\xa1": ("<", 10**6, 24),  # Kuznetzov's, of old Linux
    b"\xa1\xb2\xcd\x34": (">", 10**6, 24),
}
PCAPNG = b"\x0a\x0d\x0d\x0a"
BYTE_ORDERS = {b"\x4d\x3c\x2b\x1a": "<", b"\x1a\x2b\x3c\x4d": ">"}
INTERFACE, PACKET, SIMPLE_PACKET, ENHANCED_PACKET = 1, 2, 3, 6  # block types
LAYOUT = {ENHANCED_PACKET: "IIII", PACKET: "HxxIII"}  # interface, time, octets
TIME_RESOLUTION, TIME_OFFSET = 9, 14  # options of an interface


class CaptureError(ValueError):
    """A file that is no capture."""


class DamagedError(ValueError):
    """The file cannot be read any further."""


class Frame(NamedTuple):
    """What one interface saw at one time."""

    time_s: float
    link_type: int
    data: bytes


@dataclass(frozen=True, slots=True)
class Interface:
    """Where a pcapng file's packets were captured, and what its times count."""

    link_type: int
    snap_length: int
    ticks_per_s: int = 10**6
    offset_s: int = 0

    def time_s(self, ticks: int) -> float:
        """Return a time in seconds since the epoch."""
        whole, rest = divmod(ticks, self.ticks_per_s)
        return self.offset_s + whole + rest / self.ticks_per_s


@dataclass(slots=True)
class Section:
    """A part of a pcapng file with a byte order and interfaces of its own."""

    order: str = "<"
    interfaces: list[Interface] = field(default_factory=list)
    time_s: float = 0.0  # of the last packet

    def take(self, block: bytes) -> Frame | None:
        """Take a whole block; return the packet in it, if there is one. Raises DamagedError where it makes no sense."""
        if block[:4] == PCAPNG:  # a new section
            self.order = BYTE_ORDERS.get(block[8:12], self.order)
            self.interfaces = []
            return None
        kind, body = struct.unpack_from(f"{self.order}I", block)[0], block[8:-4]
        try:
            if kind == INTERFACE:
                self.interfaces.append(_interface(body, self.order))
            elif kind in LAYOUT:
                number, high, low, length = struct.unpack_from(self.order + LAYOUT[kind], body)
                interface = self.interfaces[number]
                self.time_s = interface.time_s(high << 32 | low)
                return Frame(self.time_s, interface.link_type, body[20 : 20 + length])
            elif kind == SIMPLE_PACKET:  # has no time of its own
                length = struct.unpack_from(f"{self.order}I", body)[0]
                kept = min(length, self.interfaces[0].snap_length or length)
                return Frame(self.time_s, self.interfaces[0].link_type, body[4 : 4 + kept])
        except (struct.error, IndexError):
            raise DamagedError("a block makes no sense") from None
        return None


def open_capture(path: Path) -> BinaryIO:
    """Open a file to read frames from. Raises CaptureError where that is not possible, or where it is no file."""
    try:
        if path.exists() and not path.is_file():  # for a pipe or a terminal we might wait for ever
            raise CaptureError(f"{path}: wanted a file, and it is none; write the capture into one first")
        return path.open("rb")
    except OSError as error:
        raise CaptureError(f"{path}: {error.strerror}") from None


def read_frames(file: BinaryIO, path: Path | str) -> Iterator[Frame]:
    """Return the frames of an open file; CaptureError at once for no capture, DamagedError where one breaks off."""
    magic = file.read(4)
    if magic in PCAP:
        header = file.read(20)
        if len(header) < 20:
            raise CaptureError(f"{path}: ends within its pcap header")
        order = PCAP[magic][0]
        return pcap_frames(file, *PCAP[magic], struct.unpack(f"{order}I", header[16:])[0] & 0xFFFF)
    if magic == PCAPNG:
        order_mark = file.read(8)[4:]
        if order_mark not in BYTE_ORDERS:
            raise CaptureError(f"{path}: begins like pcapng but has no byte order mark")
        file.seek(0)
        return _pcapng_frames(file)
    came = f"a file that begins with {magic.hex(' ')}" if magic else "an empty file"
    raise CaptureError(f"{path}: wanted a pcap or pcapng capture, came {came}")


def pcap_frames(file: BinaryIO, order: str, fractions: int, header_size: int, link_type: int) -> Iterator[Frame]:
    """Yield the records from where a pcap file stands. Raises DamagedError where one breaks off."""
    unpack, read = struct.Struct(f"{order}IIII").unpack_from, file.read
    while header := read(header_size):
        if len(header) < header_size:
            raise DamagedError("the last record was cut off in its header")
        seconds, fraction, length, _ = unpack(header)
        if length > LONGEST:
            raise DamagedError(f"a record claims {length} octets")
        data = read(length)
        if len(data) < length:
            raise DamagedError(f"the last record has {len(data)} of its {length} octets")
        yield Frame(seconds + fraction / fractions, link_type, data)


def _pcapng_frames(file: BinaryIO) -> Iterator[Frame]:
    section = Section()
    while head := file.read(8):
        if frame := section.take(read_block(file, head, section.order)):
            yield frame


def read_block(file: BinaryIO, head: bytes, order: str) -> bytes:
    """Read the rest of a block and return all of it. Raises DamagedError where it is not all there."""
    if head[:4] == PCAPNG:  # its byte order stands behind its length
        head += file.read(4)
        order = BYTE_ORDERS.get(head[8:], order)
    if len(head) < 8:
        raise DamagedError("the last block was cut off in its header")
    size = struct.unpack_from(f"{order}I", head, 4)[0]
    if not 12 <= size <= LONGEST_BLOCK:
        raise DamagedError(f"a block claims {size} octets")
    block = head + file.read(size - len(head))
    if len(block) < size:
        raise DamagedError(f"the last block has {len(block)} of its {size} octets")
    return block


def _interface(body: bytes, order: str) -> Interface:
    link_type, snap_length = struct.unpack_from(f"{order}HxxI", body)
    ticks_per_s, offset_s, at = 10**6, 0, 8
    while at + 4 <= len(body):
        code, length = struct.unpack_from(f"{order}HH", body, at)
        value = body[at + 4 : at + 4 + length]
        if code == TIME_RESOLUTION and value:
            ticks_per_s = (2 if value[0] & 0x80 else 10) ** (value[0] & 0x7F)
        elif code == TIME_OFFSET and length == 8:
            offset_s = struct.unpack(f"{order}q", value)[0]
        at += 4 + (length + 3) // 4 * 4
    return Interface(link_type, snap_length, ticks_per_s, offset_s)
