"""One node of a plan: from its table to its checked settings."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from b2b.addresses import is_loopback
from b2b.audio.digits import check_fits, parse_sequence
from b2b.flags import EXTERNAL, MIXER, NODE_ROLES, ORCHESTRATOR, SINK, SOURCE, Flag, plan_keys
from b2b.plan.check import check_value, describe, did_you_mean
from b2b.plan.device import make_device
from b2b.plan.model import Node
from b2b.plan.where import Where

NAME = re.compile(r"[A-Za-z][A-Za-z0-9_-]*")  # it becomes a folder, a file's name and a host of a SIP URI
REQUIRED = {SOURCE: ("sip_target", "audio_file"), MIXER: ("sip_target",), SINK: ()}
ONE_ROLE = " or ".join(NODE_ROLES)


def make_node(name: str, table: Any, *, folder: Path | None, where: Where) -> Node:
    """Check a node's table and fill in the defaults; paths are relative to the folder, without one not looked for."""
    if not NAME.fullmatch(name):
        raise where.error("topology", name, says=f"wanted a name of letters, digits, - and _, came {name!r}")
    if name == ORCHESTRATOR:
        raise where.error("topology", name, says="wanted a name of its own, came that of the orchestrator itself")
    if not isinstance(table, dict):
        raise where.error("topology", name, says=f"wanted a table of settings, came {describe(table)}")
    role = _role(name, table, where)
    if role == EXTERNAL:
        return make_device(name, table, folder=folder, where=where)
    flags = plan_keys(role)
    _check_keys(name, role, table, where)
    given = {key: value for key, value in table.items() if key != "role"}
    settings = {key: flag.default for key, flag in flags.items() if flag.default is not None}
    for key, value in given.items():
        with where.at("topology", name, key):
            settings[key] = check_value(flags[key], value, folder)
    if role == MIXER:
        with where.at("topology", name, "dtmf_seq"):
            check_digits(settings)
    node = Node(name, role, _in_order(settings, flags), frozenset(given))
    if node.host and (node.bind.open or is_loopback(node.bind.ip)):
        says = f"wanted the address at which others reach {node.host}, as 192.0.2.7:5062, came {node.bind}"
        raise where.error("topology", name, "sip_bind", says=says)
    return node


def check_digits(settings: Mapping[str, Any]) -> None:
    """Refuse a mixer's digits that do not fit into their period."""
    digits = parse_sequence(settings["dtmf_seq"]).digits
    check_fits(digits, settings["dtmf_tone_ms"], settings["dtmf_pause_ms"], settings["dtmf_period_ms"])


def _role(name: str, table: Mapping[str, Any], where: Where) -> str:
    role = table.get("role", name)
    if role in NODE_ROLES:
        return str(role)
    if "role" in table:
        hint = did_you_mean(str(role), NODE_ROLES, otherwise="a node is one of these")
        raise where.error("topology", name, "role", says=f"wanted {ONE_ROLE}, came {describe(role)}; {hint}")
    hint = did_you_mean(name, NODE_ROLES, otherwise=f'say role = "{MIXER}", for example')
    raise where.error("topology", name, says=f"wanted a role ({ONE_ROLE}), came none, and the name is none; {hint}")


def _check_keys(name: str, role: str, table: Mapping[str, Any], where: Where) -> None:
    known = ("role", *plan_keys(role))
    for key in table:
        if key not in known:
            hint = did_you_mean(key, known, otherwise=f"a {role} has {', '.join(known)}")
            raise where.error("topology", name, key, says=f"unknown key; {hint}")
    for key in REQUIRED[role]:
        if key not in table:
            raise where.error("topology", name, key, says=f"wanted, as the node is a {role}, but missing")


def _in_order(settings: Mapping[str, Any], flags: Mapping[str, Flag]) -> dict[str, Any]:
    return {key: settings[key] for key in flags if key in settings}
