"""What a run listens on, read from the kernel's socket table."""

from __future__ import annotations

import socket
from pathlib import Path

from calls.places import SAMPLE
from calls.processes import processes_of

LISTEN, UNCONNECTED = "0A", "07"  # states of /proc/net/tcp and udp


def inodes_of(pid: int) -> set[str]:
    """Return the socket inodes of a process and all below it."""
    links = []
    for one in processes_of(pid):
        links += [link.readlink().name for link in Path(f"/proc/{one}/fd").glob("*") if link.is_symlink()]
    return {link[len("socket:[") : -1] for link in links if link.startswith("socket:[")}


def listening(pid: int) -> list[tuple[str, str, int]]:
    """Return (protocol, address, port) of every socket below a process that takes packets or connections."""
    inodes, found = inodes_of(pid), []
    for protocol, state in (("tcp", LISTEN), ("tcp6", LISTEN), ("udp", UNCONNECTED), ("udp6", UNCONNECTED)):
        for line in Path(f"/proc/net/{protocol}").read_text().splitlines()[1:]:
            fields = line.split()
            if fields[3] == state and fields[9] in inodes:
                raw, port = fields[1].split(":")
                address = raw if protocol.endswith("6") else socket.inet_ntoa(bytes.fromhex(raw)[::-1])
                found.append((protocol, address, int(port, 16)))
    return found


def test_nothing_listens_beyond_the_address(b2b, tmp_path):
    """SIP, RTP, RTCP, the control socket: all on 127.0.0.1, and no TCP port but the control socket's."""
    sink = b2b("sink", "--capture", tmp_path / "heard.wav")
    mixer = b2b("mixer", "--target", f"sip:{sink.wait_ready()}")
    source = b2b("source", "--target", f"sip:{mixer.wait_ready()}", "--audio-file", SAMPLE, "--duration-s", 4)
    source.wait_line("streaming")
    for role, legs in ((sink, 1), (mixer, 2), (source, 1)):
        sockets = listening(role.process.pid)
        assert {address for _, address, _ in sockets} == {"127.0.0.1"}, sockets
        assert [protocol for protocol, *_ in sockets].count("tcp") == 1, sockets
        sip = int(role.wait_ready().rpartition(":")[2])
        assert ("udp", "127.0.0.1", sip) in sockets
        assert len([1 for protocol, *_ in sockets if protocol == "udp"]) >= 1 + 2 * legs, sockets


def test_neighbouring_ports_work(b2b, tmp_path):
    """A role on the port beside another one's, which a plain baresip takes for TLS."""
    sink = b2b("sink", "--sip-bind", "127.0.0.1:46062", "--capture", tmp_path / "heard.wav")
    mixer = b2b("mixer", "--sip-bind", "127.0.0.1:46063", "--target", f"sip:{sink.wait_ready()}")
    source = b2b("source", "--target", f"sip:{mixer.wait_ready()}", "--audio-file", SAMPLE, "--duration-s", 1)
    for role in (source, mixer, sink):
        assert role.wait_exit() == 0, role.output


def test_a_role_beyond_this_machine_says_so(b2b, tmp_path):
    """A warning is logged whenever a role binds beyond 127.0.0.1; the wildcard is the host's address."""
    sink = b2b("sink", "--sip-bind", "0.0.0.0:0", "--capture", tmp_path / "heard.wav")
    address = sink.wait_ready().partition(":")[0]
    assert address != "0.0.0.0"
    assert ("beyond this machine" in sink.output) == (address != "127.0.0.1")
