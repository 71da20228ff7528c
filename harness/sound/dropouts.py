"""Sudden silences in a recording, found without knowing what it should be."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np

from harness.sound.g711 import RATE, STILL, Floats
from harness.sound.runs import runs

SHORTEST = RATE // 100
LONGEST = 2 * RATE  # a longer one is a pause, or dead air
EDGE = RATE // 400
LOUD_RMS = 328.0  # -40 dBov: a voice fades before it pauses, a lost packet cuts it off
BESIDE_S = 0.02  # digits begin and end suddenly


def dropouts(sound: Floats, ignore: Sequence[tuple[float, float]] = ()) -> Iterator[tuple[float, float]]:
    """Yield (at_s, length_s) of each silence that cuts off sound, and after which sound is there at once.

    `ignore` holds (start_s, end_s) of stretches whose edges are sudden by nature: digits.
    """
    for first, after in runs(np.abs(sound) <= STILL):
        if not SHORTEST <= after - first <= LONGEST or first < EDGE or after + EDGE > len(sound):
            continue
        edges = sound[first - EDGE : first], sound[after : after + EDGE]
        if min(float(np.sqrt(np.mean(edge**2))) for edge in edges) < LOUD_RMS:
            continue
        at_s, until_s = first / RATE, after / RATE
        if not any(abs(at_s - end_s) < BESIDE_S or abs(until_s - start_s) < BESIDE_S for start_s, end_s in ignore):
            yield at_s, until_s - at_s
