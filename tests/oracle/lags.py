"""Where in a recording a reference lies: found once for all, then followed window by window.

An offset is counted in samples: `heard[i]` is `reference[i - offset]`, so it is the place in the recording
at which the reference begins, and negative when the recording begins inside the reference.
A weight is 1 for every sample that may be compared and 0 for one that may not (under a digit, say).
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
from scipy import fft

from oracle.g711 import RATE, Numbers

WINDOW = RATE // 5  # 200 ms: long enough to be unmistakable speech, short enough to date a slip
HOP = WINDOW // 2
REACH = RATE // 2  # a recording that slips more than 500 ms in all is not followed further
QUIET_RMS = 50.0  # -56 dBov: below it quantisation, not speech, decides the correlation
STAYS, MATCHES = 0.99, 0.98  # a clean window through two legs of G.711 correlates above 0.997

Floats = npt.NDArray[np.float64]


class Step(NamedTuple):
    """A place where sound was inserted (positive) or is missing (negative)."""

    time_s: float
    samples: int


@dataclass(frozen=True, slots=True)
class Track:
    """How the reference lies in the recording: from each sample on at that offset, until the next."""

    segments: tuple[tuple[int, int], ...]
    first: int  # where the first window that matched ends, in samples of the recording
    last: int  # where the last one begins
    matched: int

    @property
    def steps(self) -> tuple[Step, ...]:
        """The changes of the offset, each with its place in the recording."""
        return tuple(
            Step(start / RATE, after - before) for (_, before), (start, after) in itertools.pairwise(self.segments)
        )


def align(reference: Numbers, heard: Numbers) -> int:
    """Return the offset, to the sample, at which the whole recording resembles the reference most.

    The spectra are half whitened, so that neither digits nor one loud vowel outvote the rest.
    """
    size = fft.next_fast_len(len(reference) + len(heard), real=True)
    cross = fft.rfft(heard.astype(np.float32), size) * np.conj(fft.rfft(reference.astype(np.float32), size))
    magnitude = np.abs(cross)
    if not magnitude.any():
        return 0
    best = int(np.argmax(fft.irfft(cross / np.sqrt(magnitude + 1e-9 * magnitude.max()), size)))
    return best if best < len(heard) else best - size


def shifted(reference: Numbers, offset: int, length: int) -> Floats:
    """Return the reference as it lies under a recording of that length: zero where it does not reach."""
    under = np.zeros(length)
    start, end = max(0, offset), min(length, offset + len(reference))
    if start < end:
        under[start:end] = reference[start - offset : end - offset]
    return under


def laid_under(reference: Numbers, track: Track, length: int) -> Floats:
    """Return the reference under the recording, each stretch at its own offset."""
    under = np.zeros(length)
    ends = [start for start, _ in track.segments[1:]] + [length]
    for (start, offset), end in zip(track.segments, ends, strict=True):
        under[start:end] = shifted(reference, offset - start, end - start)
    return under


def follow(reference: Numbers, heard: Numbers, weight: Floats, gain: float) -> Track | None:
    """Follow the offset through the recording; None when nothing in it resembles the reference."""
    matches = _without_strays(_matching_windows(reference, heard.astype(np.float64), weight))
    if not matches:
        return None
    segments = [(0, matches[0][1])]
    for (before, old), (after, new) in itertools.pairwise(matches):
        if old != new:
            place = _switch(reference, heard, weight, gain, (before, old), (after, new))
            segments.append((max(place, segments[-1][0]), new))
    return Track(tuple(segments), first=matches[0][0] + WINDOW, last=matches[-1][0], matched=len(matches))


def stretch_of_source(under: Floats, heard: Numbers, weight: Floats, track: Track) -> tuple[int, int]:
    """Return from which to which sample the recording is better explained with the source than by silence.

    `under` is the source at its gain. From the first match to the last everything counts as source: what is amiss
    there is a fault, not an end.
    """
    gained = np.concatenate(([0.0], np.cumsum(weight * under * (2.0 * heard - under))))
    head = gained[: track.first + 1]
    start = track.first - int(np.argmin(head[::-1]))
    end = track.last + int(np.argmax(gained[track.last :]))
    return start, end


def _matching_windows(reference: Numbers, heard: Floats, weight: Floats) -> list[tuple[int, int]]:
    """Where each window that is loud enough, and like some part of the reference, begins, and its offset."""
    if len(heard) < WINDOW or not len(reference):
        return []
    overall = align(reference, heard * weight)
    margin = REACH + WINDOW
    padded = shifted(reference, overall + margin, len(heard) + 2 * margin)  # sample i of the recording is at i + margin
    offset, matches = overall, []
    for start in range(0, len(heard) - WINDOW + 1, HOP):
        window, mask = heard[start : start + WINDOW], weight[start : start + WINDOW]
        if mask.sum() < WINDOW / 2 or (mask * window**2).sum() < mask.sum() * QUIET_RMS**2:
            continue
        here = start + margin + overall - offset
        if _likeness(padded[here : here + WINDOW], window, mask) < STAYS:
            around = padded[start + margin - REACH : start + margin + REACH + WINDOW]
            shift, likeness = _most_alike(around, window, mask)
            if likeness < MATCHES:
                continue
            offset = overall + REACH - shift
        matches.append((start, offset))
    return matches


def _likeness(reference: Floats, heard: Floats, mask: Floats) -> float:
    """Normalised correlation, 1 for the same sound at any gain."""
    energies = (mask * heard**2).sum() * (mask * reference**2).sum()
    return float((mask * heard * reference).sum() / np.sqrt(energies)) if energies > 0 else 0.0


def _most_alike(around: Floats, window: Floats, mask: Floats) -> tuple[int, float]:
    """Slide the window along the longer reference; return the best place and the likeness there."""
    size = fft.next_fast_len(len(around), real=True)
    places = len(around) - len(window) + 1

    def slide(long: Floats, short: Floats) -> Floats:
        spectrum = fft.rfft(long, size) * np.conj(fft.rfft(short, size))
        return np.asarray(fft.irfft(spectrum, size)[:places])

    energy = (mask * window**2).sum()
    floor = 1e-3 * energy  # where the reference is silent nothing resembles it
    likeness = slide(around, mask * window) / np.sqrt(energy * np.maximum(slide(around**2, mask), floor))
    best = int(np.argmax(likeness))
    return best, float(likeness[best])


def _without_strays(matches: Sequence[tuple[int, int]]) -> list[tuple[int, int]]:
    """Leave out a window whose offset neither neighbour shares: one syllable can resemble another by chance."""
    offsets = [offset for _, offset in matches]
    return [
        match
        for i, match in enumerate(matches)
        if len(matches) == 1 or match[1] in offsets[max(0, i - 1) : i] + offsets[i + 1 : i + 2]
    ]


def _switch(
    reference: Numbers, heard: Numbers, weight: Floats, gain: float, before: tuple[int, int], after: tuple[int, int]
) -> int:
    """The sample between two windows at which changing from the old to the new offset explains the most."""
    (start, old), (last, new) = before, after
    length = last + WINDOW - start
    sound, mask = heard[start : start + length].astype(np.float64), weight[start : start + length]
    error_old = sound - gain * shifted(reference, old - start, length)
    error_new = sound - gain * shifted(reference, new - start, length)
    saved = np.concatenate(([0.0], np.cumsum(mask * (error_new**2 - error_old**2))))
    return start + int(np.argmax(saved))
