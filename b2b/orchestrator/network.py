"""A network of the run's own: a user and network namespace with nothing in it but loopback."""

from __future__ import annotations

import ctypes
import fcntl
import os
import socket
import struct
from pathlib import Path

CLONE_NEWUSER, CLONE_NEWNET = 0x10000000, 0x40000000
SIOCGIFFLAGS, SIOCSIFFLAGS, IFF_UP = 0x8913, 0x8914, 1
IFREQ = struct.Struct("16sH22x")
PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE = 47, 2
CAPABILITY_VERSION_3 = 0x20080522
CAP_NET_ADMIN, CAP_NET_RAW = 12, 13

_libc = ctypes.CDLL(None, use_errno=True)


class _CapHeader(ctypes.Structure):
    _fields_ = (("version", ctypes.c_uint32), ("pid", ctypes.c_int))


class _CapData(ctypes.Structure):
    _fields_ = (("effective", ctypes.c_uint32), ("permitted", ctypes.c_uint32), ("inheritable", ctypes.c_uint32))


def private_works() -> str | None:
    """Try a private network in a child of ours; return None where it works, else why not.

    Some systems let the namespace be made and take its capabilities away, so loopback is brought up as well.
    """
    reading, writing = os.pipe()
    if (pid := os.fork()) == 0:
        try:
            enter_private()
            os.write(writing, b"\0")
        except OSError as error:
            os.write(writing, str(error.strerror or error).encode())
        finally:
            os._exit(0)
    os.close(writing)
    with os.fdopen(reading, "rb") as pipe:
        why = pipe.read()
    os.waitpid(pid, 0)
    if why == b"\0":
        return None
    return why.decode() or "the attempt died"


def enter_private() -> None:
    """Move this process, which must have one thread, into a network of its own with loopback up.

    An ordinary user gets a user namespace with it, keeps the name and number that it has, and hands the right to
    capture on to its children. Raises OSError where the system forbids any of it.
    """
    uid, gid = os.geteuid(), os.getegid()
    if _libc.unshare(CLONE_NEWNET) != 0:
        _check(_libc.unshare(CLONE_NEWUSER | CLONE_NEWNET))
        Path("/proc/self/setgroups").write_text("deny")
        Path("/proc/self/uid_map").write_text(f"{uid} {uid} 1")
        Path("/proc/self/gid_map").write_text(f"{gid} {gid} 1")
        _bring_up_loopback()
        _pass_on(CAP_NET_ADMIN, CAP_NET_RAW)
    else:
        _bring_up_loopback()


def _bring_up_loopback() -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        request = fcntl.ioctl(sock, SIOCGIFFLAGS, IFREQ.pack(b"lo", 0))
        _name, flags = IFREQ.unpack(request)
        fcntl.ioctl(sock, SIOCSIFFLAGS, IFREQ.pack(b"lo", flags | IFF_UP))


def _pass_on(*capabilities: int) -> None:
    """Let programs that we start have these capabilities, which exec would take from them."""
    header, data = _CapHeader(CAPABILITY_VERSION_3, 0), (_CapData * 2)()
    _check(_libc.capget(ctypes.byref(header), data))
    for capability in capabilities:
        data[0].inheritable |= 1 << capability
    _check(_libc.capset(ctypes.byref(header), data))
    for capability in capabilities:
        _check(_libc.prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE, capability, 0, 0))


def _check(result: int) -> None:
    if result != 0:
        code = ctypes.get_errno()
        raise OSError(code, os.strerror(code))
