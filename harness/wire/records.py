"""Finds the frames of a capture many at a time, in pcap and pcapng: where each begins, how long it is, and its time."""

from __future__ import annotations

import io
import struct
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

import numpy as np
import numpy.typing as npt

from harness.wire.containers import (
    BYTE_ORDERS,
    ENHANCED_PACKET,
    LONGEST,
    LONGEST_BLOCK,
    PCAP,
    PCAPNG,
    Frame,
    Interface,
    Section,
    pcap_frames,
    read_block,
    read_frames,
)
from harness.wire.order import Numbers

CHUNK = 1 << 23  # octets that are looked at together
FILE_HEAD, RECORD = 24, 16  # octets of classic pcap's headers
BLOCK_HEAD, SECTION_HEAD, PACKET_HEAD, BLOCK_TAIL = 8, 12, 28, 4  # of pcapng's
MOST_ALIKE = 256  # records that are looked at in one go
EXACT = 1 << 53  # up to which a float holds every whole number

Octets = npt.NDArray[np.uint8]


@dataclass(frozen=True, slots=True, kw_only=True)
class Records:
    """Frames of one link type in a piece of a file; `numbers` say which of the file's frames they are, in order."""

    chunk: bytes
    link_type: int
    numbers: Numbers
    starts: Numbers  # where in the piece
    lengths: Numbers  # octets that were captured
    times_s: Numbers

    def frame(self, at: int) -> Frame:
        """Return one of them."""
        start, length = int(self.starts[at]), int(self.lengths[at])
        return Frame(float(self.times_s[at]), self.link_type, self.chunk[start : start + length])


def read_records(file: BinaryIO, path: Path) -> Iterator[tuple[Records, ...]]:
    """Yield the frames of an open file, those of one piece together. Raises what `read_frames` raises."""
    head = file.read(FILE_HEAD)
    if head[:4] in PCAP and len(head) == FILE_HEAD and PCAP[head[:4]][2] == RECORD:
        for records in _pcap(file, head):
            yield (records,)
    elif head[:4] == PCAPNG and head[8:12] in BYTE_ORDERS:
        file.seek(0)
        yield from _pcapng(file)
    else:
        file.seek(0)
        for number, frame in enumerate(read_frames(file, path)):
            yield (_alone(number, frame),)


def number_at(chunk: bytes, at: Numbers, order: str) -> Numbers:
    """Return the 32-bit numbers at these places."""
    return at_any_place(np.frombuffer(chunk, np.uint8), f"{order}u4")[at].astype(np.int64)


def at_any_place(octets: Octets, kind: str) -> Numbers:
    """Return what a number that begins at each octet would be."""
    places = max(0, len(octets) - np.dtype(kind).itemsize + 1)
    return np.asarray(np.ndarray((places,), kind, octets.data, 0, (1,)))


def _pcap(file: BinaryIO, head: bytes) -> Iterator[Records]:
    order, fractions, size = PCAP[head[:4]]
    link_type, number = struct.unpack(f"{order}I", head[20:])[0] & 0xFFFF, 0
    while chunk := file.read(CHUNK):
        offsets, end = _offsets(chunk, order)
        file.seek(end - len(chunk), io.SEEK_CUR)
        if not offsets:  # a whole record would be there, so this one is damaged, which shows when it is read alone
            yield from (_alone(number, frame) for frame in pcap_frames(file, order, fractions, size, link_type))
            return
        at = np.array(offsets)
        yield Records(
            chunk=chunk,
            link_type=link_type,
            numbers=number + np.arange(len(at)),
            starts=at + RECORD,
            lengths=number_at(chunk, at + 8, order),
            times_s=number_at(chunk, at, order) + number_at(chunk, at + 4, order) / fractions,
        )
        number += len(at)


def _offsets(chunk: bytes, order: str) -> tuple[list[int], int]:
    """Return where records begin, and where the first begins that is not whole or claims too much."""
    length_at, found, at, last = struct.Struct(f"{order}I").unpack_from, list[int](), 0, len(chunk) - RECORD
    before = -1
    while at <= last:
        (length,) = length_at(chunk, at + 8)
        stride = RECORD + length
        if at + stride > len(chunk) or length > LONGEST:
            break
        count = _alike(chunk, at, stride, order, {8: length}) if length == before else 1
        found.extend(range(at, at + count * stride, stride))
        at += count * stride
        before = length
    return found, at


