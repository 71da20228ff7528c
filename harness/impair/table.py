"""The plan's table `[impair]`: what happens to the packets of each direction of each call."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, fields
from typing import Any

from b2b.plan.check import describe, did_you_mean
from b2b.plan.model import Plan
from harness.impair.lose import Some, parse_lose

TABLE = "impair"
SEED, SIP, LOSE, BURST = "seed", "sip", "lose", "burst"
DIRECTION = re.compile(r"\s*(\S+)\s*->\s*(\S+)\s*")
LARGEST_SEED = 2**63 - 1


def _number(default: Any, most: float, *, least: float = 0, unit: str = "") -> Any:
    return field(default=default, metadata={"least": least, "most": most, "unit": unit})


@dataclass(frozen=True, slots=True, kw_only=True)
class Burst:
    """Loss in bursts: a Gilbert model that loses everything while it is in its bad state."""

    loss: float = _number(None, 99, unit=" %")  # of all packets, in per cent
    mean: float = _number(None, 1000, least=1)  # packets in a burst

    def __str__(self) -> str:
        """Say it as a person would."""
        return f"{self.loss:g} % lost in bursts of {self.mean:g}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Impairment:
    """What happens to the packets of one direction; all shares are per cent of its packets."""

    loss: float = _number(0, 100, unit=" %")
    burst: Burst | None = None
    lose: tuple[Some, ...] = ()
    delay_ms: float = _number(0, 10_000)
    jitter_ms: float = _number(0, 10_000)  # each packet is late by up to that much more, evenly distributed
    reorder: float = _number(0, 50, unit=" %")
    duplicate: float = _number(0, 100, unit=" %")
    corrupt: float = _number(0, 100, unit=" %")
    rate_kbps: float | None = _number(None, 1e6, least=1)  # IP packets, 1000 bits a second
    queue_ms: float = _number(200, 10_000)  # before the rate limit; what would wait longer is lost
    cut_after_s: float | None = _number(None, 1e6)  # since the direction's first packet

    def words(self) -> Iterator[str]:
        """Yield what is asked for, as a person would say it."""
        shares = {"lost": self.loss, "reordered": self.reorder, "doubled": self.duplicate, "corrupted": self.corrupt}
        yield from (f"{share:g} % {done}" for done, share in shares.items() if share)
        if self.burst:
            yield str(self.burst)
        if self.lose:
            yield f"{', '.join(map(str, self.lose))} lost"
        if self.delay_ms or self.jitter_ms:
            most = f" to {self.delay_ms + self.jitter_ms:g}" if self.jitter_ms else ""
            yield f"delayed by {self.delay_ms:g}{most} ms"
        if self.rate_kbps:
            yield f"at most {self.rate_kbps:g} kbit/s"
        if self.cut_after_s is not None:
            yield f"cut after {self.cut_after_s:g} s"


@dataclass(frozen=True, slots=True, kw_only=True)
class Direction:
    """One direction of the call between two nodes."""

    src: str
    dst: str
    media: Impairment
    sip: Impairment

    @property
    def name(self) -> str:
        """The direction as its leg is named."""
        return f"{self.src} -> {self.dst}"

    def words(self) -> Iterator[str]:
        """Yield a line for its media and one for its SIP, as far as there is something to say."""
        for what, impairment in (("", self.media), (" SIP", self.sip)):
            if said := "; ".join(impairment.words()):
                yield f"{self.name}{what}: {said}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Impairments:
    """Everything that the plan does to its calls."""

    seed: int
    directions: tuple[Direction, ...]


def impairments(plan: Plan) -> Impairments | None:
    """Read a plan's impairments; None where it has none. Raises UsageError with file, line and key."""
    if (table := plan.tables.get(TABLE)) is None:
        return None
    if not isinstance(table, dict):
        raise plan.where.error(TABLE, says=f"wanted a table, came {describe(table)}")
    pairs = {f"{src} -> {dst}": (src, dst) for src, dst in _pairs(plan)}
    found: dict[str, Direction] = {}
    for key, value in table.items():
        if key == SEED:
            continue
        match = DIRECTION.fullmatch(key)
        name = f"{match[1]} -> {match[2]}" if match else key
        if name not in pairs:
            there = f"there is {', '.join(pairs)}" if pairs else "no node of this plan calls another"
            hint = did_you_mean(name, {SEED, *pairs}, otherwise=there)
            raise plan.where.error(TABLE, key, says=f"wanted a direction of a call, came none of that name; {hint}")
        if name in found:
            raise plan.where.error(TABLE, key, says="this direction is there twice")
        found[name] = _direction(plan, key, *pairs[name], value)
    return Impairments(seed=_seed(plan, table.get(SEED, 1)), directions=tuple(found.values()))


