"""Stage two: measures what stage one found, and says whether it is a digit.

Frequencies come from the phase over the whole burst, edges from where the envelope crosses half of the burst's own
amplitude. What sounds beside the pair is no fault as long as it sounded before and after, too: dial tones, music and
running speech stay, while a vowel that happens to hold a pair brings its other harmonics along.
"""

from __future__ import annotations

import functools
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from harness.dtmf.digit import COLUMNS, KEYS, RATE, ROWS, TONES, Digit, Floats, dbm0
from harness.dtmf.search import Candidate

WINDOW, HOP = RATE // 50, RATE // 400  # the envelope: 20 ms every 2.5 ms
AROUND = RATE * 64 // 1000  # samples beside a candidate that are looked at
MS = RATE // 1000

SHORTEST_MS = 31.5  # Q.24 rejects 24 ms and accepts 40
PARTS_MS = 26.0  # a gap so long parts two digits: Q.24 20 ms must not, 30 ms must
FADED_MS = 60.0  # one tone that is gone for so long ends the digit, though the other stays
FREQUENCY_ERROR, DIRTY_ERROR = 2.4, 0.4  # %: 1.8 must be accepted, 3.0 not; among other sound only a digital sender
LEAST_TWIST_DB, MOST_TWIST_DB = -9.5, 7.0
LEAST_DBM0 = -45.0
CLEAN = 0.9  # of the energy is the pair: no more questions
LEAST_SHARE = 0.1
LONGER_MS = 55.0  # so much more is asked of a pair that is nothing of the energy than of one that is all of it
NEW_SHARE = 0.55  # of what came and went with the pair
COHERENCE, DIRTY_COHERENCE = 0.75, 0.9
STEADY_MS = 24.0  # of a burst whose phase jumps: then a packet was skipped
OTHER = 0.5  # a third tone of the eight, against the one of its own group
STRANGE = 0.6  # any other tone that comes and goes with the pair, against the weaker of the two
CHORD_MS = 150.0  # a note of speech can begin and end with a digit that is shorter

_HANN = np.hanning(WINDOW + 2)[1:-1]
MUCH_LOUDER = 2.0  # than this burst: a neighbour whose own amplitude counts for its edge
LONGEST_MS = 140  # of a burst, where more would not make it surer
CLOSE_HZ = 3.0  # a frequency so near is read off exactly in one go
_ABOVE_HUM = -np.sinc(np.arange(-80, 81) * 2 * 540 / RATE) * np.hamming(161) * 2 * 540 / RATE
_ABOVE_HUM[80] += 1
_BANDS = RATE * 30 // 1000  # samples that the spectrum beside an edge is made from


@dataclass(frozen=True, slots=True)
class _Tone:
    """One tone over a whole burst."""

    frequency: float
    error: float
    coherence: float


def measure(sound: npt.NDArray[np.float32], candidate: Candidate) -> Digit | None:
    """Return the digit at a candidate's place, or None."""
    first = candidate.start - AROUND
    cut = sound[max(0, first) : candidate.end + AROUND].astype(np.float64)
    excerpt = np.pad(cut, (max(0, -first), max(0, candidate.end + AROUND - len(sound))))
    phasors = _phasors(excerpt, (candidate.row, 4 + candidate.column))
    burst = _burst(np.abs(phasors), (AROUND, len(excerpt) - AROUND))
    if not burst or burst[-1][1] - burst[0][0] < SHORTEST_MS * MS:
        return None
    return _judged(excerpt, phasors, candidate, burst, first)


