"""The plan's table `[expect]`: what must be true of the call."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field, fields, replace
from typing import Any, TypeVar

from b2b.audio.digits import parse_sequence
from b2b.errors import UsageError
from b2b.flags import SINK, SOURCE
from b2b.plan.check import describe, did_you_mean
from b2b.plan.model import Plan

TABLE, LEGS, HEARS = "expect", "legs", "hears"
ARROW = " -> "
AS_AGREED = ""  # the codec that a call's SDP says, if any
TEXTS = ("dtmf", "dtmf_by", "codec")
WAYS = ("inband", "rfc4733", "info")  # in which a digit may come
Kind = TypeVar("Kind")


@dataclass(frozen=True, slots=True, kw_only=True)
class SinkExpectation:
    """What one listener must hear; `dtmf` is repeated as often as the call is long, None asks nothing of the digits.

    `dtmf_by` is how they come: inband, rfc4733 or info. `hears` names the nodes that are heard, where the plan's calls
    do not say: through a device.
    """

    dtmf: str | None = None
    dtmf_by: str = "inband"
    min_digit_ms: float = 40  # what every receiver has to hear (Q.24)
    max_heard_gap_ms: float = 40
    max_cut_ms: float = 1000
    max_delay_ms: float | None = None
    max_clipped: int = 0
    level_db: float = 0
    max_level_error_db: float = 1
    max_digit_error_db: float = 1
    max_drift_ppm: float = 50
    max_echo_db: float = -40
    min_snr_db: float = 30
    max_residual_dbov: float = -55
    min_code_equal: float = 0.99
    max_dc: float = 64
    min_pesq: float | None = None
    min_active_dbov: float = -50  # this and what follows: of a recording without a reference
    max_active_dbov: float = -6
    max_dead_air_s: float = 2
    hears: tuple[str, ...] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class DeviceExpectation:
    """What a device may hold more of after the calls than before them; None asks nothing."""

    max_more_descriptors: int | None = None
    max_more_memory_kb: int | None = None
    max_more_ports: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class LegExpectation:
    """What one leg must be like; None is what is expected of all."""

    max_gap_ms: float | None = None
    max_lost: int | None = None
    codec: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Expectations:
    """What every leg must be like, and what each listener must hear."""

    duration_s: float | None = None
    max_gap_ms: float = 40
    max_lost: int = 0
    max_duplicates: int | None = None  # no harm to the sound, so nobody is held to it who does not ask
    max_reordered: int | None = None
    codec: str = "PCMU"  # or what the call agreed on
    sinks: Mapping[str, SinkExpectation] = field(default_factory=dict)  # and sources that hear a device
    devices: Mapping[str, DeviceExpectation] = field(default_factory=dict)
    legs: Mapping[tuple[str, str], LegExpectation] = field(default_factory=dict)

    def of_leg(self, src: str, dst: str) -> Expectations:
        """Return what is expected of one leg."""
        own = self.legs.get((src, dst), LegExpectation())
        said = {item.name: getattr(own, item.name) for item in fields(own)}
        return replace(self, **{name: value for name, value in said.items() if value is not None})


COLLECTIONS = ("sinks", "devices", LEGS)


def expectations(plan: Plan) -> Expectations | None:
    """Read a plan's expectations; None where it has none. Raises UsageError with file, line and key."""
    if (table := plan.tables.get(TABLE)) is None:
        return None
    sinks, devices = {node.name for node in plan.with_role(SINK)}, {node.name for node in plan.devices}
    ears = {node.name for node in plan.with_role(SOURCE) if devices.intersection(node.callees)}
    own = {item.name for item in fields(Expectations)} - {*COLLECTIONS}
    values: dict[str, Any] = {}
    heard = {name: SinkExpectation() for name in sinks | {ear for ear in ears if _speaks(plan, ear)}}
    held: dict[str, DeviceExpectation] = {}
    legs: dict[tuple[str, str], LegExpectation] = {}
    for key, value in table.items():
        if key in sinks | ears:
            heard[key] = _table(plan, (TABLE, key), SinkExpectation, value, example=f'{key}.dtmf = "123#"')
            if key in ears and heard[key].hears is None and not _speaks(plan, key):
                says = f"wanted whom it hears, as in hears = {key!r} for an echo, but missing"
                raise plan.where.error(TABLE, key, HEARS, says=says)
        elif key in devices:
            held[key] = _table(plan, (TABLE, key), DeviceExpectation, value, example=f"{key}.max_more_ports = 0")
        elif key == LEGS:
            legs = _legs(plan, value)
        elif key in own:
            values[key] = _checked(plan, (TABLE, key), Expectations, value)
        else:
            known = own | sinks | ears | devices | {LEGS}
            raise plan.where.error(TABLE, key, says=f"unknown key; {did_you_mean(key, known, otherwise='')}")
    return Expectations(**values, sinks=heard, devices=held, legs=legs)


