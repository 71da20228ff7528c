"""Stage two: measures what stage one found, and says whether it is a digit."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from typing import NamedTuple

import numpy as np

from harness.dtmf.digit import OVERLOAD_DBM0, OVERLOAD_PEAK, RATE, Floats, Numbers, amplitude
from harness.dtmf.envelope import MS, NOMINAL, Bools, Bursts, Excerpts, bursts, excerpts
from harness.dtmf.search import Candidates, Ints, taken
from harness.dtmf.surroundings import surroundings
from harness.dtmf.tones import Tones, tones

SHORTEST_MS = 31.5  # Q.24 rejects 24 ms and accepts 40
LEAST_TWIST_DB, MOST_TWIST_DB = -9.5, 7.0
FAINTEST = amplitude(-45.0)

# A pair that is alone: Q.24 asks for 1.8 % to be accepted, and 3.0 not.
CLEAN, IMPOSSIBLE = 0.9, 1.25  # of the energy is the pair
ERROR, UNSTEADY_ERROR = 2.4, 1.5  # %, of a whole burst, and of one with a jump in it or a glide
COHERENCE, STEADY = 0.75, 0.97
OTHER = 0.5  # a third tone of the eight, against the one of its own group

# A pair that is nearly alone, and so exact that in eighty hours of speech and music there is none.
NEARLY, EXACT_CYCLES, EXACT, EXACT_MS = 0.7, 0.03, 0.98, 42.0  # cycles that the phase may gain; coherence; length

# A pair that is alone above 570 Hz, over dial tone or hum; or that is most of the energy, over noise that stays.
LITTLE, LONG_ENOUGH_MS = 0.25, 37.0  # a third tone, against the pair's; length
OVER_HUM, HUM_ERROR = 0.97, 2.0  # share of all above 570 Hz, and of what is new there; %
OVER_NOISE, NEW_OVER_NOISE, NOISE_ERROR = 0.75, 0.9, 1.7  # share of all; of what is new above 570 Hz; %

# A pair among other sound, which only a digital sender's is certain to be: what speaks for it is its length, what
# against it adds up. The weights are a logistic regression's, of digits under speech, music and noise, and of eighty
# hours of speech and music without; above 0 it is a digit.
EVIDENCE, PER_MS, LONG_MS = 3.3, 0.065, 120.0
DOUBTS = {
    "error": 2.0,  # a percent of frequency
    "cycles": 22.0,  # that its phase gains or loses
    "incoherence": 18.0,
    "foreign": 7.7,  # share of the energy
    "buried": 7.0,  # share of the energy of all frequencies that is below the usual
    "other": 2.6,  # new third tone of the eight, against its group's own
    "strange": 3.7,  # any other tone that came and went, against the weaker of the pair
    "twist": 0.4,  # a dB beside the usual
    "faint": 0.7,  # a dB
    "brief": 0.5,  # a ms
}
USUAL_TWIST_DB, FAINT_DBM0, BRIEF_MS, USUAL_SHARE = -1.0, -24.0, 38.0, 0.3
MOST_ERROR, LEAST_COHERENCE, MOST_OTHER, LEAST_NEW = 0.8, 0.87, 0.7, 0.4  # none of them, whatever else

LENGTHS = (10, 100)  # candidates of up to so many windows are measured together, and all where they are few:
FEW = 4000  # windows, if each were as long as the longest


class Measured(NamedTuple):
    """What a digit has, of each that was found; `key` is an index."""

    key: Ints
    start_s: Floats
    end_s: Floats
    low_dbm0: Floats
    high_dbm0: Floats
    low_error: Floats
    high_error: Floats
    confidence: Floats


def measure(padded: Numbers, found: Candidates) -> Measured:
    """Return the digits at the candidates' places, as they come, some of them twice; an end may lie after the sound's.

    The sound has `AROUND` more samples at its beginning, and at least as many at its end.
    """
    length = found.after - found.first
    longest = int(length.max(initial=0))
    limits = (0, longest) if longest * len(length) < FEW else (0, *LENGTHS, max(LENGTHS[-1], longest))
    groups = [(length > least) & (length <= most) for least, most in itertools.pairwise(limits)]
    parts = [part for group in groups if group.any() for part in _measured(padded, taken(found, group))]
    if not parts:
        nothing = np.zeros(0)
        return Measured(found.key[:0], *(nothing,) * 7)
    return Measured(*(np.concatenate(columns) for columns in zip(*parts, strict=True)))


def _measured(padded: Numbers, searched: Candidates) -> Iterator[Measured]:
    cut = excerpts(padded, searched)
    burst = bursts(cut)
    long_enough = burst.end - burst.start >= SHORTEST_MS * MS
    if not long_enough.any():
        return
    if not long_enough.all():
        cut, burst = taken(cut, long_enough), taken(burst, long_enough)
    heard = tones(cut, burst)
    levels = _dbm0(heard.amplitude)
    twist = levels[:, 1] - levels[:, 0]
    error, coherence = _errors(cut, heard).max(axis=1), heard.coherence.min(axis=1)
    good = (heard.amplitude.min(axis=1) >= FAINTEST) & (twist >= LEAST_TWIST_DB) & (twist <= MOST_TWIST_DB)
    good_pair = (heard.share <= IMPOSSIBLE) & (cut.other <= OTHER**2)
    alone = good & good_pair & (heard.share >= CLEAN) & (coherence >= COHERENCE)
    alone &= error <= np.where(_whole(burst, heard) & (coherence >= STEADY), ERROR, UNSTEADY_ERROR)
    alone |= good & good_pair & _exact(burst, heard)
    confidence = np.where(alone, np.minimum(heard.share, 1), 0)
    steady = (coherence >= LEAST_COHERENCE) & (error <= np.where(coherence >= EXACT, HUM_ERROR, MOST_ERROR))
    unsure = np.flatnonzero(good & ~alone & steady)
    if len(unsure):
        confidence[unsure] = _among_sound(padded, taken(cut, unsure), taken(burst, unsure), taken(heard, unsure))
    errors = 100 * heard.offset / NOMINAL[cut.key]
    found = Measured(
        cut.key,
        start_s=np.maximum((cut.origin + burst.start) / RATE, 0),
        end_s=(cut.origin + burst.end) / RATE,
        low_dbm0=levels[:, 0],
        high_dbm0=levels[:, 1],
        low_error=errors[:, 0],
        high_error=errors[:, 1],
        confidence=confidence.astype(np.float64).round(3),
    )
    yield taken(found, confidence > 0)


def _among_sound(padded: Numbers, cut: Excerpts, burst: Bursts, heard: Tones) -> Floats:
    """Return the confidence in pairs that are not alone; 0 in those that are no digits."""
    start, end = cut.origin + heard.start, cut.origin + heard.end
    around = surroundings(padded, cut.key, start, end, heard.amplitude, burst.parts)
    length = (heard.end - heard.start) / MS
    levels = _dbm0(heard.amplitude)
    against = {
        "error": _errors(cut, heard).max(axis=1),
        "cycles": _cycles(heard),
        "incoherence": 1 - heard.coherence.min(axis=1),
        "foreign": 1 - around.share,
        "buried": np.maximum(USUAL_SHARE - heard.share, 0),
        "other": around.other,
        "strange": np.maximum(around.strange, 0),
        "twist": np.abs(levels[:, 1] - levels[:, 0] - USUAL_TWIST_DB),
        "faint": np.maximum(FAINT_DBM0 - levels.max(axis=1), 0),
        "brief": np.maximum(BRIEF_MS - length, 0),
    }
    doubt = np.sum([DOUBTS[name] * value for name, value in against.items()], axis=0)
    beyond = EVIDENCE + PER_MS * np.minimum(length, LONG_MS) - doubt
    good = (beyond > 0) & (length >= SHORTEST_MS) & (around.new_share >= LEAST_NEW) & (around.other <= MOST_OTHER)
    good &= against["error"] <= MOST_ERROR
    over_hum = (np.minimum(around.share, around.new_share) >= OVER_HUM) & (against["error"] <= HUM_ERROR)
    over_noise = (np.minimum(around.share, heard.share) >= OVER_NOISE) & (around.new_share >= NEW_OVER_NOISE)
    over_noise &= (against["error"] <= NOISE_ERROR) & (against["faint"] == 0)
    steady = _whole(burst, heard) & (against["incoherence"] <= 1 - EXACT) & (length >= LONG_ENOUGH_MS)
    steady &= (over_hum | over_noise) & (np.maximum(around.other, around.strange) <= LITTLE)
    return np.asarray(np.where(steady, 0.9, np.where(good, 0.9 - 0.4 * np.exp(-np.maximum(beyond, 0) / 3), 0)))


def _exact(burst: Bursts, heard: Tones) -> Bools:
    """Whether pairs are nearly alone, and a digital sender's."""
    good = (heard.share >= NEARLY) & _whole(burst, heard)
    good &= (heard.coherence.min(axis=1) >= EXACT) & (_cycles(heard) <= EXACT_CYCLES)
    return np.asarray(good & (heard.end - heard.start >= EXACT_MS * MS))


def _cycles(heard: Tones) -> Floats:
    """Return how far the phase of either tone runs away in all."""
    return np.asarray(np.abs(heard.offset).max(axis=1) * (heard.end - heard.start) / RATE)


def _errors(cut: Excerpts, heard: Tones) -> Floats:
    """Return how far both frequencies are off, in percent."""
    return np.asarray(100 * np.abs(heard.offset) / NOMINAL[cut.key])


def _dbm0(amplitudes: Floats) -> Floats:
    return np.asarray(20 * np.log10(np.maximum(amplitudes, 1e-6) / OVERLOAD_PEAK) + OVERLOAD_DBM0)


def _whole(burst: Bursts, heard: Tones) -> Bools:
    """Whether the whole of a burst was steady, and not only a part."""
    return np.asarray((heard.start == burst.start) & (heard.end == burst.end))
