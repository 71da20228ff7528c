"""Whether a device is there, asked of real sockets."""

from __future__ import annotations

import contextlib
import socket
import threading
from collections.abc import Iterator

import pytest

from b2b.addresses import Bind
from b2b.orchestrator.readiness import ask_options, probe
from b2b.plan.device import Ready


@contextlib.contextmanager
def answering(answer: bytes | None) -> Iterator[tuple[Bind, list[bytes]]]:
    """Listen on a UDP port and answer the first datagram."""
    heard: list[bytes] = []
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        sock.bind(("127.0.0.1", 0))

        def serve() -> None:
            data, sender = sock.recvfrom(65535)
            heard.append(data)
            if answer is not None:
                sock.sendto(answer, sender)

        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        yield Bind(*sock.getsockname()), heard
        thread.join(5)


@pytest.mark.parametrize(("answer", "why"), [
    (b"SIP/2.0 200 OK\r\n\r\n", ""),
    (b"SIP/2.0 404 Not Found\r\n\r\n", ""),
    (b"SIP/2.0 503 Service Unavailable\r\n\r\n", "OPTIONS got 503 Service Unavailable"),
    (b"HTTP/1.0 200 OK\r\n\r\n", "OPTIONS was answered by what is no SIP"),
    (None, "OPTIONS got no answer"),
])
def test_options(answer, why):
    """Whoever answers OPTIONS is there, unless it says that it is not yet of service."""
    with answering(answer) as (device, heard):
        assert ask_options(device) == why
    assert heard[0].startswith(f"OPTIONS sip:{device} SIP/2.0\r\n".encode())
    assert heard[0].endswith(b"\r\n\r\n")
    assert b"{" not in heard[0]


def test_options_where_nobody_is():
    """The kernel says so at once."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        sock.bind(("127.0.0.1", 0))
        device = Bind(*sock.getsockname())
    assert ask_options(device) == "OPTIONS got no answer (Connection refused)"


@pytest.mark.parametrize("kind", [socket.SOCK_DGRAM, socket.SOCK_STREAM])
def test_an_open_port_of_ours(kind):
    """Seen without touching it: bound for UDP, listening for TCP."""
    with socket.socket(socket.AF_INET, kind) as sock:
        sock.bind(("127.0.0.1", 0))
        port = sock.getsockname()[1]
        look = probe(Ready(port=port), Bind("127.0.0.1", 1), is_ours=True)
        assert look is not None
        assert (look() == "") == (kind == socket.SOCK_DGRAM)
        if kind == socket.SOCK_STREAM:
            sock.listen()
        assert look() == ""
    assert look() == f"port {port} is not open"


def test_an_open_port_of_somebody_else():
    """Is there when it can be connected to."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        look = probe(Ready(port=server.getsockname()[1]), Bind("127.0.0.1", 1), is_ours=False)
        assert look is not None
        assert look() == ""
    assert "cannot be reached (Connection refused)" in look()


def test_nothing_to_look_at():
    """A line of output is seen by who reads it, and where nothing was asked for nothing is looked at."""
    assert probe(Ready(output="up"), Bind("127.0.0.1", 1), is_ours=True) is None
    assert probe(Ready(), Bind("127.0.0.1", 1), is_ours=True) is None
