"""Runs a command in a network of its own, with its loopback up, without privilege and without the `ip` program.

    python tests/oracle/private.py CMD ARGS...

Inside, the user is mapped to root: only root keeps its capabilities, which a capture needs, over exec.
"""

from __future__ import annotations

import ctypes
import fcntl
import os
import socket
import struct
import sys
from pathlib import Path

CLONE_NEWUSER, CLONE_NEWNET = 0x10000000, 0x40000000  # linux/sched.h; os.unshare came with 3.12
SIOCGIFFLAGS, SIOCSIFFLAGS, IFF_UP = 0x8913, 0x8914, 0x1  # linux/sockios.h, linux/if.h
IFREQ = "16sh22x"


def enter() -> None:
    """Move this process, which must have one thread, into a network namespace of its own.

    Whoever is not root gets a user namespace with it; root may be where there are none, as in a chroot.
    """
    uid, gid = os.getuid(), os.getgid()
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.unshare(CLONE_NEWNET) == 0:
        bring_up("lo")
        return
    if libc.unshare(CLONE_NEWUSER | CLONE_NEWNET):
        raise OSError(ctypes.get_errno(), "no private network: " + os.strerror(ctypes.get_errno()))
    Path("/proc/self/setgroups").write_text("deny")  # or an ordinary user may not write the next
    Path("/proc/self/gid_map").write_text(f"0 {gid} 1")
    Path("/proc/self/uid_map").write_text(f"0 {uid} 1")
    bring_up("lo")


def bring_up(interface: str) -> None:
    """Set the interface's UP flag; it fails where a system strips a new namespace of its capabilities."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as door:
        request = struct.pack(IFREQ, interface.encode(), 0)
        _, flags = struct.unpack(IFREQ, fcntl.ioctl(door, SIOCGIFFLAGS, request))
        fcntl.ioctl(door, SIOCSIFFLAGS, struct.pack(IFREQ, interface.encode(), flags | IFF_UP))


def main() -> None:
    """Become the command, in its own network."""
    if len(sys.argv) < 2:
        sys.exit("usage: private.py CMD ARGS...")
    try:
        enter()
    except OSError as error:
        sys.exit(f"private.py: {error}")
    try:
        os.execvp(sys.argv[1], sys.argv[1:])
    except OSError as error:
        sys.exit(f"private.py: {sys.argv[1]}: {error.strerror}")


if __name__ == "__main__":
    main()
