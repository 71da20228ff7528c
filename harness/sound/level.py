"""How loud a recording is, by itself."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from harness.sound.g711 import PEAK, RATE, Floats, Samples

FULL_SCALE = 32768.0
SILENT_DBOV = -96.0  # what a meter shows where there is nothing: one bit of 16
DEAD_DBOV = -60.0
DEAD_S = 0.5
BLOCK = RATE // 100
MARGIN_DB = 15.9  # P.56: how far the active level lies over the threshold of activity
HANGOVER_S, SMOOTHING_S = 0.2, 0.03


@dataclass(frozen=True, slots=True, kw_only=True)
class Level:
    """Levels are dBov: 0 is the power of a full-scale square wave. Stretches are (at_s, length_s)."""

    length_s: float
    rms_dbov: float
    peak_dbov: float
    active_dbov: float  # P.56: pauses left out
    activity: float  # share of the time that is not pause
    clipped: int
    dc: float  # in 16-bit steps
    dead_air: tuple[tuple[float, float], ...]
    silent: bool  # there is nothing in it at all


def measure(heard: Samples) -> Level:
    """Measure a recording without knowing what it should be."""
    sound = np.asarray(heard, np.float64)
    active, activity = _active(sound)
    blocks = sound[: len(sound) // BLOCK * BLOCK].reshape(-1, BLOCK)
    alternating = np.sqrt(blocks.var(axis=1)) if len(blocks) else np.zeros(0)
    dead = alternating < FULL_SCALE * 10 ** (DEAD_DBOV / 20)
    return Level(
        length_s=len(sound) / RATE,
        rms_dbov=_db(float(np.mean(sound**2)) if len(sound) else 0.0),
        peak_dbov=_db(float(np.abs(sound).max() ** 2) if len(sound) else 0.0),
        active_dbov=active,
        activity=activity,
        clipped=int((np.abs(sound) >= PEAK).sum()),
        dc=float(sound.mean()) if len(sound) else 0.0,
        dead_air=tuple(
            (first * BLOCK / RATE, (after - first) * BLOCK / RATE)
            for first, after in runs(dead)
            if (after - first) * BLOCK > DEAD_S * RATE
        ),
        silent=bool(dead.all()),
    )


def runs(where: np.ndarray[tuple[int], np.dtype[np.bool_]]) -> list[tuple[int, int]]:
    """Return first and one after the last of each run of what is true."""
    edges = np.flatnonzero(np.diff(np.concatenate(([False], where, [False])).astype(np.int8)))
    return list(zip(edges[::2].tolist(), edges[1::2].tolist(), strict=True))


def _db(power: float) -> float:
    return max(SILENT_DBOV, float(10 * np.log10(power / FULL_SCALE**2))) if power > 0 else SILENT_DBOV


def _active(sound: Floats) -> tuple[float, float]:
    """Return the active level of P.56, method B, and the share of active time."""
    energy = float((sound**2).sum())
    if not energy:
        return SILENT_DBOV, 0.0
    from scipy.ndimage import maximum_filter1d  # type: ignore[import-untyped]
    from scipy.signal import lfilter  # type: ignore[import-untyped]

    keep = np.exp(-1 / (RATE * SMOOTHING_S))
    envelope = np.abs(sound) / FULL_SCALE
    for _ in range(2):
        envelope = lfilter([1 - keep], [1, -keep], envelope)
    hangover = round(RATE * HANGOVER_S)
    held = maximum_filter1d(envelope, hangover + 1, origin=hangover // 2, mode="constant")
    thresholds = 2.0 ** np.arange(-15, 0)
    counts = np.array([(held >= threshold).sum() for threshold in thresholds])
    levels = 10 * np.log10(energy / FULL_SCALE**2 / np.maximum(counts, 1))
    over = levels - 20 * np.log10(thresholds)
    usable = np.flatnonzero(counts)
    if not len(usable) or over[usable[0]] < MARGIN_DB:
        active = _db(energy / len(sound))
    else:
        above = int(usable[over[usable] >= MARGIN_DB][-1])
        if above + 1 < len(over) and counts[above + 1]:
            part = (over[above] - MARGIN_DB) / (over[above] - over[above + 1])
            active = float(levels[above] + part * (levels[above + 1] - levels[above]))
        else:
            active = float(levels[above])
    return active, min(1.0, 10 ** ((_db(energy / len(sound)) - active) / 10))
