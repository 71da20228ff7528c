"""Messages between the orchestrator and a machine where roles of its run are: JSON objects, one in a line.

Each says in `is` what it is. From here come `hello`, `ping`, `piece`, `launch`, `release`, `terminate`, `kill` and
`finish`, from there `hello`, `pong`, `started`, `line`, `exited`, `piece`, `whole`, `trouble` and `done`.
"""

from __future__ import annotations

import base64
import json
import queue
import threading
from collections.abc import Iterator, Mapping
from typing import IO, Any

LONGEST = 1 << 20  # octets in a line
PIECE = 1 << 17  # octets of a file in one message

Message = dict[str, Any]


class NonsenseError(Exception):
    """What came is no message; its text says what it is instead."""


def read_messages(pipe: IO[bytes], *, skip: int = 0) -> Iterator[Message]:
    """Yield what comes until the pipe ends; up to `skip` lines before the first message may be somebody else's.

    Raises NonsenseError for anything else.
    """
    while line := pipe.readline(LONGEST):
        try:
            yield parse(line)
            skip = 0
        except NonsenseError:
            if not skip:
                raise
            skip -= 1


def parse(line: bytes) -> Message:
    """Return the message in a line. Raises NonsenseError."""
    try:
        values = json.loads(line)
    except (ValueError, RecursionError):
        values = None
    if not isinstance(values, dict) or not isinstance(values.get("is"), str):
        raise NonsenseError(f"wanted a message, came {line[:80]!r}")
    return values


def encode(kind: str, **values: Any) -> bytes:
    """Return a message as a line."""
    return json.dumps({"is": kind, **values}).encode() + b"\n"


def piece(name: str, at: int, data: bytes) -> bytes:
    """Return the message that brings a part of a file, and where in it that belongs."""
    return encode("piece", file=name, at=at, data=base64.b64encode(data).decode())


def data_of(message: Mapping[str, Any]) -> bytes:
    """Return the octets that a piece brings. Raises NonsenseError."""
    try:
        return base64.b64decode(text_of(message, "data"), validate=True)
    except ValueError:
        raise NonsenseError("wanted a piece of a file in base64, came something else") from None


def text_of(message: Mapping[str, Any], key: str) -> str:
    """Return a text of a message. Raises NonsenseError where there is none."""
    if not isinstance(value := message.get(key), str):
        raise NonsenseError(f"wanted a text as {key} of {message.get('is')!r}, came {value!r}"[:200])
    return value


def number_of(message: Mapping[str, Any], key: str) -> int:
    """Return a whole number of a message. Raises NonsenseError where there is none."""
    if type(value := message.get(key)) is not int or abs(value) >= 1 << 53:
        raise NonsenseError(f"wanted a whole number as {key} of {message.get('is')!r}, came {value!r}"[:200])
    return value


class Sender:
    """Writes messages to a pipe from a thread of its own, so that nobody waits for whoever reads them, or does not."""

    def __init__(self, pipe: IO[bytes]) -> None:
        self._pipe = pipe
        self._waiting: queue.SimpleQueue[bytes | None] = queue.SimpleQueue()
        self._thread = threading.Thread(target=self._write, name="messages", daemon=True)
        self._thread.start()

    def send(self, line: bytes) -> None:
        """Have a message written after those before it; to an end that is gone nothing is written any more."""
        self._waiting.put(line)

    def close(self, patience_s: float) -> bool:
        """Return when all is written, or patience has run out, and whether the pipe is nobody's any more."""
        self._waiting.put(None)
        self._thread.join(patience_s)
        return not self._thread.is_alive()

    def _write(self) -> None:
        while (line := self._waiting.get()) is not None:
            try:
                self._pipe.write(line)
                self._pipe.flush()
            except (OSError, ValueError):
                return
