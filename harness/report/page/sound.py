"""The sound that a page carries: all of it while that is little, else what matters, with an overview of the rest."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import numpy.typing as npt

from harness.report import clips
from harness.report.page import encode
from harness.report.page.view import HOP, Overview, Piece, Track
from harness.sound.g711 import RATE, Samples
from harness.sound.runs import runs
from harness.wire.order import Numbers

MOST_S = 375.0  # of sound in all, which is 4 MB of base64
ENDS_S, AROUND_S = 15.0, 2.0  # of a longer call: its beginning and end, and what is around a place
LEAST_S = 15.0  # that is kept for each of the other tracks
GRID = 50  # steps in a second, in which it is chosen what is carried
STEP = RATE // 50  # of the overview's waveform
COLUMNS, BANDS, FRAME = 1200, 48, 256
QUIETEST_DB, LOUDEST_DB = -95.0, -20.0


def carry(
    tracks: Sequence[tuple[Track, Samples]], places_s: Sequence[float], most_s: float | None = None
) -> list[Track]:
    """Return the tracks with as much of their sound as fits, by default 375 s in all.

    `places_s` are the places on the axis that matter most.
    """
    shares_s = _shares(tracks, MOST_S if most_s is None else most_s)
    return [_carried(track, samples, shares_s[track.id], places_s) for track, samples in tracks]


def _shares(tracks: Sequence[tuple[Track, Samples]], most_s: float) -> dict[str, float]:
    """Return how many seconds each may have: what was played and what was heard are whole before the hops are."""
    lengths_s = {track.id: len(samples) / RATE if samples.any() else 0.0 for track, samples in tracks}
    left_s, shares_s = most_s, {}
    important_first = sorted((track for track, _ in tracks), key=lambda track: track.kind == HOP)
    for others, track in zip(range(len(tracks) - 1, -1, -1), important_first, strict=True):
        fits = lengths_s[track.id] <= left_s - LEAST_S * others
        shares_s[track.id] = lengths_s[track.id] if fits else left_s / (others + 1)
        left_s -= shares_s[track.id]
    return shares_s


def piece(samples: Samples, start_s: float, end_s: float) -> Piece:
    """Return what lies between two times of a sound."""
    part = clips.cut(samples, start_s, end_s)
    return Piece(max(0.0, start_s), len(part) / RATE, clips.data_uri(clips.wav(part), "audio/wav"))


def _carried(track: Track, samples: Samples, share_s: float, places_s: Sequence[float]) -> Track:
    length_s = len(samples) / RATE
    if not samples.any():
        return replace(track, length_s=length_s, why=track.why or "silence throughout")
    if share_s >= length_s:
        return replace(track, length_s=length_s, pieces=[piece(samples, 0, length_s)])
    places_s = [at - track.start_s for at in places_s]
    chosen = _chosen(length_s, places_s, share_s)
    pieces = [piece(samples, first / GRID, min(after / GRID, length_s)) for first, after in runs(chosen)]
    why = f"the page carries {sum(one.length_s for one in pieces):.0f} s of its {length_s:.0f} s"
    return replace(track, length_s=length_s, pieces=pieces, overview=overview(samples), why=why)


def _chosen(length_s: float, places_s: Sequence[float], most_s: float) -> npt.NDArray[np.bool_]:
    """Return which stretches are carried: both ends and what is around each place, in steps, as wide as may be."""
    chosen = _around(length_s, places_s, most_s, 1.0)
    for wider in (2.0, 4.0, 8.0, 16.0):
        found = _around(length_s, places_s, np.inf, wider)
        if found.sum() > most_s * GRID:
            break
        chosen = found
    return chosen


def _around(length_s: float, places_s: Sequence[float], most_s: float, wider: float) -> npt.NDArray[np.bool_]:
    """Mark what is wanted as far as it fits; what is wanted first comes first."""
    ends_s, around_s = ENDS_S * wider, AROUND_S * wider
    wanted = [(0.0, ends_s), (length_s - ends_s, length_s), *((at - around_s, at + around_s) for at in places_s)]
    chosen = np.zeros(int(np.ceil(length_s * GRID)), bool)
    for start_s, end_s in wanted:
        part = chosen[max(0, int(start_s * GRID)) : max(0, int(np.ceil(end_s * GRID)))]
        if chosen.sum() + len(part) - part.sum() <= most_s * GRID:
            part[:] = True
    return chosen


def overview(samples: Samples) -> Overview:
    """Return what a whole sound looks like."""
    lowest, highest = extremes(samples, STEP)
    scaled = np.stack([lowest, highest], axis=1) / 258  # 32768 to 127
    levels = spectrum(samples, min(COLUMNS, max(1, len(samples) // FRAME)), BANDS)
    shades = np.clip(255 * (levels - QUIETEST_DB) / (LOUDEST_DB - QUIETEST_DB), 0, 255)
    return Overview(
        step_s=STEP / RATE,
        extremes=encode.text(np.rint(scaled).astype(np.int8).tobytes()),
        columns=len(shades),
        bands=BANDS,
        spectrum=encode.text(shades.astype(np.uint8).tobytes()),
    )


def extremes(samples: Samples, step: int) -> tuple[Numbers, Numbers]:
    """Return the lowest and the highest sample of each step."""
    padded = np.pad(samples, (0, -len(samples) % step)).reshape(-1, step)
    return padded.min(axis=1), padded.max(axis=1)


def spectrum(samples: Samples, columns: int, bands: int) -> Numbers:
    """Return levels in dB, 0 being a full-scale sine: a row for each column of the picture, low to high frequencies."""
    starts = np.linspace(0, max(0, len(samples) - FRAME), columns).astype(np.int64)
    padded = np.pad(samples, (0, max(0, FRAME - len(samples))))
    frames = padded[starts[:, None] + np.arange(FRAME)] * np.hanning(FRAME)
    power = np.abs(np.fft.rfft(frames)[:, : FRAME // 2] / (FRAME / 4) / 32768) ** 2
    edges = np.linspace(0, FRAME // 2, bands + 1).astype(np.int64)[:-1]
    loudest = np.maximum.reduceat(power, edges, axis=1)
    return np.asarray(10 * np.log10(loudest + 1e-12))
