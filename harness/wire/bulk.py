"""Reads a capture many packets at a time: what nearly all of them are is taken as columns, the rest one by one.

Plain is a packet of classic pcap on Ethernet, Linux cooked or raw IP, in IPv4 without options or fragments, whose RTP
header has nothing beside its twelve octets. Every other packet goes the way that all go in `collect`; what comes out is
the same.
"""

from __future__ import annotations

import io
import struct
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

import numpy as np
import numpy.typing as npt

from harness.wire.collect import DYNAMIC, SMALL, Collector, Wire
from harness.wire.containers import LONGEST, PCAP, DamagedError, read_frames
from harness.wire.frames import ETHERNET, IPV4, RAW, SLL, UDP, Decoder, address_text
from harness.wire.order import Numbers
from harness.wire.read import CaptureError
from harness.wire.rtp import RTCP_TYPES
from harness.wire.streams import Columns

CHUNK = 1 << 23  # octets that are looked at together
RECORD, UDP_HEAD, RTP_HEAD = 16, 8, 12
FILE_HEAD = 24
STARTS = {ETHERNET: 14, SLL: 16, RAW: 0, IPV4: 0}  # where IP begins, by link type
MOST_ALIKE = 256  # records that are looked at in one go
SHORTEST_UDP = UDP_HEAD + RTP_HEAD
MIX = np.uint64(0x9E3779B97F4A7C15)  # spreads a flow's octets over a hash; any large odd number will do

Octets = npt.NDArray[np.uint8]


@dataclass(frozen=True, slots=True)
class Layout:
    """How a pcap file is written: byte order, fractions in a second, link type."""

    order: str
    fractions: int
    link_type: int


def collect_file(path: Path) -> tuple[Wire, list[str]]:
    """Return what a capture holds, without payloads but those of events, and warnings of where it is damaged.

    Raises CaptureError for what is no capture.
    """
    collector, warnings = Collector(keep_payloads=False), list[str]()
    try:
        with path.open("rb") as file:
            head = file.read(FILE_HEAD)
            file.seek(0)
            try:
                _read(file, path, head, collector)
            except DamagedError as damage:
                warnings.append(f"{path}: damaged: {damage}; what came before it was read")
    except OSError as error:
        raise CaptureError(f"{path}: {error.strerror}") from None
    return collector.wire(), warnings


def _read(file: BinaryIO, path: Path, head: bytes, collector: Collector) -> None:
    decode = Decoder().decode
    number = 0
    if layout := _layout(head):
        file.seek(FILE_HEAD)
        for chunk, offsets in _chunks(file, layout):
            plain = _take_plain(chunk, offsets, number, layout, collector)
            for at in np.flatnonzero(~plain).tolist():
                time_s, frame = _record(chunk, int(offsets[at]), layout)
                if datagram := decode(time_s, layout.link_type, frame):
                    collector.take(number + at, datagram)
            number += len(offsets)
        rest = file.read()
        file = io.BytesIO(head + rest)  # what no chunk could be made of: nothing, or damage
    for later, (time_s, link_type, frame) in enumerate(read_frames(file, path)):
        if datagram := decode(time_s, link_type, frame):
            collector.take(number + later, datagram)


def _layout(head: bytes) -> Layout | None:
    """Return how a file is written; None where it is not of the plain kind."""
    if len(head) < FILE_HEAD or head[:4] not in PCAP:
        return None
    order, fractions, record = PCAP[head[:4]]
    link_type = struct.unpack(f"{order}I", head[20:])[0] & 0xFFFF
    return Layout(order, fractions, link_type) if record == RECORD and link_type in STARTS else None


def _chunks(file: BinaryIO, layout: Layout) -> Iterator[tuple[bytes, Numbers]]:
    """Yield pieces of the file with the places of the records in them; the file stands behind the last whole one."""
    while chunk := file.read(CHUNK):
        offsets, end = _offsets(chunk, layout.order)
        file.seek(end - len(chunk), io.SEEK_CUR)
        if not offsets:
            return
        yield chunk, np.array(offsets)


def _offsets(chunk: bytes, order: str) -> tuple[list[int], int]:
    """Return where records begin, and where the first begins that is not whole or claims too much."""
    length_at, found, at, last = struct.Struct(f"{order}I").unpack_from, list[int](), 0, len(chunk) - RECORD
    before = -1
    while at <= last:
        (length,) = length_at(chunk, at + 8)
        stride = RECORD + length
        if at + stride > len(chunk) or length > LONGEST:
            break
        count = _alike(chunk, at, stride, order) if length == before else 1
        found.extend(range(at, at + count * stride, stride))
        at += count * stride
        before = length
    return found, at


