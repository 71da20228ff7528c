"""How loud a recording is, by itself."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from harness.sound.active import FULL_SCALE, active_level, dbov
from harness.sound.g711 import PEAK, RATE, Samples

DEAD_DBOV = -60.0
DEAD_S = 0.5
BLOCK = RATE // 100


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
    active, activity = active_level(sound)
    blocks = sound[: len(sound) // BLOCK * BLOCK].reshape(-1, BLOCK)
    alternating = np.sqrt(blocks.var(axis=1)) if len(blocks) else np.zeros(0)
    dead = alternating < FULL_SCALE * 10 ** (DEAD_DBOV / 20)
    return Level(
        length_s=len(sound) / RATE,
        rms_dbov=dbov(float(np.mean(sound**2)) if len(sound) else 0.0),
        peak_dbov=dbov(float(np.abs(sound).max() ** 2) if len(sound) else 0.0),
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
