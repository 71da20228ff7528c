"""Changes to a plan for one run, as `--set` has them: they are put into the document before anything is checked."""

from __future__ import annotations

import copy
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from b2b.errors import UsageError
from b2b.plan import toml
from b2b.plan.check import describe, did_you_mean

TOPOLOGY = "topology"
Keys = tuple[str, ...]


def parse_change(text: str) -> tuple[Keys, Any]:
    """Read `mixer.dtmf_seq=123#` or `expect.max_gap_ms=60`; what is no TOML value is taken as text."""
    name, equals, value = text.partition("=")
    keys = tuple(name.strip().split("."))
    if not equals or len(keys) < 2 or not all(keys):
        raise UsageError(f"wanted NODE.KEY=VALUE or TABLE.KEY=VALUE, such as mixer.mix_gain_in=0.25, came {text!r}")
    return keys, _value(value.strip())


def changes_of(table: Mapping[str, Any], above: Keys = ()) -> Iterator[tuple[Keys, Any]]:
    """Yield the changes that a nested mapping stands for, as {"mixer": {"mix_gain_in": 0.25}}."""
    for key, value in table.items():
        if isinstance(value, Mapping):
            yield from changes_of(value, (*above, key))
        else:
            yield (*above, key), value


def format_change(keys: Keys, value: Any) -> str:
    """Return a change as `--set` takes it. Raises UsageError for a value that TOML does not have."""
    try:
        return f"{'.'.join(keys)}={toml.dumps({'x': value}).partition('=')[2].strip()}"
    except TypeError:
        raise UsageError(f"{'.'.join(keys)}: wanted a value that TOML has, came {value!r}") from None


def changed(document: Mapping[str, Any], changes: Iterable[tuple[Keys, Any]], tables: Iterable[str]) -> dict[str, Any]:
    """Return a copy of a plan's document with the changes made; `tables` are the top-level ones that may be named."""
    result: dict[str, Any] = copy.deepcopy(dict(document))
    for keys, value in changes:
        _set(result, full(keys, tables), value)
    return result


def full(keys: Keys, tables: Iterable[str]) -> Keys:
    """Return where in the document a change is meant: a node's, unless a table of that name may be there."""
    return keys if keys[0] in tables else (TOPOLOGY, *keys)


def _set(document: dict[str, Any], keys: Keys, value: Any) -> None:
    table = document
    for depth, key in enumerate(keys[:-1]):
        if depth == 1 and keys[0] == TOPOLOGY and key not in table:
            hint = did_you_mean(key, table, otherwise=f"there is {', '.join(table)}")
            raise UsageError(f"--set {'.'.join(keys[1:])}: there is no node {key!r}; {hint}")
        table = table.setdefault(key, {})
        if not isinstance(table, dict):
            raise UsageError(f"--set {'.'.join(keys)}: wanted a table at {key}, the plan has {describe(table)}")
    table[keys[-1]] = value


def _value(text: str) -> Any:
    try:
        values = toml.loads(f"x = [{text}]")["x"]  # in brackets, or 123# were a number and a comment
    except (ValueError, RecursionError):
        return text
    return values[0] if len(values) == 1 else text
