"""What `--dry-run` shows: who calls whom, the command lines, and what baresip is told."""

from __future__ import annotations

import shlex
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from b2b.baresip import config
from b2b.flags import EXTERNAL, MIXER, SINK, SOURCE
from b2b.orchestrator.devices import command_of
from b2b.plan.model import Node, Plan
from b2b.roles.legs import legs_of


def picture(plan: Plan) -> Iterator[str]:
    """Yield one line for each chain of calls, from its caller to its end."""
    called = {name for node in plan.nodes for name in node.callees}
    for node in plan.nodes:
        if node.name not in called:
            yield " ──▶ ".join(_chain(node, plan))


def configuration(node: Node) -> Iterator[str]:
    """Yield a node's baresip configuration; port 0 and the control port are chosen when it starts."""
    legs = legs_of(node.role, node.settings)
    bind = node.bind
    text = config.config(
        address=bind.ip,
        port=bind.port,
        control_port=0,
        card=legs[0].card.name,
        max_calls=len(legs),
        modules_in=config.modules_folder(),
    )
    yield from text.splitlines()
    yield from (f"accounts: {line}" for line in config.accounts(legs, bind.ip).splitlines())


def device(node: Node, plan: Plan, folder: Path) -> Iterator[str]:
    """Yield how a device is started, and the files that it gets."""
    if not node.starts_itself:
        yield f"is there already, at {node.bind}; it is neither started nor stopped"
        return
    yield shlex.join(command_of(node, plan, folder))
    yield from (f"    {name}: {path}" for name, path in node.settings.get("files", {}).items())


def shell_line(command: list[str]) -> str:
    """Return a command as it could be typed."""
    return shlex.join(["b2b", "--role", *command])


def _chain(node: Node, plan: Plan) -> Iterator[str]:
    yield _box(node)
    if len(node.callees) > 1:
        yield " and ".join(_box(plan.node(name)) for name in node.callees)
    elif node.callees:
        yield from _chain(plan.node(node.callees[0]), plan)
    elif node.target:
        yield f"( {node.target} )"


def _box(node: Node) -> str:
    place = str(node.bind) if node.bind.port else node.bind.ip
    return f"[ {node.name} {place}{f' on {node.host}' if node.host else ''}{_what(node.role, node.settings)} ]"


def _what(role: str, settings: Mapping[str, Any]) -> str:
    if role == SOURCE:
        return f" ♪ {str(settings['audio_file']).rpartition('/')[2]}"
    if role == MIXER and settings["dtmf_seq"]:
        return f" + {settings['dtmf_seq']} every {settings['dtmf_period_ms']} ms"
    if role == EXTERNAL:
        return f" ⚙ {Path(settings['command'][0]).name}" if "command" in settings else " ⚙ there already"
    return " ● records" if role == SINK else ""
