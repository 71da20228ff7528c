"""From a plan's file to a checked Plan."""

from __future__ import annotations

import itertools
import re
from collections.abc import Collection, Iterable, Mapping
from pathlib import Path
from typing import Any

from b2b.errors import UsageError
from b2b.flags import CALLING_ROLES, ORCHESTRATOR, SOURCE, plan_flags
from b2b.logs import printable
from b2b.plan import toml
from b2b.plan.change import TOPOLOGY, Keys, changed, full
from b2b.plan.check import check_value, describe, did_you_mean, suggest
from b2b.plan.device import check_templates
from b2b.plan.model import Node, Plan
from b2b.plan.node import make_node
from b2b.plan.where import Where, lines_of_keys

EXPECT, RUN = "expect", "run"
RUN_KEYS = ("speed", "ssh", "b2b_there")
OURS = (TOPOLOGY, EXPECT, RUN)
TOML_PLACE = re.compile(r" \(at (?:line (?P<line>\d+), column \d+|end of document)\)$")


def load_plan(
    path: str | Path,
    *,
    known_tables: Collection[str],
    changes: Collection[tuple[Keys, Any]] = (),
    to_run: bool = True,
) -> Plan:
    """Read a plan, change it for this run, and check it; the tables that somebody registered are theirs to check.

    A plan that is not to run, of a call made elsewhere say, needs no files, and no topology beside what it expects.
    """
    path = Path(path)
    text = _read(path)
    tables = {*OURS, *known_tables}
    document = _parse(path, text, changes, tables)
    where = Where(str(path), lines_of_keys(text), frozenset(full(keys, tables) for keys, _value in changes))
    warnings = tuple(_check_tables(document, known_tables, where))
    topology = document.pop(TOPOLOGY, None)
    if topology is None and EXPECT in document and not to_run:
        return Plan(path, (), document, warnings, where)
    if topology is None:
        raise UsageError(f"{path}: wanted a table [topology], came none")
    if not isinstance(topology, dict) or not topology:
        came = describe(topology) if topology else "none"
        raise where.error(TOPOLOGY, says=f"wanted a table of at least one source, mixer or sink, came {came}")
    folder = path.parent if to_run else None
    nodes = tuple(make_node(name, table, folder=folder, where=where) for name, table in topology.items())
    check_binds(nodes, where)
    check_templates(nodes, where)
    return Plan(path, nodes, document, warnings, where)


def check_binds(nodes: Iterable[Node], where: Where) -> None:
    """Refuse two nodes that would listen on the same address and port."""
    for first, second in itertools.combinations(nodes, 2):
        if first.bind.clashes(second.bind):
            says = f"wanted an address of its own, came {second.bind}, but {first.name} listens on {first.bind}"
            raise where.error(TOPOLOGY, second.name, "sip_bind", says=says)


def _read(path: Path) -> str:
    try:
        content = path.read_bytes()
    except OSError as error:
        raise UsageError(f"{path}: wanted a plan, but it cannot be read: {error.strerror}") from None
    try:
        return content.decode()
    except UnicodeDecodeError as error:
        line, byte = content.count(b"\n", 0, error.start) + 1, content[error.start]
        raise UsageError(f"{path}:{line}: wanted TOML, which is UTF-8, came the byte {byte:#04x}") from None


def _parse(
    path: Path, text: str, changes: Collection[tuple[Keys, Any]], tables: Collection[str]
) -> dict[str, Any]:
    try:
        return changed(toml.loads(text), changes, tables)
    except RecursionError:
        raise UsageError(f"{path}: wanted TOML, came tables or arrays nested too deep") from None
    except ValueError as error:  # also what int() says to a number of five thousand digits
        place = TOML_PLACE.search(str(error))
        line = (place["line"] or text.count("\n") + 1) if place else None
        says = TOML_PLACE.sub("", str(error))
        raise UsageError(f"{path}{f':{line}' if line else ''}: not TOML: {says}") from None


def _check_tables(document: Mapping[str, Any], known: Collection[str], where: Where) -> Iterable[str]:
    """Yield a warning for each table that nobody reads; a name that was probably meant otherwise is an error."""
    for name, value in document.items():
        if name == EXPECT:
            _check_expect(value, where)
        if name == RUN:
            _check_run(value, where, others=RUN in known)
        if name in (TOPOLOGY, RUN, *known) or (name == EXPECT and set(value) <= {"duration_s"}):
            continue
        if name in CALLING_ROLES:
            raise where.error(name, says=f"wanted below [topology], as [topology.{name}], came at the top")
        if name not in OURS and (meant := suggest(name, {*OURS, *known}, cutoff=0.75)):
            raise where.error(name, says=f"unknown table; did you mean {meant}?")
        yield f"unknown table [{printable(name)}] ignored: nothing that is installed reads it"


def _check_expect(table: object, where: Where) -> None:
    """Check the one key in [expect] that is about the call itself."""
    if not isinstance(table, dict):
        raise where.error(EXPECT, says=f"wanted a table, came {describe(table)}")
    if "duration_s" in table:
        with where.at(EXPECT, "duration_s"):
            check_value(plan_flags(SOURCE)["duration_s"], table["duration_s"], Path())


def _check_run(table: object, where: Where, *, others: bool) -> None:
    """Check the table about how the plan is run; its keys are flags of the orchestrator, or those of `others`."""
    if not isinstance(table, dict):
        raise where.error(RUN, says=f"wanted a table, came {describe(table)}")
    for key, value in table.items():
        if key not in RUN_KEYS:
            if others:
                continue
            hint = did_you_mean(key, RUN_KEYS, otherwise=f"there is {', '.join(RUN_KEYS)}")
            raise where.error(RUN, key, says=f"unknown key; {hint}")
        with where.at(RUN, key):
            check_value(plan_flags(ORCHESTRATOR)[key], value, Path())
