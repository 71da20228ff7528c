"""Reads the datagrams of a capture."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from types import TracebackType
from typing import BinaryIO

from harness.wire.containers import CaptureError, DamagedError, Frame, open_capture, read_frames
from harness.wire.frames import Datagram, Decoder

__all__ = ["CaptureError", "Datagram", "Reading", "read_datagrams"]


class Reading(Iterator[Datagram]):
    """The datagrams of one file, read as they are asked for; `warnings` says why it ended before the file did."""

    def __init__(self, file: BinaryIO, path: Path) -> None:
        self.path, self.warnings, self._file = path, list[str](), file
        self._datagrams = self._decoded(read_frames(file, path))

    def __next__(self) -> Datagram:
        """Return the next datagram."""
        return next(self._datagrams)

    def __enter__(self) -> Reading:
        """Read."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Close the file; reading to the end does so too."""
        self._file.close()

    def _decoded(self, frames: Iterator[Frame]) -> Iterator[Datagram]:
        decode = Decoder().decode
        with self._file:
            try:
                for time_s, link_type, frame in frames:
                    if datagram := decode(time_s, link_type, frame):
                        yield datagram
            except DamagedError as damage:
                self.warnings.append(f"{self.path}: damaged: {damage}; what came before it was read")


def read_datagrams(path: Path | str) -> Reading:
    """Open a pcap or pcapng file. Raises CaptureError for what is none, before the first datagram."""
    path = Path(path)
    file = open_capture(path)
    try:
        return Reading(file, path)
    except BaseException as error:
        file.close()
        if isinstance(error, OSError):
            raise CaptureError(f"{path}: {error.strerror}") from None
        raise
