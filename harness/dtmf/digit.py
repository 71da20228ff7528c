"""What a digit is: two tones of Q.23, their keys and levels."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

RATE = 8000
ROWS, COLUMNS = (697, 770, 852, 941), (1209, 1336, 1477, 1633)  # Hz, Q.23
TONES = ROWS + COLUMNS
KEYS = "123A456B789C*0#D"
OVERLOAD_DBM0, OVERLOAD_PEAK = 3.17, 4 * 8159.0  # a sine that just fills mu-law's range (G.711)

Floats = npt.NDArray[np.floating[Any]]
Numbers = npt.NDArray[Any]


class Digit(NamedTuple):  # which is made in a quarter of the time that a dataclass takes
    """One digit that was heard; times are seconds of the recording.

    `twist_db` is the high tone over the low one, frequency errors are in percent of Q.23's. `confidence` grows from
    0.5, just accepted, to 1, beyond doubt; it is for sorting, not for judging.
    """

    digit: str
    start_s: float
    end_s: float
    low_dbm0: float
    high_dbm0: float
    low_error: float
    high_error: float
    confidence: float

    @property
    def length_s(self) -> float:
        """How long it lasted."""
        return self.end_s - self.start_s

    @property
    def level_dbm0(self) -> float:
        """The level of the stronger tone."""
        return max(self.low_dbm0, self.high_dbm0)

    @property
    def twist_db(self) -> float:
        """How much stronger the high tone was than the low one."""
        return self.high_dbm0 - self.low_dbm0


def dbm0(amplitude: float) -> float:
    """Return the level of a sine of that peak."""
    return float(20 * np.log10(max(amplitude, 1e-9) / OVERLOAD_PEAK) + OVERLOAD_DBM0)


def amplitude(dbm0: float) -> float:
    """Return the peak of a sine of that level."""
    return float(OVERLOAD_PEAK * 10 ** ((dbm0 - OVERLOAD_DBM0) / 20))