def _alike(chunk: bytes, at: int, stride: int, order: str) -> int:
    """Count the records of one length that begin there, up to a limit; most of a call's have the same."""
    count = min(MOST_ALIKE, (len(chunk) - at) // stride)
    lengths = np.ndarray((count,), f"{order}u4", chunk, at + 8, (stride,))
    others = np.flatnonzero(lengths != stride - RECORD)
    return int(others[0]) if len(others) else count


def _record(chunk: bytes, at: int, layout: Layout) -> tuple[float, bytes]:
    seconds, fraction, length = struct.unpack_from(f"{layout.order}III", chunk, at)
    return seconds + fraction / layout.fractions, chunk[at + RECORD : at + RECORD + length]


def _take_plain(chunk: bytes, offsets: Numbers, number: int, layout: Layout, collector: Collector) -> Numbers:
    """Take the plain packets, and say of each packet whether it was one."""
    octets = np.frombuffer(chunk, np.uint8)
    ip = offsets + RECORD + STARTS[layout.link_type]
    captured = _numbers(chunk, offsets + 8, layout.order)
    left = captured - STARTS[layout.link_type] - 20
    plain = left >= SHORTEST_UDP
    at, left = ip[plain], left[plain]
    length = _short(octets, at + 24)
    rtp = at + 28
    second = octets[rtp + 1]
    kind, size = second & 0x7F, np.minimum(length - UDP_HEAD, left - UDP_HEAD) - RTP_HEAD
    good = (octets[at] == 0x45) & (octets[at + 9] == UDP) & ((_short(octets, at + 6) & 0x3FFF) == 0)
    good &= (length >= SHORTEST_UDP) & (octets[rtp] == 0x80)
    good &= (kind < RTCP_TYPES.start) | (kind >= RTCP_TYPES.stop)
    good &= (kind < DYNAMIC) | (size > SMALL)
    if layout.link_type in (ETHERNET, SLL):
        good &= _short(octets, at - 2) == 0x0800
    plain[plain] = good
    at, rtp = at[good], rtp[good]
    columns = Columns(
        times_s=_times(chunk, offsets[plain], layout),
        seqs=_short(octets, rtp + 2),
        timestamps=_word(octets, rtp + 4),
        payload_types=kind[good],
        markers=second[good] >= 0x80,
        sizes=size[good],
    )
    numbers = number + np.flatnonzero(plain)
    flows = _word(octets, at + 12) << np.uint64(32) | _word(octets, at + 16)
    ports = _word(octets, at + 20) << np.uint64(32) | _word(octets, rtp + 8)
    for which in _groups(flows, ports):
        first = which[0]
        collector.stream(_key(int(flows[first]), int(ports[first]))).extend(numbers[which], columns.only(which))
    return plain


def _groups(flows: Numbers, ports: Numbers) -> Iterator[Numbers]:
    """Yield the places of each pair of values, in rising order."""
    if not len(flows):
        return
    _, first, group = np.unique(flows * MIX ^ ports, return_index=True, return_inverse=True)
    if (flows != flows[first][group]).any() or (ports != ports[first][group]).any():  # two with one hash
        _, group = np.unique(np.stack((flows, ports)), axis=1, return_inverse=True)
        group = group.ravel()
    small = group.astype(np.uint16) if group.max() < 1 << 16 else group  # which numpy sorts by counting
    ordered = np.argsort(small, kind="stable")
    yield from np.split(ordered, np.flatnonzero(np.diff(group[ordered])) + 1)


def _key(flow: int, ports: int) -> tuple[str, int, str, int, int]:
    src, dst = (address_text(struct.pack("!I", address)) for address in (flow >> 32, flow & 0xFFFFFFFF))
    return src, ports >> 48, dst, ports >> 32 & 0xFFFF, ports & 0xFFFFFFFF


def _times(chunk: bytes, at: Numbers, layout: Layout) -> Numbers:
    seconds = _numbers(chunk, at, layout.order)
    return np.asarray(seconds + _numbers(chunk, at + 4, layout.order) / layout.fractions)


def _numbers(chunk: bytes, at: Numbers, order: str) -> Numbers:
    """Return the 32-bit numbers of record headers."""
    return _at_any_place(np.frombuffer(chunk, np.uint8), f"{order}u4")[at].astype(np.int64)


def _short(octets: Octets, at: Numbers) -> Numbers:
    """Return 16-bit numbers of the network's byte order."""
    return _at_any_place(octets, ">u2")[at].astype(np.int64)


def _word(octets: Octets, at: Numbers) -> Numbers:
    """Return 32-bit numbers of the network's byte order."""
    return _at_any_place(octets, ">u4")[at].astype(np.uint64)


def _at_any_place(octets: Octets, kind: str) -> Numbers:
    """Return what a number that begins at each octet would be."""
    places = max(0, len(octets) - np.dtype(kind).itemsize + 1)
    return np.asarray(np.ndarray((places,), kind, octets.data, 0, (1,)))