def _pairs(plan: Plan) -> Iterable[tuple[str, str]]:
    for node in plan.nodes:
        for callee in node.callees:
            yield from ((node.name, callee), (callee, node.name))


def _seed(plan: Plan, value: object) -> int:
    if type(value) is not int or not 0 <= value <= LARGEST_SEED:
        raise plan.where.error(TABLE, SEED, says=f"wanted a whole number of at least 0, came {describe(value)}")
    return value


def _direction(plan: Plan, key: str, src: str, dst: str, table: object) -> Direction:
    if not isinstance(table, dict):
        says = f"wanted a table such as {{ loss = 2.0, delay_ms = 40 }}, came {describe(table)}"
        raise plan.where.error(TABLE, key, says=says)
    media = {name: value for name, value in table.items() if name != SIP}
    sip = table.get(SIP, {})
    if not isinstance(sip, dict):
        says = f'wanted a table such as {{ lose = ["INVITE"] }}, came {describe(sip)}'
        raise plan.where.error(TABLE, key, SIP, says=says)
    return Direction(
        src=src,
        dst=dst,
        media=_impairment(plan, (TABLE, key), media, messages=False),
        sip=_impairment(plan, (TABLE, key, SIP), sip, messages=True),
    )


def _impairment(plan: Plan, keys: tuple[str, ...], table: Mapping[str, Any], *, messages: bool) -> Impairment:
    known = {item.name for item in fields(Impairment)} | (set() if messages else {SIP})
    values: dict[str, Any] = {}
    for key, value in table.items():
        if key not in known:
            hint = did_you_mean(key, known, otherwise=f"there is {', '.join(sorted(known))}")
            raise plan.where.error(*keys, key, says=f"unknown key; {hint}")
        if key == LOSE:
            with plan.where.at(*keys, key):
                values[key] = parse_lose(value, messages=messages)
        elif key == BURST:
            values[key] = _burst(plan, (*keys, key), value)
        else:
            values[key] = _in_range(plan, (*keys, key), Impairment, value)
    return Impairment(**values)


def _burst(plan: Plan, keys: tuple[str, ...], table: object) -> Burst:
    wanted = "a table of two, such as { loss = 3.0, mean = 4 }"
    if not isinstance(table, dict) or set(table) != {"loss", "mean"}:
        came = describe(table) if not isinstance(table, dict) else f"{{ {', '.join(table)} }}"
        raise plan.where.error(*keys, says=f"wanted {wanted}, came {came}")
    burst = Burst(**{key: _in_range(plan, (*keys, key), Burst, value) for key, value in table.items()})
    share = burst.loss / 100
    if share > (1 - share) * burst.mean:  # the good state would have to be left after less than one packet
        says = f"wanted bursts that can lose as much, came {burst.loss:g} % with a mean of {burst.mean:g}"
        raise plan.where.error(*keys, says=f"{says}; make them longer")
    return burst


def _in_range(plan: Plan, keys: tuple[str, ...], owner: type, value: object) -> float:
    allowed: Mapping[str, Any] = {item.name: item.metadata for item in fields(owner)}[keys[-1]]
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    if not is_number or not allowed["least"] <= value <= allowed["most"]:
        wanted = f"a number from {allowed['least']:g} to {allowed['most']:g}{allowed['unit']}"
        raise plan.where.error(*keys, says=f"wanted {wanted}, came {describe(value)}")
    assert isinstance(value, int | float)
    return value
