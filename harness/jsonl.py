"""Files of JSON, which somebody else may still be writing, or have damaged: what makes no sense in them is left out."""

from __future__ import annotations

import contextlib
import functools
import json
import math
import typing
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, NoReturn, TypeVar

LARGEST = 2**53  # up to which a float holds every whole number, as all that read JSON expect (RFC 8259 section 6)
END_OF_TIME_S = 2.5e11  # since the epoch: the year 9892, after which no calendar of ours goes on for long

Made = TypeVar("Made")


def parse(text: str | bytes) -> Any:
    """Read a JSON value. Raises ValueError for what is none, or nested too deep."""
    try:
        return json.loads(text, parse_constant=_refuse)
    except RecursionError:
        raise ValueError("nested too deep") from None


def parse_object(text: str | bytes) -> dict[str, Any] | None:
    """Read a JSON object; None for what is none."""
    with contextlib.suppress(ValueError):
        values = parse(text)
        return values if isinstance(values, dict) else None
    return None


def read_lines(path: Path) -> Iterator[dict[str, Any]]:
    """Yield the objects of a file; a line that was cut off is left out, and a file that is not there has none."""
    with contextlib.suppress(OSError), path.open("rb") as file:
        for line in file:
            if (values := parse_object(line)) is not None:
                yield values


def made(kind: type[Made], values: Mapping[str, Any]) -> Made | None:
    """Return a dataclass's instance of these values; None where one is missing, is unknown or has another type."""
    types = _types(kind)  # type: ignore[arg-type]  # a class is hashable
    if not all(name in types and fits(value, types[name]) for name, value in values.items()):
        return None
    try:
        return kind(**values)
    except TypeError:  # one is missing
        return None


def fits(value: object, kind: Any) -> bool:
    """Whether a value read from JSON is of a kind; for float a whole number will do, and all must be of some sense."""
    kinds = (kind, *typing.get_args(kind))
    if isinstance(value, bool):
        return bool in kinds
    if isinstance(value, int | float) and not (abs(value) <= LARGEST and math.isfinite(value)):
        return False
    return isinstance(value, kind) or (isinstance(value, int) and float in kinds)


def is_time(value: object) -> bool:
    """Whether a value may be seconds since the epoch."""
    return fits(value, float) and 0 <= value <= END_OF_TIME_S  # type: ignore[operator]


@functools.cache
def _types(kind: type) -> dict[str, Any]:
    return typing.get_type_hints(kind)


def _refuse(constant: str) -> NoReturn:
    raise ValueError(f"{constant} is no JSON")
