"""What a device's processes hold: descriptors, memory and open ports, from /proc."""

from __future__ import annotations

import contextlib
import ipaddress
import os
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

PROTOCOLS = ("udp", "udp6", "tcp", "tcp6")
OPEN_STATES = {"udp": "07", "tcp": "0A"}  # what is bound, or listens
SOCKET = "socket:["


@dataclass(frozen=True, slots=True, kw_only=True)
class Held:
    """What some processes hold together; ports as `udp 127.0.0.1:5060`."""

    descriptors: int
    memory_kb: int  # resident
    ports: tuple[str, ...]

    def as_json(self) -> dict[str, Any]:
        """Return plain values."""
        return {"descriptors": self.descriptors, "memory_kb": self.memory_kb, "ports": list(self.ports)}


def held_by(pids: Iterable[int]) -> Held:
    """Return what the processes hold just now; those that are gone hold nothing."""
    descriptors, memory_kb = 0, 0
    sockets: set[str] = set()
    tables: dict[str, str] = {}
    for pid in pids:
        process = Path(f"/proc/{pid}")
        with contextlib.suppress(OSError):
            memory_kb += int((process / "statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE") // 1024
            tables |= _ports(process)
            for entry in (process / "fd").iterdir():
                with contextlib.suppress(OSError):
                    target = str(entry.readlink())
                    descriptors += 1
                    sockets |= {target[len(SOCKET) : -1]} if target.startswith(SOCKET) else set()
    ports = sorted({tables[inode] for inode in sockets & tables.keys()})
    return Held(descriptors=descriptors, memory_kb=memory_kb, ports=tuple(ports))


def difference(before: Held, after: Held) -> dict[str, Any]:
    """Return what there is more of afterwards, and which ports are open that were not."""
    return {
        "descriptors": after.descriptors - before.descriptors,
        "memory_kb": after.memory_kb - before.memory_kb,
        "ports": [port for port in after.ports if port not in before.ports],
    }


def _ports(process: Path) -> dict[str, str]:
    """Return the open ports of a process's network by the inode of their socket."""
    return {inode: port for protocol in PROTOCOLS for inode, port in _table(process / "net" / protocol)}


def _table(path: Path) -> Iterator[tuple[str, str]]:
    protocol = path.name[:3]
    with contextlib.suppress(OSError):
        for line in path.read_text().splitlines()[1:]:
            fields = line.split()
            if fields[3] == OPEN_STATES[protocol]:
                yield fields[9], f"{protocol} {_address(fields[1])}"


def _address(text: str) -> str:
    """Return an address of /proc/net, words of four bytes in this machine's own order, as it is written."""
    host, _, port = text.partition(":")
    raw = b"".join(bytes.fromhex(host[at : at + 8])[::-1] for at in range(0, len(host), 8))
    shown = str(ipaddress.ip_address(raw))
    return f"[{shown}]:{int(port, 16)}" if len(raw) > 4 else f"{shown}:{int(port, 16)}"
