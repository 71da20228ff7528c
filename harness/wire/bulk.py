"""Reads a capture many packets at a time: what nearly all of them are is taken as columns, the rest one by one.

Plain is a packet on Ethernet, Linux cooked or raw IP, in IPv4 without options or fragments, whose RTP header has its
twelve octets alone. Every other packet goes the way that all go in `collect`; what comes out is the same.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from harness.wire.collect import DYNAMIC, SMALL, Collector, Wire
from harness.wire.containers import DamagedError, Frame, open_capture
from harness.wire.frames import ETHER_IPV4, ETHERNET, IPV4, RAW, SLL, SLL2, UDP, Decoder, address_text
from harness.wire.order import Numbers
from harness.wire.read import CaptureError
from harness.wire.records import Octets, Records, at_any_place, read_records
from harness.wire.rtp import RTCP_TYPES
from harness.wire.streams import Columns

UDP_HEAD, RTP_HEAD = 8, 12
SHORTEST_UDP = UDP_HEAD + RTP_HEAD
IP_ALONE = {RAW: 0, IPV4: 0}  # link types: octets before IP
TYPED = {ETHERNET: (14, 12), SLL: (16, 14), SLL2: (20, 0)}  # octets before IP, and where an Ethernet type is in them
MIX = np.uint64(0x9E3779B97F4A7C15)  # spreads a flow's octets over a hash; any large odd number will do


def collect_file(path: Path, *, keep_payloads: bool = False) -> tuple[Wire, list[str]]:
    """Return what a capture holds, and warnings of where it is damaged; without asking, of payloads only events'.

    Raises CaptureError for what is no capture.
    """
    collector, warnings, decode = Collector(keep_payloads=keep_payloads), list[str](), Decoder().decode
    try:
        with open_capture(path) as file:
            try:
                for piece in read_records(file, path):
                    for number, frame in sorted(rest for records in piece for rest in _take(records, collector)):
                        if datagram := decode(*frame):
                            collector.take(number, datagram)
            except DamagedError as damage:
                warnings.append(f"{path}: damaged: {damage}; what came before it was read")
    except OSError as error:
        raise CaptureError(f"{path}: {error.strerror}") from None
    return collector.wire(), warnings


def _take(records: Records, collector: Collector) -> Iterator[tuple[int, Frame]]:
    """Take the plain packets; yield the others, each with its number."""
    for at in np.flatnonzero(~_take_plain(records, collector)).tolist():
        yield int(records.numbers[at]), records.frame(at)


def _take_plain(records: Records, collector: Collector) -> Numbers:
    """Take the plain packets, and say of each packet whether it was one."""
    before, type_at = TYPED.get(records.link_type, (IP_ALONE.get(records.link_type), None))
    if before is None:
        return np.zeros(len(records.numbers), bool)
    octets = np.frombuffer(records.chunk, np.uint8)
    left = records.lengths - before - 20
    plain = left >= SHORTEST_UDP
    at, left = records.starts[plain] + before, left[plain]
    length = _short(octets, at + 24)
    rtp = at + 28
    second = octets[rtp + 1]
    kind, size = second & 0x7F, np.minimum(length - UDP_HEAD, left - UDP_HEAD) - RTP_HEAD
    good = (octets[at] == 0x45) & (octets[at + 9] == UDP) & ((_short(octets, at + 6) & 0x3FFF) == 0)
    good &= (length >= SHORTEST_UDP) & (octets[rtp] == 0x80)
    good &= (kind < RTCP_TYPES.start) | (kind >= RTCP_TYPES.stop)
    good &= (kind < DYNAMIC) | (size > SMALL)
    if type_at is not None:
        good &= _short(octets, at - before + type_at) == ETHER_IPV4
    plain[plain] = good
    at, rtp = at[good], rtp[good]
    columns = Columns(
        times_s=records.times_s[plain],
        seqs=_short(octets, rtp + 2),
        timestamps=_word(octets, rtp + 4),
        payload_types=kind[good],
        markers=second[good] >= 0x80,
        sizes=size[good],
    )
    numbers = records.numbers[plain]
    flows = _word(octets, at + 12) << np.uint64(32) | _word(octets, at + 16)
    ports = _word(octets, at + 20) << np.uint64(32) | _word(octets, rtp + 8)
    for which in _groups(flows, ports):
        first = which[0]
        stream = collector.stream(_key(int(flows[first]), int(ports[first])))
        stream.extend(numbers[which], columns.only(which))
        if collector.keeps_payloads:
            begin = rtp[which] + RTP_HEAD
            stream.keep(numbers[which], records.chunk, begin, begin + columns.sizes[which])
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


def _short(octets: Octets, at: Numbers) -> Numbers:
    """Return 16-bit numbers of the network's byte order."""
    return at_any_place(octets, ">u2")[at].astype(np.int64)


def _word(octets: Octets, at: Numbers) -> Numbers:
    """Return 32-bit numbers of the network's byte order."""
    return at_any_place(octets, ">u4")[at].astype(np.uint64)

