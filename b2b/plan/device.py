"""An external node of a plan: a device that is not b2b, from its table to its checked settings."""

from __future__ import annotations

import re
import signal
import warnings
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any

from b2b.addresses import parse_bind
from b2b.errors import UsageError
from b2b.flags import EXTERNAL, Flag
from b2b.plan import template
from b2b.plan.check import check_value, describe, did_you_mean
from b2b.plan.model import Node
from b2b.plan.where import Where

KEYS = ("command", "needs", "address", "ready", "files", "stop", "calls", "audio_file")
READY_KEYS = ("options", "output", "port", "timeout_ms")
WAYS = READY_KEYS[:3]
SIGNALS = {name.removeprefix("SIG") for name in signal.Signals.__members__}
READY_MS = 10000


@dataclass(frozen=True, slots=True, kw_only=True)
class Ready:
    """What shows that a device can take part: an answer to OPTIONS, a line of its output, an open port, or nothing."""

    options: bool = False
    output: str = ""  # a regular expression
    port: int | None = None
    timeout_ms: int = READY_MS


def ready_of(node: Node) -> Ready:
    """Return what shows that a device is ready."""
    return Ready(**node.settings["ready"])


def make_device(name: str, table: Mapping[str, Any], *, folder: Path | None, where: Where) -> Node:
    """Check a device's table; paths are relative to the folder, without one not looked for."""
    for key in table:
        if key not in ("role", *KEYS):
            hint = did_you_mean(key, ("role", *KEYS), otherwise=f"an external node has {', '.join(KEYS)}")
            raise where.error("topology", name, key, says=f"unknown key; {hint}")
    if "address" not in table:
        says = 'wanted, as in "127.0.0.1:5060", for a node that is external, but missing'
        raise where.error("topology", name, "address", says=says)
    checks: dict[str, Callable[[object], Any]] = {
        "command": lambda value: _command(value, folder),
        "needs": lambda value: _command(value, folder),
        "address": _address,
        "ready": _ready,
        "files": lambda value: _files(value, folder),
        "stop": _stop,
        "calls": _calls,
        "audio_file": lambda value: check_value(Flag(name="audio-file", roles=(), help="", kind="path"), value, folder),
    }
    settings: dict[str, Any] = {"ready": {"timeout_ms": READY_MS}, "stop": {"signal": "TERM"}, "calls": []}
    for key, check in checks.items():
        if key in table:
            with where.at("topology", name, key):
                settings[key] = check(table[key])
    _check_presence(name, settings, where)
    given = frozenset(table) - {"role"}
    return Node(name, EXTERNAL, {key: settings[key] for key in KEYS if key in settings}, given)


def check_templates(nodes: Iterable[Node], where: Where) -> None:
    """Refuse a placeholder in a device's command or files that nobody can fill in."""
    nodes = tuple(nodes)
    for node in (node for node in nodes if node.is_device):
        others = [other.name for other in nodes if other is not node]
        known = template.names(others, with_audio="audio_file" in node.settings)
        for key, text in texts_of(node):
            with where.at("topology", node.name, *key):
                template.check(text, known)
                _check_ports(text, nodes)


def texts_of(node: Node) -> Iterable[tuple[tuple[str, ...], str]]:
    """Yield the texts of a device that may have placeholders, each with its key; files that are there are read."""
    for word in node.settings.get("command", ()):
        yield ("command",), word
    for name, path in node.settings.get("files", {}).items():
        if Path(path).is_file():
            yield ("files", name), read_template(Path(path))


def read_template(path: Path) -> str:
    """Return a template's text. Raises UsageError where it cannot be read."""
    try:
        return path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        reason = getattr(error, "strerror", None) or "it is no UTF-8"
        raise UsageError(f"wanted a text file, came {path}: {reason}") from None


def _check_ports(text: str, nodes: Iterable[Node]) -> None:
    for node in nodes:
        if not node.bind.port and template.used(text) & {f"{node.name}.port", f"{node.name}.address"}:
            raise UsageError(f"wanted a port that is known beforehand, but {node.name} listens on {node.bind}")


