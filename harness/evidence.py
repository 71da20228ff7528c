"""What a run left in its folder, read as far as it makes sense: files get cut off, damaged and forged."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from b2b.errors import UsageError
from harness.jsonl import fits, is_time, parse, read_lines

SUMMARY, EVENTS, METRICS, NOTES = "summary.json", "events.jsonl", "metrics.jsonl", "capture.json"
NO_SUMMARY: Mapping[str, Any] = {
    "exit_code": None, "network": "", "duration_s": 0.0, "nodes": {}, "failed_first": None,
}  # fmt: skip
FAILED = {"node": str, "code": int, "reason": str}


def summary(folder: Path) -> dict[str, Any]:
    """Return what the orchestrator said of a run; emptiness where it had no time to. Raises UsageError for nonsense."""
    path = folder / SUMMARY
    if not path.exists():
        return dict(NO_SUMMARY)
    values = read_object(path)
    known = {**NO_SUMMARY, **values}
    checks = {
        "exit_code": fits(known["exit_code"], int | None),
        "network": fits(known["network"], str),
        "duration_s": fits(known["duration_s"], float) and known["duration_s"] >= 0,
        "nodes": isinstance(known["nodes"], dict) and all(map(_is_node, known["nodes"].values())),
        "failed_first": known["failed_first"] is None or _has(known["failed_first"], FAILED),
    }
    for key, good in checks.items():
        if not good:
            raise UsageError(f"{path}: {key} is not what the orchestrator writes there; the file is damaged")
    return known


def events(folder: Path) -> list[dict[str, Any]]:
    """Return every event of a run that makes sense; one of nobody is of the node ""."""
    lines = (values for values in read_lines(folder / EVENTS) if "wall_s" in values and is_event(values))
    return [{"node": "", **values} for values in lines]


def metrics(folder: Path) -> list[dict[str, Any]]:
    """Return every line of metrics that makes sense."""
    return [values for values in read_lines(folder / METRICS) if "wall_s" in values and is_metrics(values)]


def notes(folder: Path, *, refusal: str) -> dict[str, Any]:
    """Return what the capture came to; where it noted nothing, that it was refused or saw nothing."""
    nothing = {"packets": 0, "drops": 0, "refusal": refusal}
    for values in read_lines(folder / NOTES):
        if _has({**nothing, **values}, {"packets": int, "drops": int, "refusal": str}):
            return {**nothing, **values, "refusal": values.get("refusal") or refusal}
    return nothing


def read_object(path: Path) -> dict[str, Any]:
    """Return the JSON object in a file. Raises UsageError where there is none."""
    try:
        values = parse(path.read_bytes())
    except OSError as error:
        raise UsageError(f"{path}: wanted a JSON object, but it cannot be read: {error.strerror}") from None
    except ValueError as error:
        raise UsageError(f"{path}: wanted a JSON object, but it is damaged: {error}") from None
    if not isinstance(values, dict):
        raise UsageError(f"{path}: wanted a JSON object, came something else; the file is damaged")
    return values


def is_event(values: Mapping[str, Any]) -> bool:
    """Whether a line of events.jsonl says what happened, and nothing that nobody would have written."""
    if not (is_time(values.get("wall_s", 0.0)) and _has({"node": "", **values}, {"node": str, "event": str})):
        return False
    if values["event"] == "ready":
        return fits(values.get("sip", ""), str)
    if values["event"] == "started":
        return fits(values.get("pid", 0), int) and _is_command(values.get("command", []))
    return is_time(values.get("began_s", 0.0))


def is_metrics(values: Mapping[str, Any]) -> bool:
    """Whether a line of metrics.jsonl says whose they were and when, and has no number beyond sense."""
    return is_time(values.get("wall_s", 0.0)) and fits(values.get("node"), str) and _is_plain(values)


def _is_node(values: object) -> bool:
    if not isinstance(values, dict):
        return False
    counted = values.get("metrics")
    if counted is None:
        return True
    return isinstance(counted, dict) and _is_plain(counted) and fits(counted.get("call_s", 0), float)


def _is_plain(values: Mapping[str, Any]) -> bool:
    return all(fits(value, float | str | bool | None) for value in values.values())


def _has(values: object, kinds: Mapping[str, type]) -> bool:
    return isinstance(values, Mapping) and all(fits(values.get(key), kind) for key, kind in kinds.items())


def _is_command(words: object) -> bool:
    return isinstance(words, list) and all(isinstance(word, str) for word in words)
