"""The capture sees the loopback of a private network, whole and once, as an ordinary user."""

import subprocess
import sys
from pathlib import Path

import pytest

from oracle import capture, private, wire

SENDER = """
import socket, struct, time
from oracle.capture import capturing
door, other = (socket.socket(socket.AF_INET, socket.SOCK_DGRAM) for _ in range(2))
door.bind(("127.0.0.1", 40000)), other.bind(("127.0.0.1", 40002))
with capturing({path!r}) as capture, door, other:
    for i in range(400):
        door.sendto(struct.pack("!BBHII", 0x80, 0, i, 160 * i, 7) + bytes(160), ("127.0.0.1", 40002))
        other.recv(200)  # a busy kernel may still have it in its backlog, where no tap sees it
print(capture.packets, capture.drops)
"""


def in_private_network(*command):
    """Run a command of Python's in a network of its own, or skip where the system forbids that."""
    private_py = [sys.executable, private.__file__, sys.executable]
    if subprocess.run([*private_py, "-c", ""], capture_output=True, check=False).returncode:
        pytest.skip("this system allows no private networks")
    environment = {"PYTHONPATH": str(Path(private.__file__).parents[1])}
    return subprocess.run([*private_py, *command], capture_output=True, text=True, env=environment, timeout=30)


def test_every_packet_is_captured_once(tmp_path):
    """As many as the smallest buffer holds, as fast as they go, the last one just before the end."""
    path = tmp_path / "a.pcap"
    done = in_private_network("-c", SENDER.format(path=str(path)))
    assert done.stderr == ""
    packets, drops = map(int, done.stdout.split())
    [stream] = wire.read_streams(path)
    assert wire.wire_is_clean(stream) == []
    assert len(stream.packets) == 400
    assert packets == 400
    assert drops == 0
    assert all(interval >= 0 for interval in stream.intervals_s)


def test_the_private_network_has_its_own_loopback():
    """Only `lo`, and it is up."""
    program = "import socket; print(socket.if_nameindex()); socket.create_server(('127.0.0.1', 5062)).close()"
    done = in_private_network("-c", program)
    assert done.stderr == ""
    assert done.stdout.strip() == "[(1, 'lo')]"


def test_a_capture_that_cannot_start_says_why(tmp_path):
    """At once, with the child's own words."""
    with pytest.raises(capture.CaptureError, match="No such file"), capture.capturing(tmp_path / "no" / "a.pcap"):
        pass