def _check_presence(name: str, settings: Mapping[str, Any], where: Where) -> None:
    """Refuse what only a process can have on a device that is there already."""
    if "command" in settings:
        return
    for key in ("files", "audio_file", "needs"):
        if key in settings:
            says = "wanted a command beside it, as without one the device is there already and nothing is given to it"
            raise where.error("topology", name, key, says=says)
    if "output" in settings["ready"]:
        says = "wanted a command beside it, as a device that is there already shows us no output"
        raise where.error("topology", name, "ready", "output", says=says)


def _command(value: object, folder: Path | None) -> list[str]:
    if not isinstance(value, list) or not value or not all(isinstance(word, str) for word in value):
        wanted = 'wanted a program and its arguments, as in ["asterisk", "-f"]'
        raise UsageError(f"{wanted}, came {describe(value) if value != [] else 'an empty array'}")
    text = Flag(name="command", roles=(), help="")
    words = [str(check_value(text, word, None)) for word in value]
    if folder is None:
        return words
    place = str(folder.absolute())
    words = [word.replace(f"{{{template.PLAN_DIR}}}", place) for word in words]
    program = words[0]
    return [str((folder / program).absolute()) if "/" in program else program, *words[1:]]


def _address(value: object) -> str:
    if not isinstance(value, str):
        raise UsageError(f"wanted a string, came {describe(value)}")
    if not parse_bind(value).port:
        raise UsageError(f"wanted the port that it listens on, came {value!r}")
    return value


def _ready(value: object) -> dict[str, Any]:
    table = _table(value, READY_KEYS, example="{ options = true, timeout_ms = 20000 }")
    if len(ways := [way for way in WAYS if way in table]) > 1:
        raise UsageError(f"wanted one of {', '.join(WAYS)}, came {' and '.join(ways)}")
    for key, kind in (("options", bool), ("output", str), ("port", int), ("timeout_ms", int)):
        if key in table and type(table[key]) is not kind:
            wanted = {bool: "true", str: "a regular expression in quotes", int: "a whole number"}[kind]
            raise UsageError(f"{key}: wanted {wanted}, came {describe(table[key])}")
    if not 0 < table.get("port", 1) <= 0xFFFF:
        raise UsageError(f"port: wanted one from 1 to 65535, came {table['port']}")
    if table.get("timeout_ms", 1) <= 0:
        raise UsageError(f"timeout_ms: wanted a number above 0, came {table['timeout_ms']}")
    try:
        with warnings.catch_warnings():  # of what may mean something else one day
            warnings.simplefilter("ignore", FutureWarning)
            re.compile(table.get("output", ""))
    except re.error as error:
        raise UsageError(f"output: wanted a regular expression, came {table['output']!r}: {error}") from None
    return {"timeout_ms": READY_MS, **table}


def _files(value: object, folder: Path | None) -> dict[str, str]:
    if not isinstance(value, dict):
        says = 'wanted names in the device\'s folder and their templates, as in { "pbx.conf" = "./pbx.conf" }'
        raise UsageError(f"{says}, came {describe(value)}")
    file = Flag(name="file", roles=(), help="", kind="path")
    checked = {}
    for name, path in value.items():
        parts = PurePosixPath(name).parts
        if not parts or parts[0] == "/" or ".." in parts:
            raise UsageError(f"wanted a name inside the device's own folder, came {name!r}")
        checked[name] = str(check_value(file, path, folder))
    return checked


def _stop(value: object) -> dict[str, str]:
    table = _table(value, ("signal",), example='{ signal = "TERM" }')
    name = str(table.get("signal", "TERM")).removeprefix("SIG")
    if name not in SIGNALS:
        hint = did_you_mean(name, SIGNALS, otherwise="TERM is usual")
        raise UsageError(f"signal: wanted a signal's name, came {describe(table['signal'])}; {hint}")
    return {"signal": name}


def _calls(value: object) -> list[str]:
    callees = [value] if isinstance(value, str) else value
    if not isinstance(callees, list) or not all(isinstance(name, str) for name in callees):
        raise UsageError(f"wanted the names of the nodes that it calls, came {describe(value)}")
    return callees


def _table(value: object, keys: tuple[str, ...], *, example: str) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise UsageError(f"wanted a table such as {example}, came {describe(value)}")
    for key in value:
        if key not in keys:
            hint = did_you_mean(key, keys, otherwise=f"there is {', '.join(keys)}")
            raise UsageError(f"unknown key {key!r}; {hint}")
    return dict(value)
