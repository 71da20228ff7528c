"""The same figures as tshark has on captures that others made, and as the test oracle has on ours."""

from __future__ import annotations

import ast
import random
import re
from pathlib import Path
from typing import NamedTuple

import pytest
from wire_makers import ether, rtp, udp4, write_pcap

from calls.places import CAPTURES
from harness.wire.collect import streams
from harness.wire.read import read_datagrams
from harness.wire.streams import Stream
from oracle import wire as oracle

TABLES = sorted(CAPTURES.glob("*.streams.txt"))
WIRE = Path(__file__).parents[4] / "harness" / "wire"

ROW = re.compile(
    r"^ *[\d.]+ +[\d.]+ +(?P<src>\S+) +(?P<sport>\d+) +(?P<dst>\S+) +(?P<dport>\d+) +0x(?P<ssrc>[0-9A-F]+)"
    r" +(?P<kinds>\S.*?) +(?P<packets>\d+) +(?P<lost>-?\d+) \(.*?\)"
    r" +(?P<min>\S+) +(?P<mean>\S+) +(?P<max>\S+) +\S+ +(?P<jitter_mean>\S+) +(?P<jitter_max>\S+)",
    re.MULTILINE,
)
NAMES = {"g711U": 0, "g711A": 8, "h263": 34, "CN": 13, "rtpevent": 101}


class Row(NamedTuple):
    """A stream as tshark prints it; the last figures are only of use with one payload type."""

    packets: int
    lost: int
    payload_types: frozenset[int]
    deltas: tuple[float, ...]
    jitter: tuple[float, ...]


Key = tuple[str, int, str, int, int]


def rows(table: str) -> dict[Key, Row]:
    """Read the last full table of a file: the newer tshark's, or what it repeats of the older one's."""
    last = [part for part in table.split("# tshark") if ROW.search(part)][-1]
    found = {}
    for row in ROW.finditer(last):
        kinds = frozenset(NAMES.get(name) or int(name.rpartition("-")[2]) if name != "g711U" else 0
                          for name in row["kinds"].split(", "))  # fmt: skip
        key = (row["src"], int(row["sport"]), row["dst"], int(row["dport"]), int(row["ssrc"], 16))
        found[key] = Row(
            packets=int(row["packets"]),
            lost=int(row["lost"]),
            payload_types=kinds,
            deltas=tuple(max(0.0, float(row[name])) for name in ("min", "mean", "max")),
            jitter=(float(row["jitter_mean"]), float(row["jitter_max"])),
        )
    return found


def as_row(stream: Stream) -> Row:
    """Return our figures in the same form."""
    delta, jitter = stream.delta, stream.jitter
    return Row(
        packets=stream.packets,
        lost=stream.lost,
        payload_types=frozenset(stream.payload_types),
        deltas=(delta.min_ms, delta.mean_ms, delta.max_ms),
        jitter=(jitter.mean_ms, jitter.max_ms),
    )


@pytest.mark.skipif(not TABLES, reason=f"{CAPTURES} is not there")
@pytest.mark.parametrize("table", TABLES, ids=lambda path: path.name.removesuffix(".streams.txt"))
def test_public_captures_give_tsharks_figures(table: Path) -> None:
    """All streams that it finds and no other; packets, loss, payload types, deltas and jitter."""
    wanted = rows(table.read_text())
    reading = read_datagrams(CAPTURES / table.name.removesuffix(".streams.txt"))
    got = {(*stream.flow, stream.ssrc): as_row(stream) for stream in streams(reading)}
    assert reading.warnings == []
    assert got.keys() == wanted.keys()
    for key, row in wanted.items():
        assert got[key][:3] == row[:3], key
        if len(row.payload_types) > 1:
            continue  # there tshark's versions differ from each other
        assert got[key].deltas == pytest.approx(row.deltas, abs=0.0011), key
        assert got[key].jitter == pytest.approx(row.jitter, abs=0.0011), key


def test_the_oracle_sees_the_same(tmp_path: Path) -> None:
    """It was written apart from this; a stream with everything wrong with it."""
    noise = random.Random(6)
    packets = [(0.02 * i + noise.random() / 100, rtp(65500 + i, 160 * i)) for i in range(500) if i % 37]
    packets += [(0.5, rtp(65524, 24 * 160)), (5.0, rtp(65500 + 249, 160 * 249))]
    frames = [(time_s, ether(udp4(data))) for time_s, data in sorted(packets)]
    path = write_pcap(tmp_path / "x.pcap", frames)
    (ours,) = streams(read_datagrams(path))
    (theirs,) = oracle.read_streams(path)
    assert [tuple(packet)[1:] for packet in ours] == [
        (p.seq, p.timestamp, p.payload_type, p.marker, p.ssrc, p.payload) for p in theirs.packets
    ]
    assert ours.max_gap_arrival_ms >= 40
    assert len(ours.gaps(longer_than_s=0.0399)) >= len([jump for jump in theirs.sequence_jumps if jump.by == 1])


def test_dpkt_has_one_door() -> None:
    """frames.py."""
    doors = [path.name for path in WIRE.glob("*.py") if "import dpkt" in path.read_text()]
    assert doors == ["frames.py"]


def test_the_package_is_pure() -> None:
    """No clock, no process, no socket, nothing of b2b or pytest."""
    allowed = {"__future__", "array", "collections", "dataclasses", "functools", "io", "itertools", "pathlib", "re"}
    allowed |= {"struct", "types", "typing", "dpkt", "harness", "numpy"}
    for path in WIRE.glob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
            names += [node.module or ""] if isinstance(node, ast.ImportFrom) else []
            assert {name.partition(".")[0] for name in names} <= allowed, path
