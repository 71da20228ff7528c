"""Decides which addresses baresip may listen on.

No configuration of baresip 1.x keeps it from listening on TCP and, one port higher, on TLS beside SIP's UDP port, nor
its RTP sockets from binding every address of the machine. So its bind() and listen() are answered from here, by
seccomp's user notification (Linux 5.9): TLS for SIP, and TCP unless it is wanted, are told yes and bound to nothing,
and a UDP socket for every address is bound to ours. The control socket, and whatever names our own address, goes
through as it is. A TCP socket that is bound to nothing is kept out of epoll too: it would report a hang-up for ever,
and baresip spin on it.

The control socket has no password, and baresip hangs up on its client for whoever comes next. So accept() is answered
from here too: it lets us in, and nobody else.
"""

from __future__ import annotations

import array
import contextlib
import ctypes
import errno
import fcntl
import os
import platform
import select
import socket
import struct
import threading
from collections.abc import Callable
from dataclasses import dataclass

from b2b.baresip.clients import alone
from b2b.errors import SipError


@dataclass(frozen=True, slots=True)
class Abi:
    """The numbers that differ between processors."""

    audit_arch: int
    seccomp: int
    bind: int
    listen: int
    epoll_ctl: int
    accept: int
    accept4: int


ABIS = {
    "x86_64": Abi(0xC000003E, 317, 49, 50, 233, 43, 288),
    "aarch64": Abi(0xC00000B7, 277, 200, 201, 21, 202, 242),
}
PIDFD_GETFD = 438

PR_SET_NO_NEW_PRIVS = 38
SET_MODE_FILTER, FLAG_NEW_LISTENER = 1, 8  # seccomp(2)
FLAG_WAIT_KILLABLE = 32  # from Linux 5.19 on: who asks is not stopped before it is answered, and so asks once
ALLOW, NOTIFY = 0x7FFF0000, 0x7FC00000
LOAD_WORD, JUMP_IF_EQUAL, RETURN = 0x20, 0x15, 0x06  # classic BPF
NOTIF_RECV, NOTIF_SEND = 0xC0502100, 0xC0182101  # ioctls on the listener
CONTINUE = 1
EPOLL_CTL_ADD = 1
NOTIFICATION, RESPONSE = struct.Struct("QIIiIQ6Q"), struct.Struct("QqiI")

_libc = ctypes.CDLL(None, use_errno=True)


class _Program(ctypes.Structure):
    _fields_ = (("length", ctypes.c_ushort), ("filter", ctypes.c_char_p))


def filter_program(abi: Abi) -> bytes:
    """Return the BPF that asks us about bind, listen, accept and additions to epoll, and lets everything else pass."""
    steps = (
        (LOAD_WORD, 0, 0, 4),  # seccomp_data.arch
        (JUMP_IF_EQUAL, 0, 8, abi.audit_arch),
        (LOAD_WORD, 0, 0, 0),  # seccomp_data.nr
        (JUMP_IF_EQUAL, 7, 0, abi.bind),
        (JUMP_IF_EQUAL, 6, 0, abi.listen),
        (JUMP_IF_EQUAL, 5, 0, abi.accept),
        (JUMP_IF_EQUAL, 4, 0, abi.accept4),
        (JUMP_IF_EQUAL, 0, 2, abi.epoll_ctl),
        (LOAD_WORD, 0, 0, 24),  # the low half of seccomp_data.args[1]
        (JUMP_IF_EQUAL, 1, 0, EPOLL_CTL_ADD),
        (RETURN, 0, 0, ALLOW),
        (RETURN, 0, 0, NOTIFY),
    )
    return b"".join(struct.pack("HBBI", *step) for step in steps)