def _alike(chunk: bytes, at: int, stride: int, order: str, wanted: dict[int, int]) -> int:
    """Count the records of one length that begin there, up to a limit, with the same numbers at these places in them.

    Most of a call's packets have one length.
    """
    count = min(MOST_ALIKE, (len(chunk) - at) // stride)
    for place, value in wanted.items():
        numbers = np.ndarray((count,), f"{order}u4", chunk, at + place, (stride,))
        others = np.flatnonzero(numbers != value)
        count = int(others[0]) if len(others) else count
    return count


def _pcapng(file: BinaryIO) -> Iterator[tuple[Records, ...]]:
    section, number = Section(), 0
    while chunk := file.read(CHUNK):
        at = 0
        while True:
            offsets, alone, end = _blocks(chunk, at, section)
            if offsets:
                piece = tuple(_by_interface(chunk, np.array(offsets), number, section))
                section.time_s = float(max(piece, key=lambda records: int(records.numbers[-1])).times_s[-1])
                yield piece
            number += len(offsets)
            at = end
            if alone is None:
                break
            if frame := section.take(chunk[at : at + alone]):
                yield (_alone(number, frame),)
                number += 1
            at += alone
        file.seek(at - len(chunk), io.SEEK_CUR)
        if not at:  # a block that is longer than a piece, or damage
            frame = section.take(read_block(file, file.read(BLOCK_HEAD), section.order))
            yield (_alone(number, frame),) if frame else ()
            number += frame is not None


def _blocks(chunk: bytes, at: int, section: Section) -> tuple[list[int], int | None, int]:
    """Return where packets begin from there on, up to a block that is none.

    And the size of that block, None where what follows is not whole or makes no sense, and where it begins.
    """
    found, last, before, interfaces = list[int](), len(chunk) - SECTION_HEAD, -1, len(section.interfaces)
    while at <= last:
        begins = chunk[at : at + 4] == PCAPNG
        order = BYTE_ORDERS.get(chunk[at + 8 : at + 12], section.order) if begins else section.order
        kind, size, interface = struct.unpack_from(f"{order}III", chunk, at)
        if not SECTION_HEAD <= size <= LONGEST_BLOCK or at + size > len(chunk):
            break
        if kind != ENHANCED_PACKET:
            return found, size, at
        if interface >= interfaces or size < PACKET_HEAD + BLOCK_TAIL:
            break
        count = _alike(chunk, at, size, order, {4: size, 0: kind, 8: interface}) if size == before else 1
        found.extend(range(at, at + count * size, size))
        at += count * size
        before = size
    return found, None, at


def _by_interface(chunk: bytes, at: Numbers, number: int, section: Section) -> Iterator[Records]:
    """Yield the packets that begin at these places, those of each interface together."""
    interfaces = number_at(chunk, at + 8, section.order)
    for interface in np.unique(interfaces).tolist():
        own = np.flatnonzero(interfaces == interface)
        begin = at[own]
        room = number_at(chunk, begin + 4, section.order) - PACKET_HEAD - BLOCK_TAIL
        yield Records(
            chunk=chunk,
            link_type=section.interfaces[interface].link_type,
            numbers=number + own,
            starts=begin + PACKET_HEAD,
            lengths=np.minimum(number_at(chunk, begin + 20, section.order), room),
            times_s=_times(chunk, begin + 12, section.order, section.interfaces[interface]),
        )


def _times(chunk: bytes, at: Numbers, order: str, interface: Interface) -> Numbers:
    ticks = number_at(chunk, at, order).astype(np.uint64) << np.uint64(32)
    ticks |= number_at(chunk, at + 4, order).astype(np.uint64)
    if interface.offset_s or interface.ticks_per_s > EXACT:
        return np.array([interface.time_s(count) for count in ticks.tolist()])
    whole, rest = np.divmod(ticks, np.uint64(interface.ticks_per_s))
    return np.asarray(whole.astype(np.float64) + rest.astype(np.float64) / interface.ticks_per_s)


def _alone(number: int, frame: Frame) -> Records:
    return Records(
        chunk=frame.data,
        link_type=frame.link_type,
        numbers=np.array([number]),
        starts=np.array([0]),
        lengths=np.array([len(frame.data)]),
        times_s=np.array([frame.time_s]),
    )
