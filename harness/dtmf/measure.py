"""Stage two: measures what stage one found, and says whether it is a digit."""

from __future__ import annotations

import numpy as np

from harness.dtmf.digit import KEYS, OVERLOAD_DBM0, OVERLOAD_PEAK, RATE, Digit, Floats, amplitude
from harness.dtmf.envelope import MS, NOMINAL, Bursts, Excerpts, bursts, excerpts
from harness.dtmf.search import Candidates, Floats32, taken
from harness.dtmf.surroundings import surroundings
from harness.dtmf.tones import Tones, tones

SHORTEST_MS = 31.5  # Q.24 rejects 24 ms and accepts 40
FREQUENCY_ERROR, DIRTY_ERROR = 2.4, 0.4  # %: 1.8 must be accepted, 3.0 not; among other sound only a digital sender
LEAST_TWIST_DB, MOST_TWIST_DB = -9.5, 7.0
FAINTEST = amplitude(-45.0)
CLEAN = 0.9  # of the energy is the pair: no more questions
LEAST_SHARE = 0.1
LONGER_MS = 55.0  # so much more is asked of a pair that is nothing of the energy than of one that is all of it
NEW_SHARE = 0.55  # of what came and went with the pair
COHERENCE, DIRTY_COHERENCE = 0.75, 0.9
OTHER = 0.5  # a third tone of the eight, against the one of its own group
STRANGE = 0.6  # any other tone that comes and goes with the pair, against the weaker of the two
CHORD_MS = 150.0  # a note of speech can begin and end with a digit that is shorter

LENGTHS = (12, 48, 192)  # candidates of up to so many windows are measured together


def measure(padded: Floats32, found: Candidates, end_s: float) -> list[Digit]:
    """Return the digits at the candidates' places, in any order, some of them twice; the sound ends at `end_s`.

    The sound has `AROUND` more samples at its beginning, and at least as many at its end.
    """
    length = found.after - found.first
    digits: list[Digit] = []
    least = 0
    for most in (*LENGTHS, int(length.max(initial=0))):
        these = (length > least) & (length <= most)
        if these.any():
            digits += _measured(padded, taken(found, these), end_s)
        least = max(least, most)
    return digits


def _measured(padded: Floats32, found: Candidates, end_s: float) -> list[Digit]:
    cut = excerpts(padded, found)
    burst = bursts(cut)
    long_enough = burst.end - burst.start >= SHORTEST_MS * MS
    if not long_enough.any():
        return []
    cut, burst = taken(cut, long_enough), taken(burst, long_enough)
    heard = tones(cut, burst)
    errors = 100 * np.abs(heard.offset) / NOMINAL[cut.key]
    levels = 20 * np.log10(np.maximum(heard.amplitude, 1e-6) / OVERLOAD_PEAK) + OVERLOAD_DBM0
    twist = levels[:, 1] - levels[:, 0]
    good = (errors.max(axis=1) <= FREQUENCY_ERROR) & (heard.coherence.min(axis=1) >= COHERENCE)
    good &= (heard.amplitude.min(axis=1) >= FAINTEST) & (twist >= LEAST_TWIST_DB) & (twist <= MOST_TWIST_DB)
    whole = (heard.start == burst.start) & (heard.end == burst.end)
    steady = (errors.max(axis=1) <= DIRTY_ERROR) & (heard.coherence.min(axis=1) >= DIRTY_COHERENCE)
    alone = good & (heard.share >= CLEAN) & (cut.other <= OTHER**2)
    confidence = np.where(alone, np.minimum(heard.share, 1), 0)
    unsure = np.flatnonzero(good & steady & ~alone)
    if len(unsure):
        confidence[unsure] = _among_sound(padded, taken(cut, unsure), taken(burst, unsure), taken(heard, unsure))
    accepted = confidence > 0
    cut, burst, heard = taken(cut, accepted), taken(burst, accepted), taken(heard, accepted)
    start_s = np.maximum((cut.origin + burst.start) / RATE, 0)
    columns = (
        start_s,
        np.minimum((cut.origin + burst.end) / RATE, end_s),
        *levels[accepted].T,
        *(100 * heard.offset / NOMINAL[cut.key]).T,
        confidence[accepted].round(3),
    )
    names = ("start_s", "end_s", "low_dbm0", "high_dbm0", "low_error", "high_error", "confidence")
    rows = zip(cut.key.tolist(), *(column.tolist() for column in columns), strict=True)
    return [Digit(digit=KEYS[key], **dict(zip(names, figures, strict=True))) for key, *figures in rows]


def _among_sound(padded: Floats32, cut: Excerpts, burst: Bursts, heard: Tones) -> Floats:
    """Return the confidence in pairs that are not alone; 0 in those that are no digits."""
    whole = (heard.start == burst.start) & (heard.end == burst.end)
    start, end = cut.origin + heard.start, cut.origin + heard.end
    around = surroundings(padded, cut.key, start, end, heard.amplitude, burst.parts)
    length = (heard.end - heard.start) / MS
    good = (around.share >= LEAST_SHARE) & (around.other <= OTHER)
    good &= length >= SHORTEST_MS + LONGER_MS * np.maximum(0, CLEAN - around.share)
    new = np.where((around.share < CLEAN) | ~whole, around.new_share, 1)
    good &= (new >= NEW_SHARE) & ((length <= CHORD_MS) | (around.strange <= STRANGE))
    return np.asarray(np.where(good, 0.5 + 0.4 * (new - NEW_SHARE) / (1 - NEW_SHARE), 0))
