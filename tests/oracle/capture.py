"""Captures the loopback into a pcap file, in a private network as an ordinary user, else with CAP_NET_RAW.

    python tests/oracle/capture.py OUT.pcap     # prints `capturing`, ends at SIGTERM or SIGINT

The kernel stamps the packets, so a late reader does not make a late packet. Each packet passes `lo` twice, going
out and coming in; the one that comes in is kept.
"""

from __future__ import annotations

import argparse
import contextlib
import select
import signal
import socket
import struct
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import dpkt

# From Linux' headers; Python's socket module has none of them.
ETH_P_ALL = 0x0003
SOL_PACKET, PACKET_STATISTICS, PACKET_IGNORE_OUTGOING = 263, 6, 23
PACKET_OUTGOING = 4
SO_TIMESTAMPNS = 35
SO_RCVBUFFORCE = 33
# Octets. In a private network the system gives no more than twice net.core.rmem_max, Debian's 208 kB: at 832 octets
# for a PCMU packet that is 500 of them, 2.5 s of four streams. With CAP_NET_ADMIN it is minutes.
BUFFER = 64 << 20
LONGEST = 65535 + 18  # octets of a packet on lo, whose MTU is 64 kB
FLUSH_S = 0.2
READY_S, END_S = 10.0, 10.0
READY = "capturing"


class CaptureError(RuntimeError):
    """The capture did not start, or did not end well."""


@dataclass(slots=True)
class Capture:
    """A capture under way; the counts are known when it has ended."""

    path: Path
    packets: int | None = None
    drops: int | None = None  # packets that the kernel had no room for


@contextlib.contextmanager
def capturing(path: Path | str) -> Iterator[Capture]:
    """Capture into that file until the block is left."""
    capture = Capture(Path(path))
    command = [sys.executable, str(Path(__file__).resolve()), "--until-eof", str(path)]
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as child:
        assert child.stdout
        try:
            ready, _, _ = select.select([child.stdout], [], [], READY_S)
            if not ready or child.stdout.readline().strip() != READY:
                child.kill()
                raise CaptureError(f"no capture of lo into {path}: {child.communicate()[1].strip() or 'no answer'}")
            yield capture
            child.terminate()
            counts, errors = child.communicate(timeout=END_S)
        finally:
            child.kill()
    if child.returncode:
        raise CaptureError(f"the capture into {path} ended with {child.returncode}: {errors.strip()}")
    capture.packets, capture.drops = (int(word.split("=")[1]) for word in counts.split())


def open_loopback(interface: str = "lo") -> socket.socket:
    """Return a socket that sees every packet which comes in on the loopback, with the kernel's time on it."""
    sniffer = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, 0)  # protocol 0: deaf until it is bound
    with contextlib.suppress(OSError):  # Linux before 4.20; `record` leaves them out as well
        sniffer.setsockopt(SOL_PACKET, PACKET_IGNORE_OUTGOING, 1)
    try:
        sniffer.setsockopt(socket.SOL_SOCKET, SO_RCVBUFFORCE, BUFFER)
    except PermissionError:
        sniffer.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, BUFFER)
    sniffer.setsockopt(socket.SOL_SOCKET, SO_TIMESTAMPNS, 1)
    sniffer.bind((interface, ETH_P_ALL))
    sniffer.setblocking(False)
    return sniffer


def record(sniffer: socket.socket, path: Path, stop: Iterator[bool]) -> int:
    """Write packets until told to stop, and then those that had come before; return how many."""
    count = 0
    with path.open("wb") as file:
        writer = dpkt.pcap.Writer(file, snaplen=LONGEST)
        file.flush()
        for stopped in stop:
            until_s = time.time() if stopped else float("inf")
            for time_s, frame in _queued(sniffer):
                if time_s > until_s:
                    break
                writer.writepkt(frame, ts=time_s)
                count += 1
            file.flush()
    return count


def _queued(sniffer: socket.socket) -> Iterator[tuple[float, bytes]]:
    """Yield the kernel's time and the frame of each packet that waits."""
    while True:
        try:
            frame, extra, _, (_, _, kind, *_) = sniffer.recvmsg(LONGEST, 256)
        except BlockingIOError:
            return
        if kind == PACKET_OUTGOING:
            continue
        stamp = next((data for _, what, data in extra if what == SO_TIMESTAMPNS), b"")
        seconds, nanoseconds = struct.unpack("@ll", stamp) if stamp else (time.time(), 0)
        yield seconds + nanoseconds / 1e9, frame


def _until_told(sniffer: socket.socket, wake: socket.socket, others: list[int]) -> Iterator[bool]:
    """Yield False whenever there may be packets, and True once, at a signal or when something else can be read."""
    told = False
    while not told:
        ready, _, _ = select.select([sniffer.fileno(), wake.fileno(), *others], [], [], FLUSH_S)
        told = any(source != sniffer.fileno() for source in ready)
        yield told


def main() -> None:
    """Capture until SIGTERM, SIGINT or, if asked, the end of the standard input."""
    parser = argparse.ArgumentParser(description="Capture the loopback into a pcap file until SIGTERM.")
    parser.add_argument("out", type=Path)
    parser.add_argument("--until-eof", action="store_true", help="also end when the standard input does")
    arguments = parser.parse_args()
    wake, waker = socket.socketpair()
    waker.setblocking(False)
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: None)
    signal.set_wakeup_fd(waker.fileno())
    try:
        sniffer = open_loopback()
    except OSError as error:
        sys.exit(f"cannot listen on lo: {error}; it takes a private network or CAP_NET_RAW")
    with sniffer:
        print(READY, flush=True)
        others = [sys.stdin.fileno()] if arguments.until_eof else []
        count = record(sniffer, arguments.out, _until_told(sniffer, wake, others))
        _, drops = struct.unpack("@II", sniffer.getsockopt(SOL_PACKET, PACKET_STATISTICS, 8))
    print(f"packets={count} drops={drops}", flush=True)


if __name__ == "__main__":
    main()
