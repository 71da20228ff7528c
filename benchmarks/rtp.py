"""How fast `b2b rtp` reads a capture, beside `tshark -q -z rtp,streams`: whole processes, in turns, on one machine.

    python benchmarks/rtp.py [--packets 1000000] [--streams 50] [--rounds 3]

Prints for each kind of file packets a second and memory of both, and the ratio: its median and its range over the
rounds, by the clock and by processor time, which neighbours on a busy machine disturb less (both programs use one
processor). Both have to find all packets. Exits with 1 where the median ratio of processor time is below three for some
kind, and with 2 where there is no tshark.
"""

from __future__ import annotations

import os
import re
import shutil
import statistics
import struct
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
from result import Row, flags, hand_over

TIMES_AS_FAST = 3.0
PAYLOAD, FRAME_S = 160, 0.02
BEGAN_S = 1_700_000_000
ETHERNET, SLL, SLL2 = 1, 113, 276
LINKS = {
    ETHERNET: bytes(12) + b"\x08\x00",
    SLL: bytes(14) + b"\x08\x00",
    SLL2: b"\x08\x00" + bytes(18),
}
KINDS = (("pcap", ETHERNET), ("pcapng", ETHERNET), ("pcapng", SLL), ("pcapng", SLL2))
NAMES = {ETHERNET: "Ethernet", SLL: "Linux cooked", SLL2: "Linux cooked v2"}
Octets = npt.NDArray[np.uint8]


class Run(NamedTuple):
    """What one process took, and what it found."""

    seconds: float
    processor_s: float
    megabytes: float
    packets: int


def frames(first: int, count: int, streams: int, link: int) -> Octets:
    """Return so many frames of so many streams in turns, one a row, from some number on."""
    head = LINKS[link]
    length = 20 + 8 + 12 + PAYLOAD
    ip = struct.pack("!BBHHHBBH", 0x45, 0, length, 0, 0, 64, 17, 0) + bytes([10, 0, 0, 1, 10, 0, 0, 2])
    udp = struct.pack("!HHHH", 0, 0, 8 + 12 + PAYLOAD, 0)
    rows = np.tile(np.frombuffer(head + ip + udp + b"\x80" + bytes(11) + b"\xd5" * PAYLOAD, np.uint8), (count, 1))
    number, stream = np.divmod(np.arange(first, first + count), streams)
    at = len(head) + 20
    _put(rows, at, 10_000 + 2 * stream, 2)
    _put(rows, at + 2, 20_000 + 2 * stream, 2)
    _put(rows, at + 10, number & 0xFFFF, 2)
    _put(rows, at + 12, PAYLOAD * number, 4)
    _put(rows, at + 16, 1 + stream, 4)
    return rows


