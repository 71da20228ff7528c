"""Who is at either end of a TCP port of this machine, from the kernel's own table of sockets (proc(5), net/tcp)."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

TABLES = ("/proc/net/tcp", "/proc/net/tcp6")
LISTENING, OVER = "0A", "06"  # states; whoever is in the second has left, and the port may have been another's then


class Socket(NamedTuple):
    """A row of the table."""

    local_port: int
    remote_port: int
    state: str
    inode: str


def listens(process: int, port: int) -> bool:
    """Whether it is that process which listens on a port."""
    owners = {row.inode for row in _rows() if row.state == LISTENING and row.local_port == port}
    return bool(owners) and owners <= _inodes(process)


def alone(port: int) -> bool:
    """Whether this process is connected to a port of this machine, and nobody else is."""
    clients = {row.inode for row in _rows() if row.remote_port == port and row.state != OVER}
    return bool(clients) and clients <= _inodes(os.getpid())


def _rows() -> Iterator[Socket]:
    for table in TABLES:
        with contextlib.suppress(OSError), open(table, encoding="ascii") as file:  # noqa: PTH123 - in a hurry
            for line in list(file)[1:]:
                _, local, remote, state, _, _, _, _, _, inode, *_ = line.split()
                yield Socket(_port(local), _port(remote), state, inode)


def _port(address: str) -> int:
    return int(address.rpartition(":")[2], 16)


def _inodes(process: int) -> set[str]:
    """Return the sockets that a process has open; none where it has ended."""
    found = set()
    with contextlib.suppress(OSError):
        for link in Path(f"/proc/{process}/fd").iterdir():
            with contextlib.suppress(OSError):  # closed meanwhile
                name = str(link.readlink())
                if name.startswith("socket:["):
                    found.add(name[len("socket:[") : -1])
    return found
