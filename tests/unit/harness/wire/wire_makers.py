"""Makes what the wire's tests read: RTP, SIP, frames and captures, by hand or by dpkt, none by what is tested."""

from __future__ import annotations

import io
import struct
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import dpkt

from harness.wire.collect import streams
from harness.wire.frames import Datagram
from harness.wire.streams import Stream

A, B = "10.0.0.1", "10.0.0.2"
T0 = 1_700_000_000.0
SOUND = b"\xd5" * 160


def rtp(
    seq: int,
    timestamp: int,
    *,
    kind: int = 0,
    marker: bool = False,
    ssrc: int = 0xABCD,
    payload: bytes = SOUND,
    csrcs: Sequence[int] = (),
    extension: bytes | None = None,
    padding: int = 0,
) -> bytes:
    """Return an RTP packet; `padding` is its length in octets, the count included."""
    first = 0x80 | 0x20 * bool(padding) | 0x10 * (extension is not None) | len(csrcs)
    header = struct.pack("!BBHII", first, 0x80 * marker | kind, seq & 0xFFFF, timestamp & 0xFFFFFFFF, ssrc)
    header += b"".join(struct.pack("!I", csrc) for csrc in csrcs)
    if extension is not None:
        header += struct.pack("!HH", 0xBEDE, len(extension) // 4) + extension
    return header + payload + (bytes(padding - 1) + bytes([padding]) if padding else b"")


def datagram(
    time_s: float,
    payload: bytes,
    *,
    sport: int = 4000,
    dport: int = 5000,
    src: str = A,
    dst: str = B,
    proto: str = "udp",
) -> Datagram:
    """Return a datagram from A to B, at a time since T0."""
    return Datagram(T0 + time_s, src, sport, dst, dport, proto, payload)


def one_stream(packets: Iterable[tuple[float, bytes]]) -> Stream:
    """Return the only stream in these packets, given with their time in ms."""
    (stream,) = streams(datagram(ms / 1000, payload) for ms, payload in packets)
    return stream


def healthy(count: int, *, seq: int = 100, stamp: int = 1000, **more: Any) -> list[tuple[float, bytes]]:
    """Return packets of 20 ms PCMU that come exactly when they are due."""
    return [(20.0 * i, rtp(seq + i, stamp + 160 * i, **more)) for i in range(count)]


def udp4(payload: bytes, *, sport: int = 4000, dport: int = 5000, options: bytes = b"") -> bytes:
    """Return an IPv4 packet from A to B."""
    segment = struct.pack("!HHHH", sport, dport, 8 + len(payload), 0) + payload
    return ip4(segment, options=options)


def ip4(
    segment: bytes, *, proto: int = 17, options: bytes = b"", ident: int = 7, offset: int = 0, more: bool = False
) -> bytes:
    """Return an IPv4 packet or one fragment of it."""
    words = 5 + len(options) // 4
    flags = (0x2000 if more else 0) | offset // 8
    addresses = bytes([10, 0, 0, 1, 10, 0, 0, 2])
    head = struct.pack("!BBHHHBBH", 0x40 | words, 0, words * 4 + len(segment), ident, flags, 64, proto, 0)
    return head + addresses + options + segment


def frame(at_s: float, payload: bytes, src: tuple[str, int], dst: tuple[str, int]) -> tuple[float, bytes]:
    """Return UDP between two IPv4 addresses as a capture has it, at a time since T0."""
    raw = bytearray(udp4(payload, sport=src[1], dport=dst[1]))
    raw[12:20] = bytes(map(int, f"{src[0]}.{dst[0]}".split(".")))
    return T0 + at_s, ether(bytes(raw))


def udp6(payload: bytes, *, sport: int = 4000, dport: int = 5000) -> bytes:
    """Return an IPv6 packet from fd00::1 to fd00::2."""
    return ip6(struct.pack("!HHHH", sport, dport, 8 + len(payload), 0) + payload, 17)


def ip6(rest: bytes, next_header: int) -> bytes:
    """Return an IPv6 packet whose first next header is this."""
    src, dst = b"\xfd" + bytes(14) + b"\x01", b"\xfd" + bytes(14) + b"\x02"
    return struct.pack("!IHBB", 0x60000000, len(rest), next_header, 64) + src + dst + rest


def ether(packet: bytes, *, tags: Sequence[int] = ()) -> bytes:
    """Return an Ethernet frame, with VLAN tags of these types."""
    kind = 0x0800 if packet[0] >> 4 == 4 else 0x86DD
    return bytes(12) + b"".join(struct.pack("!HH", tag, 42) for tag in tags) + struct.pack("!H", kind) + packet


def write_pcap(path: Path, frames: Iterable[tuple[float, bytes]], *, link: int = 1, nano: bool = False) -> Path:
    """Write frames, with their times since T0, by dpkt."""
    with path.open("wb") as file:
        writer = dpkt.pcap.Writer(file, linktype=link, nano=nano)
        for time_s, frame in frames:
            writer.writepkt(frame, T0 + time_s)
    return path


def write_pcapng(path: Path, frames: Iterable[tuple[float, bytes]]) -> Path:
    """Write Ethernet frames by dpkt."""
    file = io.BytesIO()
    writer = dpkt.pcapng.Writer(file)
    for time_s, frame in frames:
        writer.writepkt(frame, T0 + time_s)
    path.write_bytes(file.getvalue())
    return path


def block(kind: int, body: bytes, order: str = "<") -> bytes:
    """Return a block of pcapng."""
    body += bytes(-len(body) % 4)
    size = struct.pack(f"{order}I", 12 + len(body))
    return struct.pack(f"{order}I", kind) + size + body + size


def section(order: str = "<") -> bytes:
    """Return the header of a pcapng section."""
    return block(0x0A0D0D0A, struct.pack(f"{order}IHHq", 0x1A2B3C4D, 1, 0, -1), order)


def interface(link: int = 1, options: bytes = b"", order: str = "<") -> bytes:
    """Return the description of a pcapng interface."""
    return block(1, struct.pack(f"{order}HHI", link, 0, 0) + options, order)


def enhanced(number: int, ticks: int, frame: bytes, order: str = "<") -> bytes:
    """Return a packet in a pcapng file."""
    head = struct.pack(f"{order}IIIII", number, ticks >> 32, ticks & 0xFFFFFFFF, len(frame), len(frame))
    return block(6, head + frame, order)


def sdp(ip: str, port: int, *, kinds: str = "0 101", more: str = "", ptime: int | None = 20) -> str:
    """Return an SDP as baresip writes it."""
    lines = [
        "v=0", f"o=- 1 1 IN IP4 {ip}", "s=-", f"c=IN IP4 {ip}", "t=0 0", f"m=audio {port} RTP/AVP {kinds}",
        "a=rtpmap:0 PCMU/8000", "a=rtpmap:101 telephone-event/8000", *more.splitlines(),
    ]  # fmt: skip
    return "".join(f"{line}\r\n" for line in lines + ([f"a=ptime:{ptime}"] if ptime else []))


def sip(
    first: str,
    *,
    cseq: str = "1 INVITE",
    call_id: str = "call-1",
    body: str = "",
    via: str = "10.0.0.1:5063",
    sender: str = "alice",
    receiver: str = "bob",
) -> bytes:
    """Return a SIP message; the tags are the users' names."""
    lines = [
        first, f"Via: SIP/2.0/UDP {via};branch=z9hG4bK1;rport", f"From: <sip:{sender}@x>;tag={sender}",
        f"To: <sip:{receiver}@y>;tag={receiver}", f"Call-ID: {call_id}", f"CSeq: {cseq}",
        "Content-Type: application/sdp", f"Content-Length: {len(body)}",
    ]  # fmt: skip
    return ("".join(f"{line}\r\n" for line in lines) + "\r\n" + body).encode()
