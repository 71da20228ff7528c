"""What is left of a run: files that must be readable, and processes and temporary files that must not be there."""

from __future__ import annotations

import contextlib
import json
import os
import stat
import time
import wave
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from dpkt.dpkt import NeedData
from dpkt.pcap import Reader

POLL_S = 0.05


def marked(mark: str) -> dict[int, str]:
    """Return the processes that have a mark in their environment, but for zombies: pid -> command line."""
    found = {}
    for entry in Path("/proc").glob("[0-9]*"):
        try:
            if mark.encode() in (entry / "environ").read_bytes():
                words = (entry / "cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
                if words.strip():
                    found[int(entry.name)] = words.strip()
        except OSError:
            continue
    return found


class Networks:
    """The network namespaces of processes, without our own.

    They are held until closed: the kernel gives the number of one that has gone to the next that is made.
    """

    def __init__(self, pids: Iterable[int] = ()) -> None:
        self._held = _networks(pids)

    def still_used(self) -> set[str]:
        """Return those in which there still is somebody."""
        now = _networks(int(entry.name) for entry in Path("/proc").glob("[0-9]*"))
        _close(now)
        return now.keys() & self._held.keys()

    def close(self) -> None:
        """Let go of them."""
        _close(self._held)


def _networks(pids: Iterable[int]) -> dict[str, int]:
    """Return the namespaces by name, each with a descriptor of it."""
    found: dict[str, int] = {}
    ours = os.readlink("/proc/self/ns/net")  # noqa: PTH115
    for pid in pids:
        with contextlib.suppress(OSError):
            fd = os.open(f"/proc/{pid}/ns/net", os.O_RDONLY)
            name = os.readlink(f"/proc/self/fd/{fd}")  # noqa: PTH115
            if name == ours or name in found:
                os.close(fd)
            else:
                found[name] = fd
    return found


def _close(networks: dict[str, int]) -> None:
    for fd in networks.values():
        os.close(fd)


def gone_after_s(mark: str, patience_s: float) -> tuple[float, dict[int, str]]:
    """Wait until no marked process is left; return how long that took, and those that stayed."""
    began = time.monotonic()
    while (left := marked(mark)) and time.monotonic() < began + patience_s:
        time.sleep(POLL_S)
    return time.monotonic() - began, left


def leftover_files(*folders: Path) -> Iterator[str]:
    """Yield what a run ought to have taken away: temporary files, and named pipes anywhere."""
    temporary, run = folders
    yield from (f"{path.name} in the temporary folder" for path in temporary.iterdir())
    for path in run.rglob("*"):
        if stat.S_ISFIFO(path.lstat().st_mode):
            yield f"the named pipe {path.name}"


def unreadable(run: Path) -> Iterator[str]:
    """Yield what cannot be read in a run folder; a line or packet that was cut off at the end is no matter."""
    for path in sorted(run.rglob("*")):
        reader = READERS.get(path.suffix)
        if reader and path.is_file() and path.stat().st_size:  # where the disk was full nothing is in some
            try:
                reader(path)
            except (OSError, ValueError, EOFError, wave.Error) as error:
                yield f"{path.relative_to(run)}: {type(error).__name__}: {error}"


def _read_json(path: Path) -> None:
    json.loads(path.read_text(encoding="utf-8"))


def _read_lines(path: Path) -> None:
    for line in path.read_text(encoding="utf-8").split("\n")[:-1]:
        json.loads(line)


def _read_wav(path: Path) -> None:
    with wave.open(str(path)) as recording:
        frames = recording.readframes(recording.getnframes())
        if len(frames) != 2 * recording.getnframes():
            raise ValueError(f"the header promises {recording.getnframes()} samples, there are {len(frames) // 2}")


def _read_pcap(path: Path) -> None:
    with path.open("rb") as file:
        try:
            for _ in Reader(file):
                pass
        except NeedData as error:
            if file.tell() < path.stat().st_size:
                raise ValueError(str(error)) from error


READERS: dict[str, Any] = {".json": _read_json, ".jsonl": _read_lines, ".wav": _read_wav, ".pcap": _read_pcap}
