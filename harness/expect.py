"""The plan's table `[expect]`: what must be true of the call."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from typing import Any

from b2b.audio.digits import parse_sequence
from b2b.errors import UsageError
from b2b.flags import SINK
from b2b.plan.check import describe, did_you_mean
from b2b.plan.model import Plan

TABLE = "expect"


@dataclass(frozen=True, slots=True, kw_only=True)
class SinkExpectation:
    """What one sink must hear; `dtmf` is repeated as often as the call is long, None asks nothing of the digits."""

    dtmf: str | None = None
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


@dataclass(frozen=True, slots=True, kw_only=True)
class Expectations:
    """What every leg must be like, and what each sink must hear."""

    duration_s: float | None = None
    max_gap_ms: float = 40
    max_lost: int = 0
    max_duplicates: int | None = None  # no harm to the sound, so nobody is held to it who does not ask
    max_reordered: int | None = None
    codec: str = "PCMU"
    sinks: Mapping[str, SinkExpectation] = field(default_factory=dict)


def expectations(plan: Plan) -> Expectations | None:
    """Read a plan's expectations; None where it has none. Raises UsageError with file, line and key."""
    if (table := plan.tables.get(TABLE)) is None:
        return None
    sinks = {node.name for node in plan.with_role(SINK)}
    own = {item.name for item in fields(Expectations)} - {"sinks"}
    values: dict[str, Any] = {}
    heard = {name: SinkExpectation() for name in sinks}
    for key, value in table.items():
        if key in sinks:
            heard[key] = _sink(plan, key, value)
        elif key in own:
            values[key] = _checked(plan, (TABLE, key), Expectations, value)
        else:
            raise plan.where.error(TABLE, key, says=f"unknown key; {did_you_mean(key, own | sinks, otherwise='')}")
    return Expectations(**values, sinks=heard)


def _sink(plan: Plan, name: str, table: object) -> SinkExpectation:
    if not isinstance(table, dict):
        says = f'wanted a table such as {name}.dtmf = "123#", came {describe(table)}'
        raise plan.where.error(TABLE, name, says=says)
    own = {item.name for item in fields(SinkExpectation)}
    for key in table:
        if key not in own:
            raise plan.where.error(TABLE, name, key, says=f"unknown key; {did_you_mean(key, own, otherwise='')}")
    values = {key: _checked(plan, (TABLE, name, key), SinkExpectation, value) for key, value in table.items()}
    return SinkExpectation(**values)


def _checked(plan: Plan, keys: tuple[str, ...], owner: type, value: Any) -> Any:
    default = {item.name: item.default for item in fields(owner)}[keys[-1]]
    signed = keys[-1] == "level_db" or keys[-1].endswith(("_echo_db", "_dbov"))  # levels against full scale, gains
    number = "a number" if signed else "a number of at least 0"
    wanted = "text" if keys[-1] == "dtmf" or isinstance(default, str) else number
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