def _judged(
    excerpt: Floats,
    phasors: npt.NDArray[np.complex128],
    candidate: Candidate,
    burst: list[tuple[float, float]],
    first: int,
) -> Digit | None:
    start, end = burst[0][0], burst[-1][1]
    steady = _steady_part(excerpt, phasors, candidate, burst)
    if steady is None:
        return None
    low, high, part = steady
    if max(abs(low.error), abs(high.error)) > FREQUENCY_ERROR or min(low.coherence, high.coherence) < COHERENCE:
        return None
    inner = slice(round(part[0]) + MS, round(part[1]) - MS)
    amplitudes, rest, share = _fit(excerpt[inner], low.frequency, high.frequency)
    levels = [dbm0(float(value)) for value in amplitudes]
    if min(levels) < LEAST_DBM0 or not LEAST_TWIST_DB <= levels[1] - levels[0] <= MOST_TWIST_DB:
        return None
    confidence = share
    whole = part == (start, end)
    if share < CLEAN or _other_tone(rest, candidate, amplitudes):
        confidence = _among_sound(excerpt, candidate, (low, high), part, whole)
    if not confidence:
        return None
    return Digit(
        digit=KEYS[4 * candidate.row + candidate.column],
        start_s=max(0.0, first + start) / RATE,
        end_s=(first + end) / RATE,
        low_dbm0=levels[0],
        high_dbm0=levels[1],
        low_error=low.error,
        high_error=high.error,
        confidence=round(min(1.0, confidence), 3),
    )


def _among_sound(
    excerpt: Floats, candidate: Candidate, tones: tuple[_Tone, _Tone], part: tuple[float, float], whole: bool
) -> float:
    """Return the confidence in a digit that is not alone; 0 when it is none."""
    low, high = tones
    if max(abs(low.error), abs(high.error)) > DIRTY_ERROR or min(low.coherence, high.coherence) < DIRTY_COHERENCE:
        return 0.0
    above = np.convolve(excerpt, _ABOVE_HUM, "same")
    inner = slice(round(part[0]) + MS, round(part[1]) - MS)
    amplitudes, rest, share = _fit(above[inner], low.frequency, high.frequency)
    if share < LEAST_SHARE or _other_tone(rest, candidate, amplitudes):
        return 0.0
    if (part[1] - part[0]) / MS < SHORTEST_MS + LONGER_MS * max(0.0, CLEAN - share):
        return 0.0
    new = _new_share(above, rest, inner, amplitudes) if share < CLEAN or not whole else 1.0
    if new < NEW_SHARE:
        return 0.0
    if part[1] - part[0] > CHORD_MS * MS and _comes_with_another(excerpt, low.frequency, high.frequency, inner):
        return 0.0
    return 0.5 + 0.4 * (new - NEW_SHARE) / (1 - NEW_SHARE)


