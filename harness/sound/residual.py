"""What is left of a recording beside the file at its gain and the digits: noise, hum, somebody else."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from harness.sound import g711
from harness.sound.active import dbov
from harness.sound.g711 import RATE, Floats, Numbers
from harness.sound.pieces import ACTIVE_RMS

WINDOW = RATE // 5
QUIET_RMS = 10.0  # -70 dBov: the file is silent
LEAST = WINDOW // 4  # samples of a window that have to count
FOLLOWS_DB = -32.0  # under the file: what comes and goes with it is no noise, and the SNR has it
MOVED_DB = -26.0  # the same where a clock or an echo was followed, of which something is always left
CODES = 2 * 2 / (12 * 16**2)  # (step of mu-law)^2 / 12 is (|x| + 132)^2 / 16^2 / 12 at most; two legs, twice


@dataclass(frozen=True, slots=True)
class Residual:
    """Levels in dBov; NaN where there was nothing to measure by."""

    snr_db: float = math.nan
    worst_snr_db: float = math.nan
    worst_at_s: float = math.nan
    loudest_dbov: float = math.nan  # of any 200 ms, beyond what mu-law itself leaves
    loudest_at_s: float = math.nan
    idle_dbov: float = math.nan  # where the file is silent


def measure(laid: Floats, left: Floats, fine: Numbers, *, beside: Numbers, loudness: Floats, exact: bool) -> Residual:
    """Measure what is left, in windows of 200 ms.

    `laid` is the file at its gain, `fine` where it may be compared. `beside` are samples that count besides: in digits
    that were fitted. The recording is `exact` where its samples are the file's: not resampled, and without an echo.
    `loudness` is all that was expected, file and digits, by which mu-law's own noise is known.
    """
    follows = 10 ** ((FOLLOWS_DB if exact else MOVED_DB) / 10)
    count = len(laid) // WINDOW

    def sums(values: Numbers) -> Floats:
        return np.asarray(values[: count * WINDOW].reshape(count, WINDOW).sum(axis=1), np.float64)

    squares = left**2
    size, wanted, error = sums(fine), sums(fine * laid**2), sums(fine * squares)
    active = np.flatnonzero((size >= LEAST) & (wanted > size * ACTIVE_RMS**2))
    if not len(active):
        return Residual()
    each = 10 * np.log10(wanted[active] / (error[active] + 1e-9))
    worst = int(each.argmin())
    where = fine | beside
    size = sums(where)
    allowed = sums(where * (CODES * (np.abs(loudness) + 132) ** 2)) + follows * sums(where * loudness**2)
    more = np.where(size >= LEAST, (sums(where * squares) - allowed) / np.maximum(size, 1), 0.0)
    loudest = int(more.argmax())
    idle = (size >= LEAST) & (sums(where * loudness**2) < size * QUIET_RMS**2)
    return Residual(
        snr_db=float(10 * np.log10(wanted[active].sum() / (error[active].sum() + 1e-9))),
        worst_snr_db=float(each[worst]),
        worst_at_s=int(active[worst]) * WINDOW / RATE,
        loudest_dbov=dbov(float(more[loudest])),
        loudest_at_s=loudest * WINDOW / RATE,
        idle_dbov=dbov(float(sums(where * squares)[idle].sum() / size[idle].sum())) if idle.any() else math.nan,
    )


def codes_equal(played: Floats, sound: Numbers, where: Numbers, gains: Sequence[float]) -> float:
    """Return the share of samples within one code of the file, taken through a leg of mu-law after each gain."""
    if not where.any():
        return math.nan
    expected = played[where]
    for gain in gains:
        expected = g711.through(gain * expected).astype(np.float64)
    return float((np.abs(g711.codes(expected) - g711.codes(sound[where])) <= 1).mean())
