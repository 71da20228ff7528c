"""Run folders of calls that nobody made, in the number and with the figures that a test wants."""

from __future__ import annotations

import json
from pathlib import Path

from calls.synthetic import ANSWERED_S, PLAN
from harness.compare.runs import Run, read
from harness.figures import Figures, keep

DAY_S = 86400.0
EXIT_CODES = {"pass": 0, "none": 0, "fail": 1, "unknown": 1, "error": 65, "cut off": None}
LEG = {
    "codec": "PCMU", "packets": 3000, "missing": 0, "late": 0, "reordered": 0, "duplicates": 0,
    "max_gap_arrival_ms": 22.0, "max_gap_timestamp_ms": 20.0, "jitter_mean_ms": 0.8, "jitter_p95_ms": 1.1,
    "jitter_max_ms": 2.0, "skew_ppm": 0.1, "mos_lqe": 4.41,
}  # fmt: skip
SINK = {
    "length_s": 60.0, "digits": "", "rms_dbov": -25.0, "delay_ms": 420.0, "level_db": 0.02, "snr_db": 36.0,
    "worst_snr_db": 30.0, "worst_gap_ms": 0.0, "clipped": 0,
}  # fmt: skip


def made_up(
    folder: Path, *, at_s: float = 0.0, plan: str = "plans/sk.plan.toml", outcome: str = "pass", gap: str | None = None,
    leg: dict | None = None, sink: dict | None = None,
) -> Run:  # fmt: skip
    """Make a run folder; `gap` is what its check of gaps came to, by default the run's outcome."""
    folder.mkdir(parents=True)
    begun = {"wall_s": ANSWERED_S + at_s, "event": "begun", "node": "orchestrator", "plan": plan}
    (folder / "events.jsonl").write_text(json.dumps(begun) + "\n")
    (folder / "plan.toml").write_text(PLAN.format(audio="played.wav"))
    failed = {"node": "sink", "code": 65, "reason": "nobody was there"} if outcome == "error" else None
    summary = {"exit_code": EXIT_CODES[outcome], "network": "private", "duration_s": 60.0, "nodes": {},
               "failed_first": failed}  # fmt: skip
    (folder / "summary.json").write_text(json.dumps(summary))
    if outcome in ("pass", "fail", "unknown"):
        reason = "all 2 checks passed" if outcome == "pass" else "source -> sink: gap: wanted at most 40 ms, got more"
        checks = [_check("lost", "pass"), _check("gap", gap or outcome)]
        verdict = {"outcome": outcome, "reason": reason, "checks": checks}
        (folder / "verdict.json").write_text(json.dumps(verdict))
    keep(folder, Figures(legs={"source -> sink": {**LEG, **(leg or {})}}, sinks={"sink": {**SINK, **(sink or {})}}))
    return read(folder)


def _check(name: str, outcome: str) -> dict:
    return {"name": name, "where": "source -> sink", "outcome": outcome, "wanted": "at most 40 ms", "got": "64.1 ms",
            "at_s": None, "file": "capture.pcap"}  # fmt: skip