def _speaks(plan: Plan, caller: str) -> bool:
    """Whether the device that a source calls has sound of its own."""
    return any("audio_file" in plan.node(name).settings for name in plan.node(caller).callees)


def _table(plan: Plan, keys: tuple[str, ...], kind: type[Kind], table: object, *, example: str) -> Kind:
    if not isinstance(table, dict):
        raise plan.where.error(*keys, says=f"wanted a table such as {example}, came {describe(table)}")
    own = {item.name for item in fields(kind)}  # type: ignore[arg-type]
    for key in table:
        if key not in own:
            raise plan.where.error(*keys, key, says=f"unknown key; {did_you_mean(key, own, otherwise='')}")
    return kind(**{key: _checked(plan, (*keys, key), kind, value) for key, value in table.items()})


def _legs(plan: Plan, table: object) -> dict[tuple[str, str], LegExpectation]:
    example = 'legs."source -> pbx".codec = "PCMA"'
    if not isinstance(table, dict):
        raise plan.where.error(TABLE, LEGS, says=f"wanted a table such as {example}, came {describe(table)}")
    names = {node.name for node in plan.nodes}
    found = {}
    for name, value in table.items():
        src, arrow, dst = name.partition(ARROW)
        if not arrow:
            raise plan.where.error(TABLE, LEGS, name, says=f"wanted two nodes, as in {example}, came {name!r}")
        for node in (src, dst):
            _check_node(plan, (TABLE, LEGS, name), node, names)
        found[src, dst] = _table(plan, (TABLE, LEGS, name), LegExpectation, value, example='{ codec = "PCMA" }')
    return found


def _checked(plan: Plan, keys: tuple[str, ...], owner: type, value: Any) -> Any:
    if keys[-1] == HEARS:
        return _hears(plan, keys, value)
    if keys[-1] == "dtmf_by" and value not in WAYS:
        raise plan.where.error(*keys, says=f"wanted {' or '.join(WAYS)}, came {describe(value)}")
    signed = keys[-1] == "level_db" or keys[-1].endswith(("_echo_db", "_dbov"))  # levels against full scale, gains
    number = "a number" if signed else "a number of at least 0"
    wanted = "text" if keys[-1] in TEXTS else number
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    if wanted == "text" and not isinstance(value, str):
        raise plan.where.error(*keys, says=f"wanted {wanted}, came {describe(value)}")
    if wanted != "text" and not (is_number and (value >= 0 or signed)):
        raise plan.where.error(*keys, says=f"wanted {wanted}, came {describe(value)}")
    if keys[-1] == "dtmf":
        try:
            return parse_sequence(value).digits
        except UsageError as error:
            raise plan.where.error(*keys, says=str(error)) from None
    return value.upper() if keys[-1] == "codec" else value


def _hears(plan: Plan, keys: tuple[str, ...], value: Any) -> tuple[str, ...]:
    names = [value] if isinstance(value, str) else value
    if not isinstance(names, list) or not all(isinstance(name, str) for name in names):
        raise plan.where.error(*keys, says=f"wanted the names of the nodes that are heard, came {describe(value)}")
    speak = {node.name for node in plan.nodes if "audio_file" in node.settings}
    for name in names:
        _check_node(plan, keys, name, speak)
    return tuple(names)


def _check_node(plan: Plan, keys: tuple[str, ...], name: str, names: Collection[str]) -> None:
    if name not in names:
        hint = did_you_mean(name, names, otherwise=f"there is {', '.join(sorted(names))}")
        raise plan.where.error(*keys, says=f"there is no such node {name!r}; {hint}")
