"""What a run listens on, read from the kernel's socket table."""

from __future__ import annotations

import contextlib
import os
import re
import socket
import stat
from pathlib import Path

import pytest

from b2b.baresip.control import encode
from calls.places import REPOSITORY, SAMPLE
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


STRANGER = r"somebody else has connected to baresip's control socket, 127\.0\.0\.1:\d+, and could steer the call"


def control_port(role) -> int:
    """Return where a role's baresip listens for commands: the only TCP port that it has."""
    [port] = [port for protocol, _, port in listening(role.process.pid) if protocol == "tcp"]
    return port


def all_that_comes(sock: socket.socket) -> bytes:
    """Return what is said until the other side closes or resets the connection."""
    heard = b""
    with contextlib.suppress(ConnectionError):
        while data := sock.recv(100):
            heard += data
    return heard


@pytest.mark.parametrize("phase", ["waiting", "in call"])
def test_a_second_client_of_the_control_socket_ends_the_run_and_steers_nothing(b2b, tmp_path, phase):
    """It gets no answer; the role says what happened, hangs up and leaves nothing behind."""
    sink = b2b("sink", "--capture", tmp_path / "heard.wav")
    target = sink.wait_ready()
    if phase == "in call":
        source = b2b("source", "--target", f"sip:{target}", "--audio-file", SAMPLE, "--duration-s", 30)
        sink.wait_line("call established")
    with socket.socket() as stranger:
        stranger.settimeout(30)
        with contextlib.suppress(ConnectionError):  # it may be thrown out before it has said anything
            stranger.connect(("127.0.0.1", control_port(sink)))
            stranger.sendall(encode("quit", "1"))
        assert sink.wait_exit() == 65, sink.output
        assert all_that_comes(stranger) == b"", "it was answered"
    assert re.search(STRANGER, sink.output)
    assert len(re.findall(STRANGER, sink.output)) == 1
    if phase == "in call":
        source.wait_line("call closed")
        source.wait_exit()


def test_whatever_a_run_leaves_is_its_users_alone(b2b, tmp_path):
    """Folders 0700, files 0600, and what is made of them later as well, whatever the umask."""
    folder, before = tmp_path / "run", os.umask(0)
    try:
        plan = REPOSITORY / "plans" / "sk.plan.toml"
        b2b("orchestrator", "--plan", plan, "--run-dir", folder, "--duration-s", 2).wait_exit()
        b2b("judge", folder).wait_exit()
        b2b("compare", folder, folder, "-o", folder / "compare.html").wait_exit()
    finally:
        os.umask(before)
    left = {path.relative_to(folder): stat.S_IMODE(path.lstat().st_mode) for path in folder.rglob("*")}
    assert {Path("capture.pcap"), Path("sink.wav"), Path("report.html"), Path("sink/baresip.log")} <= left.keys()
    assert Path("compare.html") in left
    open_to_others = {str(path): oct(mode) for path, mode in left.items() if mode & 0o077}
    assert not open_to_others


def test_connections_to_others_are_no_strangers(b2b, tmp_path):
    """Connections to other ports of a role's machine are nobody's business."""
    sink = b2b("sink", "--capture", tmp_path / "heard.wav")
    sink.wait_ready()
    with socket.socket() as other, socket.socket() as client:
        other.bind(("127.0.0.1", 0))
        other.listen()
        client.connect(other.getsockname())
        source = b2b("source", "--target", f"sip:{sink.wait_ready()}", "--audio-file", SAMPLE, "--duration-s", 1)
        assert source.wait_exit() == sink.wait_exit() == 0, sink.output + source.output
