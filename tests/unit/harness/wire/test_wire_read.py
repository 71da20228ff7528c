"""Captures: whatever a tool wrote, the same datagrams come out of it."""

from __future__ import annotations

import struct
from pathlib import Path

import pytest
from wire_makers import T0, block, enhanced, ether, interface, ip4, ip6, section, udp4, udp6, write_pcap, write_pcapng

from harness.wire.frames import Decoder
from harness.wire.read import CaptureError, Datagram, read_datagrams

FOUR = Datagram(T0, "10.0.0.1", 4000, "10.0.0.2", 5000, "udp", b"hello")
SIX = Datagram(T0, "fd00::1", 4000, "fd00::2", 5000, "udp", b"hello")
PACKET4, PACKET6 = udp4(b"hello"), udp6(b"hello")
SLL = struct.pack("!HHH8sH", 0, 772, 6, bytes(8), 0x0800)
SLL2 = struct.pack("!HHIHBB8s", 0x86DD, 0, 1, 772, 0, 6, bytes(8))


@pytest.mark.parametrize(
    ("link", "frame", "wanted"),
    [
        pytest.param(1, ether(PACKET4), FOUR, id="ethernet"),
        pytest.param(1, ether(PACKET4) + bytes(20), FOUR, id="ethernet with padding"),
        pytest.param(1, ether(PACKET6), SIX, id="ethernet ipv6"),
        pytest.param(1, ether(PACKET4, tags=[0x8100]), FOUR, id="vlan"),
        pytest.param(1, ether(PACKET6, tags=[0x88A8, 0x8100]), SIX, id="vlan in vlan"),
        pytest.param(1, ether(udp4(b"hello", options=bytes([1, 1, 1, 0]))), FOUR, id="ipv4 options"),
        pytest.param(1, ether(ip6(struct.pack("!BB6s", 17, 0, bytes(6)) + PACKET6[40:], 0)), SIX, id="ipv6 hop by hop"),
        pytest.param(113, SLL + PACKET4, FOUR, id="cooked"),
        pytest.param(276, SLL2 + PACKET6, SIX, id="cooked 2"),
        pytest.param(101, PACKET4, FOUR, id="raw"),
        pytest.param(12, PACKET6, SIX, id="raw of openbsd"),
        pytest.param(228, PACKET4, FOUR, id="ipv4"),
        pytest.param(229, PACKET6, SIX, id="ipv6"),
        pytest.param(0, struct.pack("<I", 2) + PACKET4, FOUR, id="loopback"),
        pytest.param(0, struct.pack(">I", 30) + PACKET6, SIX, id="loopback of the other byte order"),
        pytest.param(108, struct.pack(">I", 24) + PACKET6, SIX, id="openbsd's loopback"),
    ],
)
def test_a_datagram_is_found_under_any_link_layer(tmp_path: Path, link: int, frame: bytes, wanted: Datagram) -> None:
    """With its addresses, and without what Ethernet added behind it."""
    assert list(read_datagrams(write_pcap(tmp_path / "x.pcap", [(0, frame)], link=link))) == [wanted]


@pytest.mark.parametrize(
    "frame",
    [
        pytest.param(b"", id="empty"),
        pytest.param(bytes(13), id="cut in ethernet"),
        pytest.param(ether(PACKET4)[:30], id="cut in ipv4"),
        pytest.param(bytes(12) + b"\x08\x06" + bytes(28), id="arp"),
        pytest.param(ether(ip4(b"", proto=1)), id="icmp"),
        pytest.param(b"\xff" * 80, id="ones"),
        pytest.param(ether(ip6(bytes(16), 50)), id="encrypted"),
        pytest.param(ether(ip6(struct.pack("!BBHI", 50, 0, 1, 7) + bytes(16), 44)), id="encrypted fragment"),
    ],
)
def test_what_is_no_datagram_is_passed_over(tmp_path: Path, frame: bytes) -> None:
    """And reading goes on."""
    path = write_pcap(tmp_path / "x.pcap", [(0, frame), (0, ether(PACKET4))])
    assert list(read_datagrams(path)) == [FOUR]


def test_tcp_segments_come_out_too(tmp_path: Path) -> None:
    """SIP may travel in them."""
    segment = struct.pack("!HHIIBBHHH", 5060, 5061, 1, 1, 0x50, 0x18, 1000, 0, 0) + b"hi"
    (found,) = read_datagrams(write_pcap(tmp_path / "x.pcap", [(0, ether(ip4(segment, proto=6)))]))
    assert (found.proto, found.sport, found.dport, found.payload) == ("tcp", 5060, 5061, b"hi")


