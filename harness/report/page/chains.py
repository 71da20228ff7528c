"""What the picture of the topology shows: boxes in rows, and between neighbours an arrow for each direction."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from b2b.flags import SOURCE
from b2b.plan.model import Node, Plan
from harness.report.page.hops import Hop
from harness.report.page.view import Arrow, Box, Chain, Link
from harness.verdict import Check, Outcome
from harness.wire.summary import summary

MOST = 8  # rows
ORDER = (Outcome.FAIL, Outcome.UNKNOWN, Outcome.PASS, None)


@dataclass(frozen=True, slots=True)
class Station:
    """A box, and under which names its hops go: those with the station before it, and those with the one after it."""

    box: Box
    before: str
    after: str


def of_plan(plan: Plan, hops: Sequence[Hop], checks: Sequence[Check], addresses: Mapping[str, str]) -> list[Chain]:
    """Return a row for each node that nobody calls, and whom it calls, and so on.

    Somebody outside who is called at the end of one row and calls at the beginning of another joins the two.
    """
    called = {name for node in plan.nodes for name in node.callees}
    rows = [
        _row(list(_onwards(node, plan)), plan, hops, checks, addresses)
        for node in plan.nodes
        if node.name not in called
    ]
    return [_chain(row, hops, checks) for row in _joined(rows)]


def _row(
    nodes: Sequence[Node], plan: Plan, hops: Sequence[Hop], checks: Sequence[Check], addresses: Mapping[str, str]
) -> list[Station]:
    """Return nodes that call each other, with who calls the first and whom the last calls from outside the plan."""
    row = [Station(_box(node, addresses.get(node.name, ""), checks), node.name, node.name) for node in nodes]
    if nodes[0].role != SOURCE and (caller := _outside(nodes[0], plan, hops)):
        row.insert(0, _stranger(caller))
    if nodes[-1].target and not nodes[-1].calls:
        row.append(_stranger(_outside(nodes[-1], plan, hops) or str(nodes[-1].target).removeprefix("sip:")))
    return row


def _outside(node: Node, plan: Plan, hops: Sequence[Hop]) -> str:
    """Return with whom outside the plan a node has a leg; "" for nobody."""
    known = {one.name for one in plan.nodes}
    return next((hop.dst for hop in hops if hop.src == node.name and hop.dst not in known), "")


def _stranger(address: str) -> Station:
    return Station(Box(name=address, lines=(), outcome=None), address, address)


def _joined(rows: Sequence[list[Station]]) -> list[list[Station]]:
    joined: list[list[Station]] = []
    for row in sorted(rows, key=lambda row: _is_stranger(row[0])):
        first = row[0]
        before = next((one for one in joined if _is_stranger(first) and _same_host(one[-1], first)), None)
        if before is None:
            joined.append(list(row))
            continue
        name = before[-1].before if before[-1].before == first.after else before[-1].before.rpartition(":")[0]
        box = Box(name=name, lines=(), outcome=None)
        before[-1:] = [Station(box, before[-1].before, first.after), *row[1:]]
    return joined


def _is_stranger(station: Station) -> bool:
    return ":" in station.box.name  # as no node's name has


def _same_host(one: Station, other: Station) -> bool:
    return _is_stranger(one) and one.before.rpartition(":")[0] == other.after.rpartition(":")[0]


def _chain(row: Sequence[Station], hops: Sequence[Hop], checks: Sequence[Check]) -> Chain:
    links = [_link(one.after, other.before, hops, checks) for one, other in itertools.pairwise(row)]
    return Chain([station.box for station in row], links)


def of_hops(hops: Sequence[Hop], checks: Sequence[Check]) -> list[Chain]:
    """Return a row for each pair of addresses that a capture has streams between."""
    pairs = dict.fromkeys(tuple(sorted((hop.src, hop.dst), key=(hop.src, hop.dst).index)) for hop in hops)
    rows: list[tuple[str, str]] = []
    for one, other in pairs:
        if (other, one) not in rows:
            rows.append((one, other))
    return [
        Chain(
            [Box(name=name, lines=(), outcome=None) for name in pair],
            [_link(*pair, hops, checks)],
        )
        for pair in rows
    ]


def worst(checks: Iterable[Check]) -> Outcome | None:
    """Return what checks come to; None where there are none."""
    outcomes = {check.outcome for check in checks}
    return next((one for one in ORDER if one in outcomes), None)


def figures(hop: Hop) -> dict[str, Any]:
    """Return everything that is known of a hop's packets; nothing where there are none."""
    return summary(hop.stream, hop.leg) if hop.stream else {}


def _onwards(node: Node, plan: Plan) -> Iterator[Node]:
    passed: list[Node] = []
    while node not in passed:
        passed.append(node)
        if len(node.callees) == 1:
            node = plan.node(node.callees[0])
    yield from passed


def _box(node: Node, address: str, checks: Sequence[Check]) -> Box:
    lines = [address] if address else []
    if file := node.settings.get("audio_file"):
        lines.append(f"plays {Path(file).name}")
    if digits := node.settings.get("dtmf_seq"):
        lines.append(f"adds {digits}")
    return Box(name=node.name, lines=lines, outcome=worst(check for check in checks if check.where == node.name))


def _link(one: str, other: str, hops: Sequence[Hop], checks: Sequence[Check]) -> Link:
    return Link(_arrow(one, other, hops, checks), _arrow(other, one, hops, checks))


def _arrow(src: str, dst: str, hops: Sequence[Hop], checks: Sequence[Check]) -> Arrow | None:
    """Return one direction: of several streams the worst, and how many more there are."""
    between = [hop for hop in hops if (hop.src, hop.dst) == (src, dst)]
    name = f"{src} -> {dst}"
    outcomes = {hop.name: worst(check for check in checks if check.where == hop.name) for hop in between}
    streams = sorted((hop for hop in between if hop.stream), key=lambda hop: ORDER.index(outcomes[hop.name]))
    if streams:
        more = [f"and {len(streams) - 1} more streams"] if len(streams) > 1 else []
        first = streams[0]
        return Arrow(name=name, outcome=outcomes[first.name], lines=[*_lines(figures(first)), *more])
    outcome = worst(check for check in checks if check.where == name)
    return Arrow(name=name, outcome=outcome, lines=["no RTP"]) if outcome or between else None


def _lines(values: dict[str, Any]) -> Iterator[str]:
    mos = f" · MOS {values['mos_lqe']:.2f}" if values["mos_lqe"] else ""
    gap_ms = max(values["max_gap_arrival_ms"], values["max_gap_timestamp_ms"])
    yield f"{values['codec'] or 'unknown codec'}{mos}"
    yield f"{values['missing']} of {values['expected']} lost"
    yield f"gap {gap_ms:.1f} · jitter {values['jitter_p95_ms']:.2f} ms"
