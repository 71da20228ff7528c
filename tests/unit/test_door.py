"""The filter on baresip's sockets: which calls are asked about, and what becomes of them."""

from __future__ import annotations

import os
import platform
import signal
import socket
import struct
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import bpf
import pytest

from b2b import child
from b2b.baresip.door import ABIS, Abi, Door, filter_program, free_port
from b2b.errors import SipError

ALLOW, NOTIFY = 0x7FFF0000, 0x7FC00000  # linux/seccomp.h
EPOLL_ADD, EPOLL_DEL, EPOLL_MOD = 1, 2, 3
# linux/audit.h, and the numbers of bind, listen, epoll_ctl, accept and accept4 from the kernel's system call tables
KERNEL = {"x86_64": (0xC000003E, 49, 50, 233, 43, 288), "aarch64": (0xC00000B7, 200, 201, 21, 202, 242)}
I386, X32_BIT = 0x40000003, 0x40000000

EACH_ABI = pytest.mark.parametrize("machine", ABIS)


def seccomp_data(number: int, arch: int, *arguments: int) -> bytes:
    """Return what the kernel lets a filter see of a system call."""
    return struct.pack("<IIQ6Q", number, arch, 0, *arguments, *[0] * (6 - len(arguments)))


def verdict(abi: Abi, number: int, *arguments: int, arch: int | None = None) -> int:
    """Return what the filter of one processor says to a system call."""
    data = seccomp_data(number, abi.audit_arch if arch is None else arch, *arguments)
    return bpf.run(filter_program(abi), data, order="little")


@EACH_ABI
def test_the_numbers_are_the_kernels(machine: str) -> None:
    """They differ from processor to processor."""
    abi = ABIS[machine]
    assert (abi.audit_arch, abi.bind, abi.listen, abi.epoll_ctl, abi.accept, abi.accept4) == KERNEL[machine]


@EACH_ABI
def test_binding_listening_and_accepting_are_asked_about(machine: str) -> None:
    """Whatever their arguments are."""
    abi = ABIS[machine]
    for number in (abi.bind, abi.listen, abi.accept, abi.accept4):
        assert verdict(abi, number) == NOTIFY
        assert verdict(abi, number, 7, 0xFFFF_FFFF_FFFF, 16) == NOTIFY


@EACH_ABI
@pytest.mark.parametrize(("operation", "wanted"), [(EPOLL_ADD, NOTIFY), (EPOLL_DEL, ALLOW), (EPOLL_MOD, ALLOW)])
def test_only_additions_to_epoll_are_asked_about(machine: str, operation: int, wanted: int) -> None:
    """They are rare; what else happens there happens often."""
    abi = ABIS[machine]
    assert verdict(abi, abi.epoll_ctl, 4, operation, 9, 0x7FFF_0000_0000) == wanted


@EACH_ABI
def test_everything_else_passes(machine: str) -> None:
    """Without us, and thereby as fast as ever."""
    abi = ABIS[machine]
    asked = {number for number in range(600) if verdict(abi, number, 1, EPOLL_ADD) != ALLOW}
    assert asked == {abi.bind, abi.listen, abi.epoll_ctl, abi.accept, abi.accept4}


@EACH_ABI
def test_the_numbers_of_another_architecture_are_not_mistaken_for_ours(machine: str) -> None:
    """There they mean other calls."""
    abi = ABIS[machine]
    others = {I386, *(other.audit_arch for other in ABIS.values())} - {abi.audit_arch}
    for number in (abi.bind, abi.listen, abi.epoll_ctl, abi.accept, abi.accept4):
        assert {verdict(abi, number, 1, EPOLL_ADD, arch=arch) for arch in others} == {ALLOW}
        assert verdict(abi, number | X32_BIT, 1, EPOLL_ADD) == ALLOW


@EACH_ABI
def test_the_kernel_takes_the_program(machine: str) -> None:
    """Seccomp refuses a jump beyond the end, and a last instruction that is no return."""
    steps = list(bpf.instructions(filter_program(ABIS[machine])))
    for at, (code, if_true, if_false, _k) in enumerate(steps):
        if code == bpf.JUMP_IF_EQUAL:
            assert at + 1 + max(if_true, if_false) < len(steps)
    assert steps[-1][0] == bpf.RETURN


GUEST = """
import select, socket, sys
port, control = int(sys.argv[1]), int(sys.argv[2])
poll = select.epoll()

def bound(kind, address, port=0, family=socket.AF_INET):
    sock = socket.socket(family, kind)
    sock.bind((address, port))
    if kind == socket.SOCK_STREAM:
        sock.listen()
    poll.register(sock, select.EPOLLIN)
    return sock

def listens(port):
    with socket.socket() as client:
        return client.connect_ex(("127.0.0.1", port)) == 0

rtp = bound(socket.SOCK_DGRAM, "0.0.0.0")
sip = bound(socket.SOCK_DGRAM, "127.0.0.1", port)
tcp = bound(socket.SOCK_STREAM, "127.0.0.1", port)
ctrl = bound(socket.SOCK_STREAM, "127.0.0.1", control)
print(rtp.getsockname()[0], sip.getsockname() == ("127.0.0.1", port), listens(port), listens(control))
print(sorted(fd for fd, _events in poll.poll(0)) == [ctrl.fileno()])
try:
    bound(socket.SOCK_DGRAM, "0.0.0.0", port)
except OSError as error:
    print(error.strerror)
sys.stdin.read()
"""


