"""The merged log of a run, line by line: when, whose, how grave, and what it says."""

from __future__ import annotations

import datetime
import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from b2b.orchestrator.console import TAGS
from harness.report.page.view import LogLine

LINE = re.compile(r"(\S+) \[([^\]]+)\] (?:([✓✗!]) )?(.*)")
NODES = {tag: role for role, tag in TAGS.items()}  # a node by any other name has that for a tag
LEVELS = {"!": "WARNING", "✗": "ERROR"}
MOST = 3000
LONGEST = 64 * 1024  # of a log that is shown as it is


def merged(folder: Path, events: Sequence[Mapping[str, Any]], origin_s: float) -> list[LogLine]:
    """Return run.log, and of the events what only the roles' own logs have: what baresip told them."""
    path = folder / "run.log"
    lines = path.read_text(encoding="utf-8", errors="replace").splitlines() if path.exists() else []
    found = [*_read(lines, origin_s), *_details(events, origin_s)]
    return sorted(found, key=lambda line: -1e9 if line.at_s is None else line.at_s)


def shortened(lines: Sequence[LogLine]) -> tuple[list[LogLine], int]:
    """Return the beginning and the end of what is too long to be shown, and how many lines that leaves out."""
    if len(lines) <= MOST:
        return list(lines), 0
    return [*lines[: MOST // 2], *lines[-MOST // 2 :]], len(lines) - MOST


def of_nodes(folder: Path) -> dict[str, str]:
    """Return what each node's baresip wrote, as far as it has a log."""
    paths = sorted(folder.glob("*/baresip.log"))
    return {path.parent.name: _tail(path) for path in paths if path.stat().st_size}


def _tail(path: Path) -> str:
    words = path.read_bytes()
    cut = f"({len(words) - LONGEST} octets before this are in {path.parent.name}/{path.name})\n"
    return (cut if len(words) > LONGEST else "") + words[-LONGEST:].decode("utf-8", "replace")


def _read(lines: Sequence[str], origin_s: float) -> Iterator[LogLine]:
    for line in lines:
        found = LINE.fullmatch(line)
        when = _seconds(found[1]) if found else None
        if found is None or when is None:
            yield LogLine(None, "", "", "INFO", line)
            continue
        level = LEVELS.get(found[3], "INFO")
        said = f"{found[3]} {found[4]}" if found[3] else found[4]
        tag = found[2].strip()
        yield LogLine(when - origin_s, found[1][11:23], NODES.get(tag, tag), level, said)


def _details(events: Sequence[Mapping[str, Any]], origin_s: float) -> Iterator[LogLine]:
    for event in events:
        if event.get("level") == "DEBUG" and (when := _seconds(str(event.get("ts")))):
            param = "" if event.get("param") is None else f" {event['param']}"
            said = f"{event.get('msg', '')} {event.get('leg', '')}{param}"
            yield LogLine(when - origin_s, str(event["ts"])[11:23], str(event.get("node", "")), "DEBUG", said)


def _seconds(stamp: str) -> float | None:
    try:
        return datetime.datetime.fromisoformat(stamp).timestamp()
    except ValueError:
        return None