def write(path: Path, count: int, streams: int, container: str, link: int) -> None:
    """Write a capture, some frames at a time."""
    at_once = 10_000  # for a child begins with its parent's memory, and its own is measured
    with path.open("wb") as file:
        if container == "pcap":
            file.write(struct.pack("<IHHiIII", 0xA1B2C3D4, 2, 4, 0, 0, 65535, link))
        else:
            file.write(struct.pack("<IIIHHqI", 0x0A0D0D0A, 28, 0x1A2B3C4D, 1, 0, -1, 28))
            file.write(struct.pack("<IIHHII", 1, 20, link, 0, 65535, 20))
        for start in range(0, count, at_once):
            some = frames(start, min(at_once, count - start), streams, link)
            number = np.arange(start, start + len(some))
            micros = np.rint(1e6 * (number // streams * FRAME_S + number % streams * 1e-5)).astype(np.int64)
            file.write((_records if container == "pcap" else _blocks)(some, micros).tobytes())


def _records(rows: Octets, micros: npt.NDArray[np.int64]) -> Octets:
    head = np.zeros((len(rows), 16), np.uint8)
    seconds, fraction = np.divmod(micros, 10**6)
    for at, values in ((0, BEGAN_S + seconds), (4, fraction), (8, rows.shape[1]), (12, rows.shape[1])):
        _put(head, at, values, 4, little=True)
    return np.hstack((head, rows))


def _blocks(rows: Octets, micros: npt.NDArray[np.int64]) -> Octets:
    ticks, padding = BEGAN_S * 10**6 + micros, -rows.shape[1] % 4
    size = 32 + rows.shape[1] + padding
    head, tail = np.zeros((len(rows), 28), np.uint8), np.zeros((len(rows), padding + 4), np.uint8)
    fields = ((0, 6), (4, size), (12, ticks >> 32), (16, ticks), (20, rows.shape[1]), (24, rows.shape[1]))
    for at, values in fields:
        _put(head, at, values, 4, little=True)
    _put(tail, padding, size, 4, little=True)
    return np.hstack((head, rows, tail))


def _put(rows: Octets, at: int, values: npt.NDArray[np.int64] | int, size: int, *, little: bool = False) -> None:
    for octet in range(size):
        shift = 8 * (octet if little else size - 1 - octet)
        rows[:, at + octet] = np.asarray(values) >> shift & 0xFF


def run(command: list[str], count: Callable[[str], int]) -> Run:
    """Run a process to its end."""
    began = time.monotonic()
    with tempfile.TemporaryFile("w+") as out:
        process = subprocess.Popen(command, stdout=out, stderr=subprocess.DEVNULL)
        _, status, used = os.wait4(process.pid, 0)
        seconds = time.monotonic() - began
        process.returncode = os.waitstatus_to_exitcode(status)
        out.seek(0)
        said = out.read()
    if process.returncode:
        raise SystemExit(f"{' '.join(command)} ended with {process.returncode}")
    return Run(seconds, used.ru_utime + used.ru_stime, used.ru_maxrss / 1024, count(said))


def ours(path: Path) -> Run:
    """Run `b2b rtp`."""
    return run([sys.executable, "-m", "b2b", "rtp", "--json", str(path)], lambda said: _sum(r'"packets": (\d+)', said))


def theirs(path: Path) -> Run:
    """Run tshark."""
    row = r"^ *[\d.]+ +[\d.]+ +\S+ +\d+ +\S+ +\d+ +0x\S+ +\S+ +(\d+)"
    return run(["tshark", "-n", "-q", "-z", "rtp,streams", "-d", "udp.port==1-65535,rtp", "-r", str(path)],
               lambda said: _sum(row, said))  # fmt: skip


def _sum(pattern: str, said: str) -> int:
    return sum(map(int, re.findall(pattern, said, re.MULTILINE)))


def compare(path: Path, packets: int, rounds: int, what: str) -> Row:
    """Let both read a file in turns, print how they did, and return their processor times."""
    pairs = [(ours(path), theirs(path)) for _ in range(rounds)]
    for who, runs in (("b2b rtp", [own for own, _ in pairs]), ("tshark", [other for _, other in pairs])):
        if {one.packets for one in runs} != {packets}:
            raise SystemExit(f"{who} found {runs[0].packets} of {packets} packets in {path}")
        rate = packets / statistics.median(one.seconds for one in runs)
        print(f"  {who:8} {rate:11,.0f} packets/s  {max(one.megabytes for one in runs):5.0f} MB")
    ratios = sorted(other.seconds / own.seconds for own, other in pairs)
    by_processor = sorted(other.processor_s / own.processor_s for own, other in pairs)
    print(f"  ratio    {_spread(ratios)}, of processor time {_spread(by_processor)}", flush=True)
    own, other = ([one.processor_s for one in runs] for runs in zip(*pairs, strict=True))
    return Row(what=what, unit="s", peer="tshark", ours=own, theirs=other, most=round(1 / TIMES_AS_FAST, 3))


def _spread(ratios: list[float]) -> str:
    return f"{statistics.median(ratios):.2f} ({ratios[0]:.2f} to {ratios[-1]:.2f})"


def main() -> int:
    """Measure each kind of file."""
    parser = flags(__doc__)
    parser.add_argument("--packets", type=int, default=1_000_000)
    parser.add_argument("--streams", type=int, default=50)
    parser.add_argument("--rounds", type=int, default=3)
    arguments = parser.parse_args()
    if not shutil.which("tshark"):
        print("there is no tshark to compare with: `apt-get install tshark` installs it", file=sys.stderr)
        return 2
    rows = []
    for container, link in KINDS:
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / f"calls.{container}"
            write(path, arguments.packets, arguments.streams, container, link)
            print(f"{container}, {NAMES[link]}: {arguments.packets:,} packets in {arguments.streams} streams")
            what = f"RTP of {container}, {NAMES[link]}"
            rows.append(compare(path, arguments.packets, arguments.rounds, what))
    return hand_over(rows, arguments)


if __name__ == "__main__":
    sys.exit(main())
