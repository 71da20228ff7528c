"""What of TCP a capture keeps: SIP, and neither baresip's control socket nor ssh."""

from __future__ import annotations

import struct

import pytest

from harness.capture import Foreign


def tcp(sport: int, dport: int, content: bytes, *, options: int = 0) -> bytes:
    """Return an IPv4 packet with TCP."""
    header = struct.pack(">HHIIBBHHH", sport, dport, 1, 1, (5 + options) << 4, 0x18, 0, 0, 0) + bytes(4 * options)
    total = 20 + len(header) + len(content)
    return struct.pack(">BBHHHBBH4s4s", 0x45, 0, total, 0, 0, 64, 6, 0, bytes(4), bytes(4)) + header + content


@pytest.mark.parametrize("options", [0, 3])
@pytest.mark.parametrize(("first", "is_foreign"), [
    (b'87:{"command":"dial"},', True), (b"INVITE sip:a SIP/2.0\r\n", False), (b"SIP/2.0 200 OK\r\n", False),
    (b"\r\n\r\n", False), (bytes.fromhex("a17c0e5590d2f3411b6d"), True), (b"\x16\x03\x01\0\xf8\1\0\0\xf4", False),
])  # fmt: skip
def test_the_first_content_decides(first, is_foreign, options):
    """Of each direction by itself; what follows on it belongs to it, digits at its beginning or not."""
    foreign = Foreign()
    assert not foreign.has(tcp(1000, 2000, b"", options=options))
    assert foreign.has(tcp(1000, 2000, first, options=options)) == is_foreign
    assert foreign.has(tcp(1000, 2000, b"12345", options=options)) == is_foreign
    assert foreign.has(tcp(1000, 2000, b"v=0", options=options)) == is_foreign
    assert not foreign.has(tcp(2000, 1000, b"SIP/2.0 100 Trying", options=options))


def test_what_ethernet_fills_up_is_no_content():
    """An ACK of 40 octets comes in a frame of 46."""
    foreign = Foreign()
    assert not foreign.has(tcp(1, 2, b"") + b"000000")
    assert not foreign.has(tcp(1, 2, b"INVITE"))
