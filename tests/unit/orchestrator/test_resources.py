"""What a process holds, measured on ourselves."""

from __future__ import annotations

import os
import socket

import pytest

from b2b.orchestrator.resources import Held, difference, held_by


def test_what_there_is_more_of():
    """Descriptors, memory, and the very port that was opened, with its address; what was there before is not told."""
    with socket.create_server(("127.0.0.1", 0)) as there:
        before = held_by([os.getpid()])
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as one, socket.socket(socket.AF_INET6) as other:
            one.bind(("127.0.0.1", 0))
            other.bind(("::1", 0))
            other.listen()
            ballast = bytearray(os.urandom(1 << 20) * 40)
            more = difference(before, held_by([os.getpid()]))
            ports = {f"udp 127.0.0.1:{one.getsockname()[1]}", f"tcp [::1]:{other.getsockname()[1]}"}
        del ballast
    assert f"tcp 127.0.0.1:{there.getsockname()[1] if there.fileno() >= 0 else 0}" not in more["ports"]
    assert set(more["ports"]) >= ports
    assert more["descriptors"] >= 2
    assert more["memory_kb"] > 20_000


def test_processes_that_are_gone():
    """Hold nothing."""
    assert held_by([2**22 + 1]) == Held(descriptors=0, memory_kb=0, ports=())


@pytest.mark.parametrize("count", [1, 2])
def test_several_processes(count):
    """Are counted together."""
    one = held_by([os.getpid()])
    assert held_by([os.getpid()] * count).descriptors == pytest.approx(count * one.descriptors, abs=2)