class Door:
    """Made before the fork; `install` runs in the child, `serve` in us, `refusal` says why there is none."""

    def __init__(
        self,
        *,
        address: str,
        control_port: int,
        sip_over_tcp: int | None = None,
        on_stranger: Callable[[], None] = lambda: None,
    ) -> None:
        self._address, self._control_port, self._tcp_ports = address, control_port, {control_port, sip_over_tcp}
        self._on_stranger, self._is_taken = on_stranger, False
        self._abi = ABIS.get(platform.machine())
        self._ours, self._childs = socket.socketpair()
        self._unbound: dict[int, int] = {}  # descriptor -> inode, for a descriptor may come to mean another socket
        if self._abi:
            program = filter_program(self._abi)
            self._program = _Program(len(program) // 8, program)
        self.refusal = ""

    def install(self) -> None:
        """Put the filter on the calling process and hand its listener to `serve`."""
        words = [0]
        if self._abi:
            _libc.prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0)
            for flags in (FLAG_NEW_LISTENER | FLAG_WAIT_KILLABLE, FLAG_NEW_LISTENER):
                fd = _libc.syscall(self._abi.seccomp, SET_MODE_FILTER, flags, ctypes.byref(self._program))
                if fd >= 0:
                    socket.send_fds(self._childs, [b"\0"], [fd])
                    os.close(fd)
                    return
            words = [ctypes.get_errno()]
        self._childs.send(bytes(words))

    def serve(self, pid: int) -> None:
        """Start answering for the process that called `install`; without a filter set `refusal` instead."""
        self._childs.close()
        self._ours.settimeout(5)
        words, listeners, _flags, _from = socket.recv_fds(self._ours, 1, 1)
        self._ours.close()
        if not listeners:
            why = os.strerror(words[0]) if words and words[0] else f"unknown processor {platform.machine()}"
            self.refusal = f"seccomp user notification: {why}"
            return
        threading.Thread(target=self._serve, args=(listeners[0], os.pidfd_open(pid)), name="door", daemon=True).start()

    def _serve(self, listener: int, process: int) -> None:
        poll = select.poll()
        poll.register(listener, select.POLLIN)
        while not any(events & (select.POLLHUP | select.POLLERR) for _fd, events in poll.poll()):
            notification = bytearray(NOTIFICATION.size)
            try:
                fcntl.ioctl(listener, NOTIF_RECV, notification)
            except OSError:  # it died while it was asking
                continue
            identity, pid, _flags, number, _arch, _ip, *arguments = NOTIFICATION.unpack(notification)
            try:
                error, flags = self._decide(number, pid, process, arguments)
            except OSError as refused:
                error, flags = -(refused.errno or 1), 0
            with contextlib.suppress(OSError):
                fcntl.ioctl(listener, NOTIF_SEND, bytearray(RESPONSE.pack(identity, 0, error, flags)))
        os.close(listener)
        os.close(process)

    def _decide(self, number: int, pid: int, process: int, arguments: list[int]) -> tuple[int, int]:
        """Return (errno, flags) of the answer: CONTINUE lets the kernel do what was asked for."""
        assert self._abi
        if number == self._abi.epoll_ctl:
            return 0, 0 if self._is_unbound(process, arguments[2]) else CONTINUE
        theirs = arguments[0]
        if number in (self._abi.accept, self._abi.accept4):
            return self._admit(process, theirs)
        if number == self._abi.listen:
            return 0, 0 if self._is_unbound(process, theirs) else CONTINUE
        family, address, port = self._read_address(pid, arguments[1], arguments[2])
        if family not in (socket.AF_INET, socket.AF_INET6):
            return 0, CONTINUE
        with self._borrow(process, theirs) as sock:
            if sock.type == socket.SOCK_STREAM and port not in self._tcp_ports:
                self._unbound[theirs] = os.fstat(sock.fileno()).st_ino
                return 0, 0
            if sock.type == socket.SOCK_DGRAM and address == "0.0.0.0":
                sock.bind((self._address, port))
                return 0, 0
            if sock.type == socket.SOCK_DGRAM and address == "::":  # for DNS, which is asked over IPv4
                return 0, 0
        return 0, CONTINUE

    def _admit(self, process: int, fd: int) -> tuple[int, int]:
        """Let one client in to the control socket, which is us; baresip would hang up on us for the next one."""
        with self._borrow(process, fd) as sock:
            if sock.getsockname()[1] != self._control_port:
                return 0, CONTINUE
        if not self._is_taken and alone(self._control_port):
            self._is_taken = True
            return 0, CONTINUE
        self._on_stranger()
        return -errno.EAGAIN, 0

    def _is_unbound(self, process: int, fd: int) -> bool:
        if fd not in self._unbound:
            return False
        with self._borrow(process, fd) as sock:
            return os.fstat(sock.fileno()).st_ino == self._unbound[fd]

    @staticmethod
    def _borrow(process: int, fd: int) -> socket.socket:
        borrowed = _libc.syscall(PIDFD_GETFD, process, fd, 0)
        if borrowed < 0:
            code = ctypes.get_errno()
            raise OSError(code, os.strerror(code))
        return socket.socket(fileno=borrowed)

    @staticmethod
    def _read_address(pid: int, at: int, size: int) -> tuple[int, str, int]:
        with open(f"/proc/{pid}/mem", "rb", buffering=0) as memory:  # noqa: PTH123 - a seek, then a read
            memory.seek(at)
            raw = memory.read(min(size, 28))
        family = array.array("H", raw[:2])[0]
        port = int.from_bytes(raw[2:4], "big")
        if family == socket.AF_INET:
            return family, socket.inet_ntop(family, raw[4:8]), port
        if family == socket.AF_INET6:
            return family, socket.inet_ntop(family, raw[8:24]), port
        return family, "", 0


def free_port(address: str, kind: socket.SocketKind) -> int:
    """Return a port that nobody has on that address just now. Raises SipError where the address is not ours."""
    with socket.socket(socket.AF_INET, kind) as sock:
        try:
            sock.bind((address, 0))
        except OSError as error:
            raise SipError(f"cannot listen on {address}: {error.strerror}") from error
        return int(sock.getsockname()[1])
