"""Files as they come from another machine, piece by piece, into their places here."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Mapping
from pathlib import Path, PurePosixPath
from typing import Any, BinaryIO

from b2b.errors import describe

PART = ".part"


class Receiver:
    """What one worker sends: `("file", place, name)`, bytes, `("end",)` for each file; after several, `("done",)`.

    To the last it answers with "", or with why not all of it is here; the worker then keeps what it has.
    """

    def __init__(self, places: Mapping[str, Path], answer: Callable[[str], object]) -> None:
        self._places, self._answer = places, answer
        self._file: BinaryIO | None = None
        self._path = Path()
        self._trouble = ""

    def __call__(self, message: Any) -> None:
        """Take one message in; called in the connection's own thread, where nothing may raise."""
        try:
            self._take(message)
        except (OSError, ValueError) as error:
            self._give_up(describe(error))

    def close(self) -> None:
        """Forget a file of which the end did not come."""
        if self._file:
            self._give_up("the connection ended")

    def _take(self, message: Any) -> None:
        if isinstance(message, bytes):
            if self._file:
                self._file.write(message)
        elif message[0] == "file":
            self._open(*message[1:])
        elif message[0] == "end":
            if self._file:
                self._file.close()
                self._file = None
                self._part.replace(self._path)
        else:
            trouble, self._trouble = self._trouble, ""
            self._answer(trouble)

    @property
    def _part(self) -> Path:
        return self._path.with_name(self._path.name + PART)

    def _open(self, place: str, name: str) -> None:
        parts = PurePosixPath(name).parts
        if not parts or name.startswith("/") or ".." in parts:
            raise ValueError(f"wanted the name of a file below {self._places[place]}, came {name!r}")
        self._path = self._places[place].joinpath(*parts)
        above = self._places[place]
        above.mkdir(parents=True, exist_ok=True)
        for part in parts[:-1]:
            above /= part
            above.mkdir(mode=0o700, exist_ok=True)
        self._file = self._part.open("wb")

    def _give_up(self, why: str) -> None:
        self._trouble = self._trouble or why
        if self._file:
            with contextlib.suppress(OSError):
                self._file.close()
            self._file = None
            with contextlib.suppress(OSError):
                self._part.unlink()