def _comes_with_another(excerpt: Floats, low: float, high: float, inner: slice) -> bool:
    """Whether a third tone, of a chord say, comes and goes with the two."""
    amplitudes, rest, _ = _fit(excerpt[inner], low, high)
    window, _, _ = _hann_and_slope(len(rest))
    scale = 2 / window.sum()
    size = 2 * len(rest)

    def tones(sound: Floats) -> Floats:
        padded = np.zeros(len(rest))
        padded[: len(sound)] = sound
        return np.asarray(np.abs(np.fft.rfft(padded * window, size))[size // 50 :] * scale)

    during = tones(rest)
    before = tones(excerpt[max(0, inner.start - 3 * MS - len(rest)) : max(0, inner.start - 3 * MS)])
    after = tones(excerpt[inner.stop + 3 * MS : inner.stop + 3 * MS + len(rest)])
    return bool((during - 2 * np.maximum(before, after)).max() > STRANGE * amplitudes.min())


@functools.cache
def _kernel(one: int, other: int) -> npt.NDArray[np.complex128]:
    """Return the window times both carriers, as columns; amplitudes come out as peaks."""
    phases = -2j * np.pi / RATE * np.outer(np.arange(WINDOW), (TONES[one], TONES[other]))
    return np.asarray(np.exp(phases) * (2 * _HANN / _HANN.sum())[:, None])


def _phasors(excerpt: Floats, tones: tuple[int, int]) -> npt.NDArray[np.complex128]:
    """Return both tones' phasors, smoothed over 20 ms every 2.5, turned to the excerpt's first sample."""
    excerpt = np.ascontiguousarray(excerpt)
    count = (len(excerpt) - WINDOW) // HOP + 1
    step = excerpt.itemsize
    windows = np.lib.stride_tricks.as_strided(excerpt, (count, WINDOW), (HOP * step, step))
    turns = np.exp(-2j * np.pi * HOP / RATE * np.outer((TONES[tones[0]], TONES[tones[1]]), np.arange(count)))
    return np.asarray((windows @ _kernel(*tones)).T * turns)


def _place(index: float) -> float:
    """Return the sample in the middle of an envelope's window."""
    return index * HOP + WINDOW / 2


def _burst(envelopes: Floats, seed: tuple[int, int]) -> list[tuple[float, float]]:
    """Return the parts of the burst in the seed, each from where to where both tones have half of its amplitude."""
    first, last = (max(0, round((place - WINDOW / 2) / HOP)) for place in seed)
    inside = np.sort(envelopes[:, first : last + 1], axis=1)
    reference = inside[:, -1 - inside.shape[1] // 10]
    burst: list[tuple[float, float]] = []
    for _ in range(2):
        if not reference.all():
            return []
        relative = envelopes / reference[:, None]
        both, either = relative.min(axis=0), relative.max(axis=0)
        peak = first + int(both[first : last + 1].argmax())
        if both[peak] < 0.5:
            return burst
        burst = _around(both, either, peak)
        core = slice(*(round((place - WINDOW / 2) / HOP) for place in (burst[0][0] + 9 * MS, burst[-1][1] - 9 * MS)))
        if core.stop - core.start < 3:
            return burst
        reference = np.median(envelopes[:, core], axis=1)
    return burst


def _around(both: Floats, either: Floats, peak: int) -> list[tuple[float, float]]:
    """Return the runs of both tones around the peak, up to gaps that part digits."""
    runs = list(_runs(both > 0.5))
    at = next(i for i, (first, after) in enumerate(runs) if first <= peak < after)
    begin = end = at
    while begin > 0 and not _parts(both, either, runs[begin - 1], runs[begin]):
        begin -= 1
    while end + 1 < len(runs) and not _parts(both, either, runs[end], runs[end + 1]):
        end += 1
    return [(_crossing(both, first), _crossing(both, after)) for first, after in runs[begin : end + 1]]


def _parts(both: Floats, either: Floats, left: tuple[int, int], right: tuple[int, int]) -> bool:
    """Whether between these runs there is a gap that ends a digit."""
    first, after = left[1], right[0]
    if (after - first) * HOP > FADED_MS * MS:
        return True
    longest = 0.0
    for a, b in _runs(either[first:after] < 0.5):
        begin, end = _crossing(either, first + a), _crossing(either, first + b)
        # A digit that is much louder ends where half of its own amplitude is, not of this one's.
        if a == 0 and (loud := float(both[slice(*left)].max())) > MUCH_LOUDER:
            begin = _place(first - int((both[first - 1 :: -1] > loud / 2).argmax()) - 0.5)
        if first + b == after and (loud := float(both[slice(*right)].max())) > MUCH_LOUDER:
            end = _place(after + int((both[after:] > loud / 2).argmax()) - 0.5)
        longest = max(longest, end - begin)
    return longest >= PARTS_MS * MS


def _runs(good: npt.NDArray[np.bool_]) -> Iterator[tuple[int, int]]:
    """Yield first and one after the last of each run."""
    edges = np.flatnonzero(np.diff(np.concatenate(([False], good, [False]))))
    yield from zip(edges[::2].tolist(), edges[1::2].tolist(), strict=True)


def _crossing(envelope: Floats, index: int) -> float:
    """Return the sample at which the envelope crosses one half, between a window and the one before."""
    if not 0 < index < len(envelope):
        return _place(index)
    before, here = float(envelope[index - 1]), float(envelope[index])
    return _place(index - 1 + (0.5 - before) / (here - before) if here != before else index)


def _steady_part(
    excerpt: Floats, phasors: npt.NDArray[np.complex128], candidate: Candidate, burst: list[tuple[float, float]]
) -> tuple[_Tone, _Tone, tuple[float, float]] | None:
    """Measure both tones, of the longest part where packets that were lost broke or turned the phase."""
    nominal = ROWS[candidate.row], COLUMNS[candidate.column]
    parts = [(burst[0][0], burst[-1][1])]
    best = None
    for attempt in range(4):
        part = max(parts, key=lambda part: part[1] - part[0])
        if part[1] - part[0] < STEADY_MS * MS:
            break
        tones = _measured(excerpt, phasors, nominal, *part, apart=attempt > 0)
        if best is None or min(tone.coherence for tone in tones) > min(best[0].coherence, best[1].coherence):
            best = *tones, part
        if min(tone.coherence for tone in tones) >= DIRTY_COHERENCE:
            break
        parts.remove(part)
        if attempt == 0 and len(burst) > 1:
            parts = list(burst)
        else:
            jump = _jump(phasors, *part)
            parts += [(part[0], jump - 3 * MS), (jump + 3 * MS, part[1])]
    return best


def _jump(phasors: npt.NDArray[np.complex128], start: float, end: float) -> float:
    """Return the sample around which the phases change most within a window's length."""
    lag = WINDOW // HOP
    core = slice(max(0, round((start - WINDOW / 2) / HOP)), round((end - WINDOW / 2) / HOP))
    run = phasors[:, core]
    if run.shape[1] <= lag + 1:
        return start
    steps = np.angle(run[:, lag:] * np.conj(run[:, :-lag]))
    steps -= np.angle(np.exp(1j * np.median(steps, axis=1)))[:, None]
    change = np.abs(np.angle(np.exp(1j * steps))).sum(axis=0)
    return _place(core.start + int(change.argmax()) + lag / 2)


def _measured(
    excerpt: Floats,
    phasors: npt.NDArray[np.complex128],
    nominal: tuple[int, int],
    start: float,
    end: float,
    *,
    apart: bool,
) -> tuple[_Tone, _Tone]:
    """Measure both tones from start to end; `apart` is a part whose neighbours the smoothed phasors would let in."""
    margin = (8 if apart else 5) * MS
    core = phasors[:, max(0, round((start + margin - WINDOW / 2) / HOP)) : round((end - margin - WINDOW / 2) / HOP) + 1]
    turns = core[:, 1:] * np.conj(core[:, :-1])
    coarse = np.array(nominal) + np.angle(turns.sum(axis=1)) * RATE / (2 * np.pi * HOP)
    burst = excerpt[max(0, round(start)) : round(end)]
    precise = _frequencies(burst, coarse)
    if apart:
        derotated = _pieces(burst, precise)
    else:
        turned = np.outer(precise - nominal, np.arange(core.shape[1]))
        derotated = core * np.exp(-2j * np.pi * HOP / RATE * turned)
    energy = (derotated.real**2 + derotated.imag**2).sum(axis=1)
    coherence = np.abs(derotated.sum(axis=1)) ** 2 / (derotated.shape[1] * energy + 1e-9)
    low, high = (
        _Tone(float(f), 100 * float(f - n) / n, float(c)) for f, n, c in zip(precise, nominal, coherence, strict=True)
    )
    return low, high


def _pieces(burst: Floats, frequencies: Floats) -> npt.NDArray[np.complex128]:
    """Return both tones' phasors in pieces of 8 ms, fitted to nothing but the samples in them."""
    length = 8 * MS
    count = len(burst) // length
    phases = 2 * np.pi / RATE * np.outer(np.arange(count * length), frequencies)
    carriers = np.hstack((np.cos(phases), np.sin(phases))).reshape(count, length, 4)
    turned = carriers.transpose(0, 2, 1)
    weights = np.linalg.solve(turned @ carriers, turned @ burst[: count * length].reshape(count, length, 1))[..., 0]
    return np.asarray((weights[:, :2] - 1j * weights[:, 2:]).T)


@functools.lru_cache(maxsize=64)
def _hann_and_slope(length: int) -> tuple[Floats, Floats, Floats]:
    """Return a Hann window, its derivative, and the times from its middle, in samples."""
    times = np.arange(length) - (length - 1) / 2
    phase = 2 * np.pi * times / (length + 1)
    return 0.5 + 0.5 * np.cos(phase), -np.pi / (length + 1) * np.sin(phase), times


def _frequencies(burst: Floats, coarse: Floats) -> Floats:
    """Return both tones' frequencies by reassignment: from the phase's slope in a window of up to 140 ms."""
    longest = LONGEST_MS * MS
    if len(burst) > longest:
        middle = (len(burst) - longest) // 2
        burst = burst[middle : middle + longest]
    window, slope, times = _hann_and_slope(len(burst))
    frequencies = coarse
    both = np.stack((window * burst, slope * burst))
    for _ in range(2):
        carriers = np.exp(-2j * np.pi / RATE * np.outer(times, frequencies))
        at, change = both @ carriers
        offsets = (change / np.where(at == 0, 1, at)).imag * RATE / (2 * np.pi)
        frequencies = np.clip(frequencies - offsets, coarse - 25, coarse + 25)
        if np.abs(offsets).max() < CLOSE_HZ:
            break
    return np.asarray(frequencies)


def _fit(burst: Floats, low: float, high: float) -> tuple[Floats, Floats, float]:
    """Fit both tones, anew every 20 ms; return their amplitudes, what is left over, and the tones' share."""
    count = max(1, round(len(burst) / WINDOW))
    length = len(burst) // count
    pieces = burst[: count * length].reshape(count, length)
    pieces = pieces - pieces.mean()
    phases = 2 * np.pi / RATE * np.outer(np.arange(length), (low, high))
    carriers = np.hstack((np.cos(phases), np.sin(phases)))
    weights = np.linalg.solve(carriers.T @ carriers, carriers.T @ pieces.T)
    rest = pieces - weights.T @ carriers.T
    total = float((pieces**2).sum())
    share = 1 - float((rest**2).sum()) / total if total else 0.0
    amplitudes = np.hypot(weights[:2], weights[2:])
    return np.median(amplitudes, axis=1), rest.reshape(-1), share


@functools.cache
def _carriers_of_all() -> tuple[Floats, Floats]:
    """Return cosines and sines of all eight tones, one column each.

    Two real products, and no longer: BLAS would share a larger one among threads, which stall on a busy machine.
    """
    phases = 2 * np.pi / RATE * np.outer(np.arange(LONGEST_MS * MS), TONES)
    return np.cos(phases), np.sin(phases)


def _other_tone(rest: Floats, candidate: Candidate, amplitudes: Floats) -> bool:
    """Whether a second row or column sounds nearly as loud as the first."""
    rest = rest[: LONGEST_MS * MS]
    window, _, _ = _hann_and_slope(len(rest))
    cosines, sines = _carriers_of_all()
    windowed = window * rest
    found = np.hypot(windowed @ cosines[: len(rest)], windowed @ sines[: len(rest)]) * (2 / window.sum())
    found[[candidate.row, 4 + candidate.column]] = 0
    return bool(found[:4].max() > OTHER * amplitudes[0] or found[4:].max() > OTHER * amplitudes[1])


def _new_share(excerpt: Floats, rest: Floats, inner: slice, amplitudes: Floats) -> float:
    """Return the pair's share of all that came with it at its start and went with it at its end."""
    length = min(_BANDS, len(rest))
    before = excerpt[max(0, inner.start - 3 * MS - length) : max(0, inner.start - 3 * MS)]
    after = excerpt[inner.stop + 3 * MS : inner.stop + 3 * MS + length]
    come = np.maximum(_bands(rest[:length], length) - _bands(before, length), 0)
    gone = np.maximum(_bands(rest[-length:], length) - _bands(after, length), 0)
    pair = float((amplitudes**2).sum()) / 2
    return pair / (pair + float((come.sum() + gone.sum()) / 2) + 1e-9)


def _bands(sound: Floats, length: int) -> Floats:
    """Return the power in bands of some 130 Hz, from 570 to 3400 Hz."""
    window = np.hanning(length + 2)[1:-1]
    padded = np.zeros(length)
    padded[: len(sound)] = sound[:length]
    power = np.abs(np.fft.rfft(padded * window)) ** 2 * 2 / (length * float((window**2).sum()))
    width = max(1, round(130 * length / RATE))
    first, last = round(570 * length / RATE), round(3400 * length / RATE)
    return np.asarray(np.add.reduceat(power[first:last], np.arange(0, last - first, width)))
