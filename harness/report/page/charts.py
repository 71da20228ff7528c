"""The metrics of a run over time."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from harness.report.page.view import Chart

CHARTS = (  # metrics.jsonl's name, what a person calls it, its unit
    ("jitter_ms_p95", "jitter, 95th percentile", "ms"),
    ("rtp_loss", "packets lost so far", ""),
    ("cpu_pct", "processor, of one core", "%"),
    ("rms_in_dbov", "level heard", "dBov"),
    ("rms_out_dbov", "level sent", "dBov"),
    ("rx_discards", "discarded by the jitter buffer", ""),
)


def charts(metrics: Sequence[Mapping[str, Any]], origin_s: float) -> list[Chart]:
    """Return a chart for each metric that somebody measured at least twice, and that was not always nothing."""
    found = []
    for name, title, unit in CHARTS:
        lines: dict[str, list[tuple[float, float]]] = {}
        for values in metrics:
            if isinstance(values.get(name), int | float) and not values.get("final"):
                lines.setdefault(values["node"], []).append((values["wall_s"] - origin_s, float(values[name])))
        several = {node: points for node, points in lines.items() if len(points) > 1}
        if any(value for points in several.values() for _, value in points):
            found.append(Chart(title=title, unit=unit, lines=several))
    return found
