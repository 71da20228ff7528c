"""Where in a plan something stands, so that an error can point there."""

from __future__ import annotations

import contextlib
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from b2b.errors import UsageError

KEY = r"""(?:"[^"]*"|'[^']*'|[\w-]+)"""
DOTTED = rf"({KEY}(?:\s*\.\s*{KEY})*)"
DEEPEST = 8  # tables in tables, of which no plan has as many; the number of all keys' beginnings is a square
HEADER = re.compile(rf"\s*\[\[?\s*{DOTTED}\s*\]")
SETTING = re.compile(rf"\s*{DOTTED}\s*=")


@dataclass(frozen=True, slots=True)
class Where:
    """A plan file, the line of each of its keys, and the keys whose values came from `--set` instead."""

    file: str = "plan"
    lines: Mapping[tuple[str, ...], int] = field(default_factory=dict)
    changed: frozenset[tuple[str, ...]] = frozenset()

    def error(self, *keys: str, says: str) -> UsageError:
        """Return the error about a key, at its line or at that of the nearest table around it."""
        if any(keys[:length] in self.changed for length in range(len(keys), 0, -1)):
            return UsageError(f"{self.file}, --set {'.'.join(keys)}: {says}")
        around = (self.lines.get(keys[:length]) for length in range(len(keys), 0, -1))
        line = next(filter(None, around), None)
        return UsageError(f"{self.file}{f':{line}' if line else ''}: {'.'.join(keys)}: {says}")

    @contextlib.contextmanager
    def at(self, *keys: str) -> Iterator[None]:
        """Add the place to the error of a check that knows only the value."""
        try:
            yield
        except UsageError as error:
            raise self.error(*keys, says=str(error)) from None


def lines_of_keys(text: str) -> dict[tuple[str, ...], int]:
    """Return the line on which each key or table of a TOML text is first named; a multi-line string may fool it."""
    lines: dict[tuple[str, ...], int] = {}
    table: tuple[str, ...] = ()
    for number, line in enumerate(text.split("\n"), start=1):
        if header := HEADER.match(line):
            table = keys = _split(header[1])
        elif setting := SETTING.match(line):
            keys = (*table, *_split(setting[1]))
        else:
            continue
        for length in range(1, min(len(keys), DEEPEST) + 1):
            lines.setdefault(keys[:length], number)
    return lines


def _split(dotted: str) -> tuple[str, ...]:
    return tuple(key.strip("\"'") for key in re.findall(KEY, dotted))