@pytest.fixture
def guest() -> Iterator[tuple[subprocess.Popen[bytes], int]]:
    """Start a program that binds sockets as baresip does, behind the filter; and return it and its SIP port."""
    port, control_port = free_port("127.0.0.1", socket.SOCK_DGRAM), free_port("127.0.0.1", socket.SOCK_STREAM)
    keeper = Door(address="127.0.0.1", control_port=control_port)
    process = child.start(
        [sys.executable, "-u", "-c", GUEST, str(port), str(control_port)],
        stdin=subprocess.PIPE,
        before_exec=keeper.install,
    )
    keeper.serve(process.pid)
    if keeper.refusal:
        child.stop(process, patience_s=())
        pytest.skip(keeper.refusal)
    yield process, port
    child.stop(process, patience_s=())
    assert process.stdin
    assert process.stdout
    process.stdin.close()
    process.stdout.close()


def test_a_program_behind_the_filter_listens_only_where_it_may(guest: tuple[subprocess.Popen[bytes], int]) -> None:
    """UDP on every address becomes ours; TCP for SIP is told yes and is not there; the control socket is.

    The socket that is not there reports nothing to epoll, and an address that is taken stays an error.
    """
    process, port = guest
    assert process.stdout
    said = [process.stdout.readline().decode().split("\n")[0] for _ in range(3)]
    assert said == ["127.0.0.1 True False True", "True", "Address already in use"]
    with socket.socket() as neighbour:
        neighbour.bind(("127.0.0.1", port))


ASKS = """
import select, socket, sys
sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
sock.bind(("0.0.0.0", 0))
print(sock.getsockname()[0])
server = socket.socket()
server.bind(("127.0.0.1", int(sys.argv[1])))
server.listen()
print("listens")
select.select([server], [], [])
server.accept()
print("accepted")
"""


class Disturbed(Door):
    """Stops and continues whoever has asked, before it has its answer."""

    def _decide(self, number: int, pid: int, process: int, arguments: list[int]) -> tuple[int, int]:
        answer = super()._decide(number, pid, process, arguments)
        os.kill(pid, signal.SIGSTOP)
        time.sleep(0.05)  # on a kernel that lets it be stopped
        os.kill(pid, signal.SIGCONT)
        return answer


def test_who_is_stopped_while_it_asks_is_answered_all_the_same() -> None:
    """Once: to bind a socket again would be an error, and a second to accept would be a stranger."""
    port, strangers = free_port("127.0.0.1", socket.SOCK_STREAM), list[bool]()
    keeper = Disturbed(address="127.0.0.1", control_port=port, on_stranger=lambda: strangers.append(True))
    argv = [sys.executable, "-u", "-c", ASKS, str(port)]
    with child.start(argv, before_exec=keeper.install) as process:
        keeper.serve(process.pid)
        if keeper.refusal:
            process.kill()
            pytest.skip(keeper.refusal)
        assert process.stdout
        assert [process.stdout.readline() for _ in range(2)] == [b"127.0.0.1\n", b"listens\n"]
        with socket.create_connection(("127.0.0.1", port)):
            assert process.stdout.readline() == b"accepted\n"
    assert not strangers


def test_a_processor_that_nobody_has_tried_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    """The call goes on without the filter."""
    monkeypatch.setattr(platform, "machine", lambda: "pdp11")
    keeper = Door(address="127.0.0.1", control_port=1)
    process = child.start(["true"], before_exec=keeper.install)
    keeper.serve(process.pid)
    assert process.stdout
    process.stdout.close()
    assert process.wait() == 0
    assert keeper.refusal == "seccomp user notification: unknown processor pdp11"


@pytest.mark.parametrize("kind", [socket.SOCK_DGRAM, socket.SOCK_STREAM])
def test_a_free_port_can_be_had(kind: socket.SocketKind) -> None:
    """On that address and for that protocol."""
    with socket.socket(socket.AF_INET, kind) as sock:
        sock.bind(("127.0.0.1", free_port("127.0.0.1", kind)))


def test_on_an_address_that_is_not_ours_there_is_no_port() -> None:
    """192.0.2.0/24 belongs to nobody, RFC 5737."""
    with pytest.raises(SipError) as caught:
        free_port("192.0.2.1", socket.SOCK_DGRAM)
    assert str(caught.value) == "cannot listen on 192.0.2.1: Cannot assign requested address"


@pytest.mark.skipif(not Path("/proc/sys/kernel/seccomp/actions_avail").exists(), reason="a kernel without seccomp")
def test_this_kernels_machine_is_one_that_we_know() -> None:
    """Or b2b would run without the filter wherever these tests run, and none of them would tell."""
    assert platform.machine() in ABIS
