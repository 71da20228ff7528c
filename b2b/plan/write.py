"""A plan as TOML, for the run folder."""

from __future__ import annotations

from b2b.plan import toml
from b2b.plan.model import Node, Plan

HEADING = "# The plan of this run as b2b resolved it. It is a plan itself; what is commented out are defaults.\n"


def to_toml(plan: Plan) -> str:
    """Return a text that reads back to the same nodes and tables."""
    return "\n".join([HEADING, *([toml.dumps(plan.tables)] if plan.tables else []), *map(_section, plan.nodes)])


def _section(node: Node) -> str:
    given = {key: value for key, value in node.settings.items() if key in node.given}
    defaults = {key: value for key, value in node.settings.items() if key not in node.given}
    comments = "".join(f"# {line}\n" for line in toml.dumps(defaults).splitlines())
    return toml.dumps({"topology": {node.name: {"role": node.role, **given}}}) + comments
