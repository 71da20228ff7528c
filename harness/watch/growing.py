"""Files that grow while they are read: each reading gives what is new, and nothing is read twice."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from b2b.audio import wav
from harness.jsonl import parse_object
from harness.sound.g711 import Samples

LONGEST_LINE = 1 << 22  # octets
MOST = 1 << 20  # octets in one reading, so that somebody who comes late still sees something move


class Growing:
    """The octets that are added to a file, which need not be there yet."""

    def __init__(self, path: Path, *, start: int = 0) -> None:
        self.path, self._at = path, start

    def read(self) -> bytes:
        """Return what was added since the last reading, or the first part of it."""
        try:
            with self.path.open("rb") as file:
                file.seek(self._at)
                new = file.read(MOST)
        except OSError:
            return b""
        self._at += len(new)
        return new


class GrowingLines:
    """The lines that are added to a file, once they are whole."""

    def __init__(self, path: Path) -> None:
        self._file, self._rest = Growing(path), b""

    def read(self) -> list[str]:
        """Return the new lines."""
        *whole, self._rest = (self._rest + self._file.read()).split(b"\n")
        if len(self._rest) > LONGEST_LINE:  # which nobody writes
            self._rest = b""
        return [line.decode(errors="replace") for line in whole]

    def values(self) -> Iterator[dict[str, Any]]:
        """Yield the new lines as the JSON objects that they hold; what is none is left out."""
        for line in self.read():
            if (values := parse_object(line)) is not None:
                yield values


class GrowingRecording:
    """The samples that are added to a recording of a sink's."""

    def __init__(self, path: Path) -> None:
        self._file, self._rest = Growing(path, start=wav.HEADER.size), b""

    def read(self) -> Samples:
        """Return the new samples."""
        sound = self._rest + self._file.read()
        whole = len(sound) // 2 * 2
        self._rest = sound[whole:]
        return np.frombuffer(sound[:whole], "<i2").astype(np.int16)
