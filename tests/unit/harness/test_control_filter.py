"""What of TCP a capture keeps: SIP, and not baresip's control socket."""

from __future__ import annotations

import struct

import pytest

from harness.capture import Control


def tcp(sport: int, dport: int, content: bytes, *, options: int = 0) -> bytes:
    """Return an IPv4 packet with TCP."""
    header = struct.pack(">HHIIBBHHH", sport, dport, 1, 1, (5 + options) << 4, 0x18, 0, 0, 0) + bytes(4 * options)
    total = 20 + len(header) + len(content)
    return struct.pack(">BBHHHBBH4s4s", 0x45, 0, total, 0, 0, 64, 6, 0, bytes(4), bytes(4)) + header + content


@pytest.mark.parametrize("options", [0, 3])
@pytest.mark.parametrize(("first", "is_control"), [
    (b'87:{"command":"dial"},', True), (b"INVITE sip:a SIP/2.0\r\n", False), (b"SIP/2.0 200 OK\r\n", False),
    (b"\r\n\r\n", False),
])  # fmt: skip
def test_the_first_content_decides(first, is_control, options):
    """Of each direction by itself; what follows on it belongs to it, digits at its beginning or not."""
    control = Control()
    assert not control.has(tcp(1000, 2000, b"", options=options))
    assert control.has(tcp(1000, 2000, first, options=options)) == is_control
    assert control.has(tcp(1000, 2000, b"12345", options=options)) == is_control
    assert control.has(tcp(1000, 2000, b"v=0", options=options)) == is_control
    assert not control.has(tcp(2000, 1000, b"SIP/2.0 100 Trying", options=options))


def test_what_ethernet_fills_up_is_no_content():
    """An ACK of 40 octets comes in a frame of 46."""
    control = Control()
    assert not control.has(tcp(1, 2, b"") + b"000000")
    assert not control.has(tcp(1, 2, b"INVITE"))