@pytest.mark.parametrize("order", [[0, 1, 2], [2, 0, 1], [1, 2, 0], [0, 0, 2, 1]], ids=str)
def test_fragments_are_put_together_in_any_order(tmp_path: Path, order: list[int]) -> None:
    """As a large INVITE needs it; the datagram comes when its last piece does."""
    whole = struct.pack("!HHHH", 4000, 5000, 8 + 3000, 0) + bytes(range(250)) * 12
    pieces = [
        ip4(whole[:1400], more=True),
        ip4(whole[1400:2800], offset=1400, more=True),
        ip4(whole[2800:], offset=2800),
    ]
    path = write_pcap(tmp_path / "x.pcap", [(i, ether(pieces[place])) for i, place in enumerate(order)])
    (found,) = read_datagrams(path)
    assert found == Datagram(T0 + len(order) - 1, "10.0.0.1", 4000, "10.0.0.2", 5000, "udp", whole[8:])


def test_fragments_of_ipv6_are_put_together(tmp_path: Path) -> None:
    """There they are a header of their own."""
    whole = PACKET6[40:] + b""
    first = struct.pack("!BBHI", 17, 0, 0 | 1, 99) + whole[:8]
    last = struct.pack("!BBHI", 17, 0, 8, 99) + whole[8:]
    path = write_pcap(tmp_path / "x.pcap", [(0, ether(ip6(last, 44))), (0, ether(ip6(first, 44)))])
    assert list(read_datagrams(path)) == [SIX]


def test_fragments_that_never_end_are_forgotten() -> None:
    """Or a hostile capture would take all memory."""
    decoder = Decoder()
    for ident in range(2000):
        assert decoder.decode(0.0, 101, ip4(bytes(1400), more=True, ident=ident)) is None
    assert len(decoder._unfinished) < 300


@pytest.mark.parametrize("magic", ["d4c3b2a1", "a1b2c3d4", "4d3cb2a1", "a1b23c4d", "34cdb2a1", "a1b2cd34"])
def test_every_kind_of_pcap_is_read(tmp_path: Path, magic: str) -> None:
    """Both byte orders, microseconds and nanoseconds, and the records of old Linux."""
    order = ">" if magic.startswith("a1") else "<"
    fraction = 250_000_000 if "3c" in magic[2:6] else 250_000
    extra = bytes(8) if "cd" in magic else b""
    frame = ether(PACKET4)
    header = bytes.fromhex(magic) + struct.pack(f"{order}HHiIII", 2, 4, 0, 0, 65535, 1)
    record = struct.pack(f"{order}IIII", int(T0), fraction, len(frame), len(frame)) + extra + frame
    path = tmp_path / "x.pcap"
    path.write_bytes(header + record)
    assert list(read_datagrams(path)) == [FOUR._replace(time_s=T0 + 0.25)]


def test_nanoseconds_as_dpkt_writes_them(tmp_path: Path) -> None:
    """To what a float of today's date can hold."""
    (found,) = read_datagrams(write_pcap(tmp_path / "x.pcap", [(0.123456, ether(PACKET4))], nano=True))
    assert found.time_s == pytest.approx(T0 + 0.123456, abs=3e-7)


def test_pcapng_as_dpkt_writes_it(tmp_path: Path) -> None:
    """Its plainest form."""
    (found,) = read_datagrams(write_pcapng(tmp_path / "x.pcapng", [(0.5, ether(PACKET4))]))
    assert found == FOUR._replace(time_s=T0 + 0.5)


