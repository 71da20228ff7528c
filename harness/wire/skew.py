"""How much faster a sender's clock runs than the one that stamped the capture."""

from __future__ import annotations

import numpy as np

from harness.wire.order import Numbers, unwrap_timestamps

SHORTEST_S = 10.0
FEWEST = 200  # packets
BLOCKS = 60
MOST_PPM = 5000.0  # beyond that it is no clock that drifts, but a sender that stalls or a clock that was set


def skew_ppm(times_s: Numbers, timestamps: Numbers, clock_hz: int) -> float | None:
    """Return the skew in parts per million, positive for a sender that is fast; None where too little is known.

    What delays packets only makes them later, so each stretch's earliest packet counts, and of all slopes between two
    such packets the median: a stall or a jump of the timestamps bends it only where there are many.
    """
    if len(times_s) < FEWEST or not clock_hz or times_s[-1] - times_s[0] < SHORTEST_S:
        return None
    sent_s = unwrap_timestamps(timestamps) / clock_hz
    delay_s = times_s - times_s[0] - (sent_s - sent_s[0])
    blocks = np.array_split(np.arange(len(times_s)), BLOCKS)
    earliest = np.array([block[np.argmin(delay_s[block])] for block in blocks])
    one, other = np.triu_indices(BLOCKS, k=BLOCKS // 4)
    apart_s = sent_s[earliest[other]] - sent_s[earliest[one]]
    slopes = (delay_s[earliest[other]] - delay_s[earliest[one]])[apart_s > 0] / apart_s[apart_s > 0]
    if not len(slopes):
        return None
    ppm = -1e6 * float(np.median(slopes))
    return ppm if abs(ppm) < MOST_PPM else None
