"""Who is at either end of a TCP port, by the kernel's table: with real sockets of real processes."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing

import pytest

from b2b.baresip.clients import alone, listens

CONNECT = "import socket, sys; s = socket.create_connection(('127.0.0.1', int(sys.argv[1]))); print(); sys.stdin.read()"


@pytest.fixture
def port() -> Iterator[int]:
    """Return a port on which this process listens, and takes nobody's connection."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield server.getsockname()[1]


@pytest.fixture
def other(port: int) -> Iterator[subprocess.Popen[bytes]]:
    """Let another process connect to it."""
    with subprocess.Popen(
        [sys.executable, "-u", "-c", CONNECT, str(port)], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as process:
        assert process.stdout
        process.stdout.readline()
        yield process
        process.kill()


def test_whoever_listens_is_known_by_its_process(port: int) -> None:
    """So that nobody else is taken for it."""
    assert listens(os.getpid(), port)
    assert not listens(os.getppid(), port)
    with socket.create_server(("127.0.0.1", 0)) as server:
        nobodys = server.getsockname()[1]
    assert not listens(os.getpid(), nobodys)
    with subprocess.Popen(["true"]) as ended:
        pass
    assert not listens(ended.pid, port)


def test_we_are_alone_until_another_process_comes(port: int, request: pytest.FixtureRequest) -> None:
    """Whether or not anybody has taken its connection; and again once it is gone."""
    assert not alone(port), "we are not there"
    with closing(socket.create_connection(("127.0.0.1", port))):
        assert alone(port)
        request.getfixturevalue("other")
        assert not alone(port)


def test_who_was_first_does_not_matter(port: int, other: subprocess.Popen[bytes]) -> None:
    """A stranger that came before us is a stranger, also when it has spoken and left."""
    with closing(socket.create_connection(("127.0.0.1", port))):
        assert not alone(port)
        other.kill()
        other.wait()
        assert not alone(port)