@pytest.mark.parametrize("order", ["<", ">"])
def test_pcapng_with_several_interfaces_sections_and_clocks(tmp_path: Path, order: str) -> None:
    """Each interface has its own link layer and its own clock, and the next section begins anew."""
    nano = struct.pack(f"{order}HHBxxx", 9, 1, 9)
    binary = struct.pack(f"{order}HHBxxx", 9, 1, 0x80 | 10) + struct.pack(f"{order}HHq", 14, 8, 1000)
    path = tmp_path / "x.pcapng"
    path.write_bytes(
        section(order) + interface(1, order=order) + interface(101, nano, order) + interface(101, binary, order)
        + block(0xBAD, b"whatever", order)
        + enhanced(0, int(T0 * 10**6), ether(PACKET4), order)
        + enhanced(1, int((T0 + 0.5) * 10**9), PACKET4, order)
        + enhanced(2, int((T0 - 1000 + 0.25) * 1024), PACKET4, order)
        + block(2, struct.pack(f"{order}HHIIII", 1, 0, 0, 5, len(PACKET4), len(PACKET4)) + PACKET4, order)
        + block(3, struct.pack(f"{order}I", len(ether(PACKET4))) + ether(PACKET4), order)
        + section("<") + interface(101) + enhanced(0, int(T0 * 10**6), PACKET4)
    )  # fmt: skip
    assert [found._replace(time_s=0) for found in read_datagrams(path)] == [FOUR._replace(time_s=0)] * 6
    times = [found.time_s for found in read_datagrams(path)]
    assert times == pytest.approx([T0, T0 + 0.5, T0 + 0.25, 5e-9, 5e-9, T0])


@pytest.mark.parametrize("suffix", ["pcap", "pcapng"])
def test_a_file_cut_anywhere_gives_what_it_has_and_a_warning(tmp_path: Path, suffix: str) -> None:
    """A full disk or a killed tcpdump is no reason to lose the rest of the call."""
    frames = [(i, ether(PACKET4)) for i in range(3)]
    path = (write_pcap if suffix == "pcap" else write_pcapng)(tmp_path / f"whole.{suffix}", frames)
    data = path.read_bytes()
    silent = []
    for size in range(len(data) - 1, len(data) - 90, -1):
        path.write_bytes(data[:size])
        reading = read_datagrams(path)
        assert len(list(reading)) in (1, 2)
        silent += [size] * (not reading.warnings)
    assert len(silent) == 1  # a cut between two packets cannot be seen


@pytest.mark.parametrize(
    "tail", [struct.pack("<IIII", 1, 1, 1 << 30, 1 << 30), b"\xff" * 40], ids=["absurd length", "ones"]
)
def test_damage_ends_the_reading_with_a_warning(tmp_path: Path, tail: bytes) -> None:
    """It says what is wrong and where."""
    path = write_pcap(tmp_path / "x.pcap", [(0, ether(PACKET4))])
    path.write_bytes(path.read_bytes() + tail)
    reading = read_datagrams(path)
    assert list(reading) == [FOUR]
    assert "x.pcap: damaged: a record claims" in reading.warnings[0]


def test_a_pcapng_packet_of_an_unknown_interface_is_damage(tmp_path: Path) -> None:
    """There is no telling what it holds."""
    path = tmp_path / "x.pcapng"
    path.write_bytes(section() + enhanced(3, 0, PACKET4))
    reading = read_datagrams(path)
    assert list(reading) == []
    assert "damaged" in reading.warnings[0]


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (b"", "came an empty file"),
        (b"RIFF\x00\x00\x00\x00WAVE", "came a file that begins with 52 49 46 46"),
        (b"\xd4\xc3\xb2\xa1\x02", "ends within its pcap header"),
        (b"\x0a\x0d\x0d\x0a" + bytes(40), "no byte order mark"),
    ],
)
def test_what_is_no_capture_is_an_error_of_one_sentence(tmp_path: Path, content: bytes, says: str) -> None:
    """At once, and with the file's name."""
    path = tmp_path / "x.pcap"
    path.write_bytes(content)
    with pytest.raises(CaptureError, match=says) as caught:
        read_datagrams(path)
    assert str(path) in str(caught.value)


@pytest.mark.parametrize("name", ["missing.pcap", "."])
def test_a_file_that_cannot_be_read_is_a_capture_error(tmp_path: Path, name: str) -> None:
    """So a caller has one thing to catch."""
    with pytest.raises(CaptureError):
        read_datagrams(tmp_path / name)


def test_an_empty_capture_has_no_datagrams_and_no_warning(tmp_path: Path) -> None:
    """It is whole; that there is nothing in it is for the judge."""
    reading = read_datagrams(write_pcap(tmp_path / "x.pcap", []))
    assert list(reading) == []
    assert reading.warnings == []


def test_reading_can_be_left_early(tmp_path: Path) -> None:
    """The file is closed then."""
    with read_datagrams(write_pcap(tmp_path / "x.pcap", [(0, ether(PACKET4))] * 2)) as reading:
        assert next(reading) == FOUR
