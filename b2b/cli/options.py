"""The table of flags as click options, and what was typed as values."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import click

from b2b.addresses import parse_bind, parse_target, parse_user
from b2b.errors import UsageError
from b2b.flags import FLAGS, Flag, flags_of
from b2b.hold import parse_hold


class Number(click.ParamType):  # type: ignore[type-arg, unused-ignore]
    """A number within the flag's bounds."""

    def __init__(self, flag: Flag) -> None:
        self._flag = flag
        self.name = "integer" if flag.kind is int else "number"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        """Return the number, or fail with what was wanted."""
        try:
            number = self._flag.kind(value)
        except ValueError:
            number = math.nan
        if wanted := self._flag.refusal(number):
            self.fail(f"wanted {wanted}, got {value!r}", param, ctx)
        return number


class Parsed(click.ParamType):  # type: ignore[type-arg, unused-ignore]
    """Text that one of our parsers reads."""

    def __init__(self, name: str, parse: Callable[[str], Any]) -> None:
        self.name, self._parse = name, parse

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        """Return what the parser made of it, or fail with its sentence."""
        if not isinstance(value, str):
            return value
        try:
            return self._parse(value)
        except UsageError as error:
            self.fail(str(error), param, ctx)


def parse_change(text: str) -> Any:
    """Read a change to a plan; what reads it is loaded only by who needs it."""
    from b2b.plan import change

    return change.parse_change(text)


PARSED = {
    "set": Parsed("change", parse_change),
    "sip-bind": Parsed("address", parse_bind),
    "sip-user": Parsed("user", parse_user),
    "target": Parsed("uri", parse_target),
    "register": Parsed("uri", parse_target),
    "outbound": Parsed("uri", parse_target),
    "user": Parsed("user", parse_user),
    "hold": Parsed("stretch", parse_hold),
}


def options(role: str) -> list[click.Option]:
    """Return a role's options; a common flag that means nothing to it is taken too, and left out of its help."""
    own = flags_of(role)
    return [option(flag) for flag in own] + [option(replace(flag, hidden=True)) for flag in foreign(role)]


def foreign(role: str) -> list[Flag]:
    """Return the common flags that mean nothing to a role."""
    return [flag for flag in FLAGS if flag.common and role not in flag.roles]


def option(flag: Flag) -> click.Option:
    """Return one flag as an option."""
    settings: dict[str, Any] = {"help": flag.help, "hidden": flag.hidden, "default": flag.default}
    if flag.kind is bool:
        settings["is_flag"] = True
    else:
        shown = flag.default is not None and not flag.many
        settings |= {"type": parameter_type(flag), "metavar": flag.metavar, "show_default": shown}
    if flag.many:
        settings["multiple"] = True
    return click.Option([flag.option], **settings)


def parameter_type(flag: Flag) -> Any:
    """Return how click reads the flag's value."""
    if flag.name in PARSED:
        return PARSED[flag.name]
    if isinstance(flag.kind, tuple):
        return click.Choice(flag.kind)
    if flag.kind in (int, float):
        return Number(flag)
    return click.Path(path_type=Path) if flag.kind == "path" else str
