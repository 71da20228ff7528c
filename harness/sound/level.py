"""How loud a recording is, by itself."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from harness.sound.active import FULL_SCALE, SILENT_DBOV, active_level, dbov
from harness.sound.dropouts import dropouts
from harness.sound.g711 import PEAK, RATE, Floats, Samples
from harness.sound.runs import runs

DEAD_DBOV = -60.0
DEAD_S = 0.5
BLOCK = RATE // 100
IDLE_SHARE = 0.1  # of the recording, the quietest of it: nobody speaks all the time
FLAT, IN_A_ROW, LOUD = 0.985, 3, 16384  # so near to the largest, so often, and so large: a limiter, not a peak


@dataclass(frozen=True, slots=True, kw_only=True)
class Level:
    """Levels are dBov: 0 is the power of a full-scale square wave. Stretches are (at_s, length_s)."""

    length_s: float
    rms_dbov: float
    peak_dbov: float
    active_dbov: float  # P.56: pauses left out
    activity: float  # share of the time that is not pause
    idle_dbov: float  # the quietest tenth of it
    clipped: int  # samples at G.711's rails
    flattened: tuple[tuple[float, float], ...]  # stretches in which samples in a row are as large as any
    dc: float  # in 16-bit steps
    dead_air: tuple[tuple[float, float], ...]
    dropouts: tuple[tuple[float, float], ...]  # silences that cut off sound
    silent: bool  # there is nothing in it at all


def measure(heard: Samples, *, digits: Sequence[tuple[float, float]] = ()) -> Level:
    """Measure a recording without knowing what it should be.

    `digits` are (start_s, end_s) of its DTMF digits, which begin and end as suddenly as a lost packet does.
    """
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
        idle_dbov=dbov(float(np.quantile(alternating, IDLE_SHARE)) ** 2) if len(blocks) else SILENT_DBOV,
        clipped=int((np.abs(sound) >= PEAK).sum()),
        flattened=tuple(_flattened(sound)),
        dc=float(sound.mean()) if len(sound) else 0.0,
        dead_air=tuple(
            (first * BLOCK / RATE, (after - first) * BLOCK / RATE)
            for first, after in runs(dead)
            if (after - first) * BLOCK > DEAD_S * RATE
        ),
        dropouts=tuple(dropouts(sound, digits)),
        silent=bool(dead.all()),
    )


def _flattened(sound: Floats) -> Iterator[tuple[float, float]]:
    magnitude = np.abs(sound)
    largest = float(magnitude.max(initial=0))
    if largest >= LOUD:
        for first, after in runs(magnitude >= FLAT * largest):
            if after - first >= IN_A_ROW:
                yield first / RATE, (after - first) / RATE
