"""The lines that a role writes on its standard output: READY, and log lines as text or JSON."""

from __future__ import annotations

import contextlib
import json
import os
import re
import sys
import threading
from dataclasses import dataclass, field
from typing import Any, TextIO

from b2b import clock

# In other people's words: terminal escapes, what breaks or turns round a line, and halves of characters, which no file
# takes.
CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u2028-\u202e\u2066-\u2069\ud800-\udfff]")


@dataclass(frozen=True, slots=True, kw_only=True)
class Ready:
    """The handshake of a role that can take part in a call."""

    role: str
    sip: str
    codec: str
    ptime_ms: int

    PATTERN = re.compile(
        r"READY role=(?P<role>[!-~]+) sip=(?P<sip>[!-~]+) codec=(?P<codec>[!-~]+) ptime=(?P<ptime>[0-9]{1,4})ms"
    )

    def __str__(self) -> str:
        """Return the line as the requirements fix it."""
        return f"READY role={self.role} sip={self.sip} codec={self.codec} ptime={self.ptime_ms}ms"

    @classmethod
    def parse(cls, line: str) -> Ready | None:
        """Read a READY line; None for any other line."""
        if not (found := cls.PATTERN.fullmatch(line.strip())):
            return None
        return cls(role=found["role"], sip=found["sip"], codec=found["codec"], ptime_ms=int(found["ptime"]))


@dataclass(frozen=True, slots=True, kw_only=True)
class LogLine:
    """One event of a role: a sentence, and the event's own fields."""

    ts: str
    level: str
    role: str
    msg: str
    fields: dict[str, Any] = field(default_factory=dict)

    def text(self) -> str:
        """Return the line in the text format, `<ts> <level> <role> <msg>`."""
        return f"{self.ts} {self.level} {self.role} {self.msg}"

    def json(self) -> str:
        """Return the line as one JSON object."""
        own = {"ts": self.ts, "level": self.level, "role": self.role, "msg": self.msg}
        return to_json({**self.fields, **own})

    @classmethod
    def parse(cls, line: str) -> LogLine | None:
        """Read a JSON log line; None for anything else."""
        try:
            values = json.loads(line)
            own = {key: printable(str(values.pop(key))) for key in ("ts", "level", "role", "msg")}
        except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
            return None
        return cls(**own, fields=values)


def printable(text: str) -> str:
    """Return one line of text without control characters, which must reach no terminal and no report."""
    return CONTROL.sub("�", text.replace("\n", " ").replace("\t", " ").rstrip())


def to_json(values: object, **more: Any) -> str:
    """Return values as JSON that may be shown in a terminal; `more` is json.dumps()'s."""
    return CONTROL.sub(lambda found: f"\\u{ord(found[0]):04x}", json.dumps(values, ensure_ascii=False, **more))


def write_line(stream: TextIO, line: str) -> None:
    """Write a line at once; what the stream's encoding does not have becomes a question mark."""
    encoding = stream.encoding or "utf-8"
    stream.write(line.encode(encoding, "replace").decode(encoding) + "\n")
    stream.flush()


def to_nowhere(stream: TextIO) -> TextIO:
    """Return a stream in place of one that nobody reads any more, whose own rest goes nowhere too.

    Python writes that when it ends, and where it cannot, says so and makes 120 of the exit code.
    """
    nowhere = open(os.devnull, "w")  # noqa: SIM115, PTH123
    with contextlib.suppress(OSError, ValueError):  # it is closed, or no file
        os.dup2(nowhere.fileno(), stream.fileno())
    return nowhere


class Log:
    """Writes a role's lines, whole, from any of its threads; `copy` is a file that gets them too."""

    def __init__(self, role: str, *, as_json: bool, copy: TextIO | None = None) -> None:
        self.role, self.as_json = role, as_json
        self._stream, self._copy = sys.stdout, copy
        self._lock = threading.Lock()

    def debug(self, msg: str, **fields: Any) -> None:
        """Tell what only a machine wants to know: the text format leaves it out."""
        if self.as_json:
            self._write("DEBUG", msg, fields)

    def info(self, msg: str, **fields: Any) -> None:
        """Tell what happened."""
        self._write("INFO", msg, fields)

    def warning(self, msg: str, **fields: Any) -> None:
        """Tell what the user should know although the call goes on."""
        self._write("WARNING", msg, fields)

    def error(self, msg: str, **fields: Any) -> None:
        """Tell what ends the role."""
        self._write("ERROR", msg, fields)

    def ready(self, handshake: Ready) -> None:
        """Print the handshake line, the same in both formats."""
        self._put(str(handshake))

    def _write(self, level: str, msg: str, fields: dict[str, Any]) -> None:
        line = LogLine(ts=clock.timestamp(), level=level, role=self.role, msg=printable(msg), fields=fields)
        self._put(line.json() if self.as_json else line.text())

    def _put(self, line: str) -> None:
        with self._lock:
            if self._copy:
                with contextlib.suppress(OSError, ValueError):  # a disk that is full is no reason to lose the call
                    write_line(self._copy, line)
            try:
                write_line(self._stream, line)
            except (OSError, ValueError):  # whoever read our lines is gone; the call is not
                self._stream = to_nowhere(self._stream)
