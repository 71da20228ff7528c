"""What the orchestrator shows: one merged stream of lines, each with the tag of whose it is."""

from __future__ import annotations

import contextlib
import os
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import IO, Any

from b2b import clock
from b2b.flags import MIXER, ORCHESTRATOR, SINK, SOURCE
from b2b.logs import LogLine, printable, to_nowhere
from b2b.plan.model import Node

TAGS = {ORCHESTRATOR: "ORCH", SOURCE: "SRC", MIXER: "MIX", SINK: "SINK"}
TAG_WIDTH = 4
MARKS = {"WARNING": "!", "ERROR": "✗"}


@dataclass(frozen=True, slots=True)
class Style:
    """Terminal escapes; a plain style has none."""

    roles: dict[str, str]
    marks: dict[str, str]
    reset: str

    def tag(self, role: str, text: str) -> str:
        """Return a tag in its role's colour."""
        return f"{self.roles.get(role, '')}[{text}]{self.reset}"

    def mark(self, mark: str) -> str:
        """Return a mark in the colour of what it means."""
        return f"{self.marks.get(mark, '')}{mark}{self.reset}"


COLOURS = Style(
    roles={ORCHESTRATOR: "\x1b[33m", SOURCE: "\x1b[32m", MIXER: "\x1b[35m", SINK: "\x1b[34m"},
    marks={"✓": "\x1b[32m", "!": "\x1b[33m", "✗": "\x1b[31m"},
    reset="\x1b[0m",
)
PLAIN = Style(roles={}, marks={}, reset="")


def style_for(color: str, stream: IO[str]) -> Style:
    """Return the style that the user asked for; `auto` looks at the terminal, NO_COLOR and FORCE_COLOR."""
    if color == "auto":
        wanted = bool(os.environ.get("FORCE_COLOR")) or (stream.isatty() and not os.environ.get("NO_COLOR"))
    else:
        wanted = color == "always"
    return COLOURS if wanted else PLAIN


class Console:
    """Prints the merged log to standard output, and keeps it without colours in the run folder.

    Nothing is printed while it is `shown_elsewhere`.
    """

    def __init__(
        self,
        nodes: Sequence[Node],
        *,
        color: str,
        as_json: bool,
        run_log: IO[str] | None,
        shown_elsewhere: Callable[[], bool] = lambda: False,
    ) -> None:
        self._shown_elsewhere = shown_elsewhere
        self._stream = sys.stdout or open(os.devnull, "w")  # noqa: SIM115, PTH123 - the shell has closed it
        self._style = style_for(color, self._stream)
        self._as_json, self._run_log = as_json, run_log
        self._roles = {node.name: node.role for node in nodes} | {ORCHESTRATOR: ORCHESTRATOR}
        tags = {name: TAGS[name] if TAGS.get(name) and role == name else name for name, role in self._roles.items()}
        width = max(TAG_WIDTH, *(len(tag) for tag in tags.values()))
        self._tags = {name: tag.ljust(width) for name, tag in tags.items()}

    def say(self, msg: str, *, node: str = ORCHESTRATOR, level: str = "INFO", mark: str = "", **fields: Any) -> None:
        """Write a line of ours, or one that stands for a node; the fields are for JSON."""
        line = LogLine(ts=clock.timestamp(), level=level, role=self._roles[node], msg=printable(msg), fields=fields)
        self.show(node, line, mark=mark)

    def show(self, node: str, line: LogLine, *, mark: str = "") -> None:
        """Write a node's log line."""
        mark = mark or MARKS.get(line.level, "")
        tag = self._tags[node]
        if self._run_log:
            with contextlib.suppress(OSError):  # a disk that is full; the run folder tells of it
                self._run_log.write(f"{line.ts} [{tag}] {mark + ' ' if mark else ''}{line.msg}\n")
                self._run_log.flush()
        if self._as_json:
            self._print(LogLine(ts=line.ts, level=line.level, role=line.role, msg=line.msg,
                                fields={**line.fields, "node": node}).json())  # fmt: skip
        else:
            shown = f"{self._style.mark(mark)} " if mark else ""
            self._print(f"{self._style.tag(self._roles[node], tag)} {shown}{line.msg}")

    def show_metrics(self, node: str, line: LogLine) -> None:
        """Write a node's metrics where a machine reads; a person gets the line that sums all of them up."""
        if self._as_json:
            self.show(node, line)

    def _print(self, text: str) -> None:
        if self._shown_elsewhere():
            return
        try:
            self._stream.write(text + "\n")
            self._stream.flush()
        except UnicodeEncodeError:
            self._stream.write(text.encode("ascii", "replace").decode() + "\n")
            self._stream.flush()
        except (OSError, ValueError):  # whoever read us has gone; the run and its folder go on
            self._stream = to_nowhere(self._stream)
