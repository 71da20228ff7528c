"""The commands that other installed packages bring, found without importing any: the help has to be quick.

importlib.metadata finds the same entry points, but takes longer to import than all the rest of the help.
"""

from __future__ import annotations

import contextlib
import importlib
import importlib.util
import re
import sys
from functools import cache
from pathlib import Path

import click

GROUP = "b2b.commands"
PLACES = ("*.dist-info/entry_points.txt", "*.egg-info/entry_points.txt")
# What a module's docstring begins with, behind comments: its first line.
DOCSTRING = re.compile(r"(?:\s*#.*\n|\s+)*[rR]?(?:\"\"\"|''')(?P<line>.*?)(?:\"\"\"|'''|\n)")


@cache
def others() -> dict[str, str]:
    """Return each command's name with where it is, as `module:attribute`; what is first on Python's path counts."""
    found: dict[str, str] = {}
    for folder in sys.path:
        for file in sorted(path for place in PLACES for path in Path(folder).glob(place)):
            with contextlib.suppress(OSError, UnicodeError):
                for name, value in _entries(file.read_text(encoding="utf-8")):
                    found.setdefault(name, value)
    return found


def _entries(text: str) -> list[tuple[str, str]]:
    """Return what an entry_points.txt has in our group."""
    _, _, ours = f"\n{text}".partition(f"\n[{GROUP}]\n")
    pairs = (line.partition("=") for line in ours.partition("\n[")[0].splitlines() if "=" in line)
    return [(name.strip(), value.strip()) for name, _, value in pairs]


def load(name: str) -> click.Command:
    """Import and return a command."""
    module, _, attribute = others()[name].partition(":")
    command = getattr(importlib.import_module(module), attribute)
    assert isinstance(command, click.Command)
    return command


def about(name: str) -> str:
    """Return what a command is for: its module's first line after a colon, read but not run; "" where it has none."""
    with contextlib.suppress(ImportError, SyntaxError, AttributeError):
        module = others()[name].partition(":")[0]
        source = importlib.util.find_spec(module).loader.get_source(module)  # type: ignore[union-attr]
        if found := DOCSTRING.match(source or ""):
            return found["line"].partition(": ")[2].rstrip(".")
    return ""
