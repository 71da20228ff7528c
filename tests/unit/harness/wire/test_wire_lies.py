"""Files that claim to hold more than they do, or more than anybody has: memory stays what it is for a good one."""

from __future__ import annotations

import struct
import tracemalloc
from collections.abc import Callable
from pathlib import Path

import pytest
from wire_makers import block, enhanced, ether, interface, ip4, rtp, section, udp4, write_pcap

from harness.sound import SoundError, read_wav
from harness.wire.bulk import collect_file
from harness.wire.collect import collect
from harness.wire.read import read_datagrams

HOLE = 400 << 20  # octets; it takes no room on the disk
MOST = 60 << 20  # octets of memory: a few pieces of 8 MB, and one block
PACKETS = [(0.02 * n, ether(udp4(rtp(n, 160 * n)))) for n in range(10)]
NG = section() + interface() + b"".join(enhanced(0, n, frame) for n, (_, frame) in enumerate(PACKETS))
BIG_RECORD = struct.pack("<IIII", 1, 0, 0xFFFFFFF0, 0xFFFFFFF0)
LONG_BLOCK = block(6, struct.pack("<IIIII", 0, 0, 9, 12 << 20, 12 << 20) + bytes(12 << 20))


def with_hole(path: Path) -> Path:
    """Add to a file what takes no room."""
    with path.open("r+b") as file:
        file.truncate(path.stat().st_size + HOLE)
    return path


def peak_of(read: Callable[[], object]) -> int:
    """Return the most memory that something had at a time, in octets."""
    tracemalloc.start()
    try:
        read()
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


def one_by_one(path: Path) -> None:
    """Read a capture as `b2b watch` and sound do."""
    with read_datagrams(path) as datagrams:
        assert len(collect(datagrams).streams) == 1


def many_at_a_time(path: Path) -> None:
    """Read a capture as everything else does."""
    wire, warnings = collect_file(path)
    assert [stream.packets for stream in wire.streams] == [10]
    assert len(warnings) == 1
    assert "damaged" in warnings[0]


@pytest.mark.parametrize("read", [one_by_one, many_at_a_time])
@pytest.mark.parametrize("claim", [BIG_RECORD, b""], ids=["a record of 4 GB", "records of nothing, then zeros"])
def test_a_pcap_that_claims_what_is_not_there(
    tmp_path: Path, read: Callable[[Path], None], claim: bytes
) -> None:
    """What came before counts, the rest is not held in memory."""
    path = write_pcap(tmp_path / "lies.pcap", PACKETS)
    path.write_bytes(path.read_bytes() + (claim or BIG_RECORD[:8] + struct.pack("<II", 1 << 21, 1 << 21)))
    assert peak_of(lambda: read(with_hole(path))) < MOST


@pytest.mark.parametrize("read", [one_by_one, many_at_a_time])
@pytest.mark.parametrize("claim", [struct.pack("<II", 6, 0xFFFFFFF0), LONG_BLOCK, b""], ids=["4 GB", "12 MB", "zeros"])
def test_a_pcapng_that_claims_what_is_not_there(tmp_path: Path, read: Callable[[Path], None], claim: bytes) -> None:
    """The same; a block of 12 MB that is there is read alone, and what follows it as before."""
    path = tmp_path / "lies.pcapng"
    path.write_bytes(NG + claim)
    assert peak_of(lambda: read(with_hole(path))) < MOST


def test_packets_after_a_long_block_count(tmp_path: Path) -> None:
    """It is one of many."""
    path = tmp_path / "long.pcapng"
    path.write_bytes(NG[: -len(enhanced(0, 0, PACKETS[0][1]))] + LONG_BLOCK + enhanced(0, 9, PACKETS[9][1]))
    wire, warnings = collect_file(path)
    assert ([stream.packets for stream in wire.streams], warnings) == ([10], [])


def test_a_recording_that_claims_four_gigabytes(tmp_path: Path) -> None:
    """Its samples are those that are there."""
    head = struct.pack("<4sI4s4sIHHIIHH4sI", b"RIFF", 0xFFFFFFFF, b"WAVE", b"fmt ", 16, 1, 1, 8000, 16000, 2, 16,
                       b"data", 0xFFFFFFFE)  # fmt: skip
    path = tmp_path / "lies.wav"
    path.write_bytes(head + bytes(1000))
    assert peak_of(lambda: read_wav(path)) < 1 << 20
    assert len(read_wav(path)) == 500
    path.write_bytes(head[:12] + b"LIST" + b"\xff" * 4 + head[12:])
    with pytest.raises(SoundError, match="ends before its sound begins"):
        read_wav(path)


def test_fragments_that_never_become_a_packet_are_not_hoarded(tmp_path: Path) -> None:
    """Ten thousand fragments of one packet, each longer than IP can be, are nobody's."""
    def fragments():
        for n in range(2000):
            yield 0.0, ether(ip4(bytes(60000), offset=8 * n, more=True))

    path = write_pcap(tmp_path / "fragments.pcap", fragments())
    with read_datagrams(path) as datagrams:
        assert peak_of(lambda: list(datagrams)) < MOST
