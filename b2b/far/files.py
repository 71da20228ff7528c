"""Files on their way from one machine to another, while they still grow: what is lost with the way was home before."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterator, Mapping
from pathlib import Path
from typing import Any

from b2b.far.messages import PIECE, NonsenseError, data_of, encode, number_of, piece, text_of
from b2b.logs import printable

PLAIN = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,99}")  # a file's name, and no way to elsewhere
HEAD = 256  # octets that are sent once more when a file has grown: in a WAV file they say how long it is


class Sending:
    """Sends the files of a folder, named relative to it, as they grow; what is below `but` stays."""

    def __init__(self, folder: Path, send: Callable[[bytes], object], *, but: Path) -> None:
        self._folder, self._send, self._but = folder, send, but
        self._sent: dict[str, int] = {}

    def growth(self, *patterns: str) -> None:
        """Send what the files of these patterns have grown by since the last time."""
        for name, path in self._found(patterns):
            self._send_from(name, path)

    def rest(self) -> None:
        """Send all that is left of all files, which nobody writes any more, and how long they are."""
        for name, path in self._found(["**/*"]):
            self._send_from(name, path)
            if not self._sent[name]:  # which is a file too
                self._send(piece(name, 0, b""))
            self._send(encode("whole", file=name, size=self._sent[name]))

    def _found(self, patterns: Collection[str]) -> Iterator[tuple[str, Path]]:
        for path in sorted({path for pattern in patterns for path in self._folder.glob(pattern)}):
            if path.is_file() and not path.is_symlink() and not path.is_relative_to(self._but):
                yield path.relative_to(self._folder).as_posix(), path

    def _send_from(self, name: str, path: Path) -> None:
        at = self._sent.setdefault(name, 0)
        with path.open("rb") as file:
            file.seek(at)
            while data := file.read(PIECE):
                self._send(piece(name, self._sent[name], data))
                self._sent[name] += len(data)
            if at:
                file.seek(0)
                self._send(piece(name, 0, file.read(HEAD)))


class Taking:
    """Writes the pieces that come into the places that are theirs; others are refused.

    `place` returns where a name belongs, None for one that nobody asked for. `trouble` says why not all is there.
    """

    def __init__(self, place: Callable[[str], Path | None]) -> None:
        self.trouble = ""
        self._place = place
        self._whole: set[str] = set()
        self._begun: set[str] = set()
        self._lost: set[str] = set()  # of which a piece could not be written

    def piece(self, message: Mapping[str, Any]) -> None:
        """Take in a piece. Raises NonsenseError for what is none."""
        name, at, data = text_of(message, "file"), number_of(message, "at"), data_of(message)
        path = self._placed(name)
        if name in self._lost:
            return
        if at < 0 or at > (path.stat().st_size if path.exists() else 0):
            raise NonsenseError(f"wanted the next piece of {printable(name)}, came one at {at}")
        try:
            path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            with path.open("r+b" if name in self._begun else "wb") as file:
                file.seek(at)
                file.write(data)
            self._begun.add(name)
        except OSError as error:
            self._lost.add(name)
            self.trouble = self.trouble or f"{path.name} could not be written: {error.strerror}"

    def whole(self, message: Mapping[str, Any]) -> None:
        """Take in how long a file is that has come. Raises NonsenseError for what says something else."""
        name, size = text_of(message, "file"), number_of(message, "size")
        came = self._placed(name).stat().st_size if self._placed(name).exists() else 0
        if came != size:
            self.trouble = self.trouble or f"{printable(name)} is not whole: wanted {size} octets, came {came}"
        self._whole.add(name)

    @property
    def cut_off(self) -> list[str]:
        """The files that began to come, and did not end."""
        return sorted(self._begun - self._whole)

    def _placed(self, name: str) -> Path:
        if (path := self._place(name)) is None:
            raise NonsenseError(f"wanted a file of the run, came {printable(name)!r}"[:200])
        return path
