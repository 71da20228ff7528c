"""TOML, read by the standard library where that can, and written by tomli-w."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from typing import Any

import tomli_w

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib  # type: ignore[import-not-found, unused-ignore]  # installed below 3.11 alone

MOST_DOTS = 1000  # in a line: what it takes to read a key grows with the square of its parts


def loads(text: str) -> dict[str, Any]:
    """Read a document. Raises ValueError for what is not TOML, RecursionError for what is nested too deep."""
    if any(line.count(".") > MOST_DOTS for line in text.split("\n")):
        raise RecursionError("a key of a thousand parts")
    document: dict[str, Any] = tomllib.loads(text)
    return document


def dumps(document: Mapping[str, Any]) -> str:
    """Write a document. Raises TypeError for a value that TOML does not have."""
    return tomli_w.dumps(document)
