"""Checks of one value of a plan against the table of flags."""

from __future__ import annotations

import difflib
import shlex
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

from b2b.addresses import parse_bind, parse_host, parse_target, parse_user
from b2b.audio.digits import parse_sequence
from b2b.errors import UsageError
from b2b.flags import Flag
from b2b.hold import parse_hold
from b2b.logs import CONTROL

WANTED = {int: "a whole number", float: "a number", str: "a string", bool: "true or false", "path": "a path in quotes"}
CAME = {bool: "the boolean", int: "the integer", float: "the number", str: "the string"}
def parse_command(text: str) -> list[str]:
    """Read a command as a shell splits it, which starts none; an empty one is no command."""
    try:
        return shlex.split(text)
    except ValueError as error:
        raise UsageError(f"wanted a command, came {text!r}: {str(error).lower()}") from None


GRAMMARS: dict[str, Callable[[str], object]] = {
    "aplay_cmd": parse_command,
    "ssh": parse_command,
    "b2b_there": parse_command,
    "host": parse_host,
    "sip_bind": parse_bind,
    "sip_target": parse_target,
    "sip_user": parse_user,
    "user": parse_user,
    "register": parse_target,
    "outbound": parse_target,
    "hold": parse_hold,
    "dtmf": parse_sequence,
    "dtmf_seq": parse_sequence,
}


def check_value(flag: Flag, value: object, folder: Path | None) -> Any:
    """Return the value as the role takes it; an error says what was wanted and what came.

    A path is made absolute, and its file must be there; without a folder it is left alone.
    """
    checked = _typed(flag, value)
    if flag.kind in (int, float) and (wanted := flag.refusal(checked)):
        raise UsageError(f"wanted {wanted}, came {checked}")
    if isinstance(checked, str) and CONTROL.search(checked):
        raise UsageError(f"wanted text without control characters, came {checked!r}")
    if flag.key in GRAMMARS:
        GRAMMARS[flag.key](checked)
    return _file(checked, folder) if flag.kind == "path" and folder is not None else checked


def describe(value: object) -> str:
    """Return what a value is, in TOML's words."""
    if isinstance(value, dict | list):
        return "a table" if isinstance(value, dict) else "an array"
    if _is_huge(value):
        return "an integer of more than 64 bits"
    shown = repr(value) if isinstance(value, str) else str(value).lower()  # true and nan, as TOML has them
    return f"{CAME.get(type(value), 'the value')} {shown}"


def suggest(word: str, words: Iterable[str], *, cutoff: float = 0.65) -> str | None:
    """Return the word that was probably meant."""
    return next(iter(difflib.get_close_matches(word, sorted(words), n=1, cutoff=cutoff)), None)


def did_you_mean(word: str, words: Iterable[str], *, otherwise: str) -> str:
    """Return the end of a sentence about an unknown word."""
    return f"did you mean {meant}?" if (meant := suggest(word, words)) else otherwise


def _typed(flag: Flag, value: object) -> Any:
    """Return the value if its type is the flag's, an integer as a number where one is wanted."""
    if isinstance(flag.kind, tuple):
        return _choice(flag.kind, value)
    if flag.kind is float and type(value) is int and not _is_huge(value):
        return float(value)
    kind = str if flag.kind == "path" else flag.kind
    if type(value) is not kind or _is_huge(value):  # not isinstance(), to which True is an int
        raise UsageError(f"wanted {WANTED[flag.kind]}, came {describe(value)}")
    return value


def _choice(choices: tuple[Any, ...], value: object) -> object:
    if type(value) is not type(choices[0]) or value not in choices:
        raise UsageError(f"wanted {' or '.join(str(choice) for choice in choices)}, came {describe(value)}")
    return value


def _is_huge(value: object) -> bool:
    """Whether it is an integer beyond TOML's 64 bits; Python would read it, and then refuse to print it."""
    return isinstance(value, int) and value.bit_length() > 63


def _file(value: str, folder: Path) -> str:
    path = folder / value
    try:
        if path.is_file():
            return str(path.parent.resolve() / path.name)  # the name stays even where it is a link
    except (OSError, RuntimeError):  # a name too long, a folder closed to us, a loop of links
        pass
    raise UsageError(f"wanted an existing file, came {value!r}, and {path} is none")
