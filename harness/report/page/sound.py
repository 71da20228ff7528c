"""The sound that a page carries: all of it while that is little, else what matters, with an overview of the rest."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

import numpy as np

from harness.report import clips
from harness.report.page import encode
from harness.report.page.view import Overview, Piece, Track
from harness.sound.g711 import RATE, Samples
from harness.sound.level import runs
from harness.wire.order import Numbers

MOST_S = 375.0  # of sound in all, which is 4 MB of base64
ENDS_S, AROUND_S = 15.0, 2.0  # of a longer call: its beginning and end, and what is around a place
STEP = RATE // 50  # of the overview's waveform
COLUMNS, BANDS, FRAME = 1200, 48, 256
QUIETEST_DB, LOUDEST_DB = -95.0, -20.0


def carry(tracks: Sequence[tuple[Track, Samples]], places_s: Sequence[float]) -> list[Track]:
    """Return the tracks with as much of their sound as fits; `places_s` are the places on the axis that matter most."""
    sounding = [(track, samples) for track, samples in tracks if samples.any()]
    whole = sum(len(samples) for _, samples in sounding) <= MOST_S * RATE
    share_s = MOST_S / max(1, len(sounding))
    return [_carried(track, samples, None if whole else (share_s, places_s)) for track, samples in tracks]


def piece(samples: Samples, start_s: float, end_s: float) -> Piece:
    """Return what lies between two times of a sound."""
    part = clips.cut(samples, start_s, end_s)
    return Piece(max(0.0, start_s), len(part) / RATE, clips.data_uri(clips.wav(part), "audio/wav"))


def _carried(track: Track, samples: Samples, scarce: tuple[float, Sequence[float]] | None) -> Track:
    length_s = len(samples) / RATE
    if not samples.any():
        return replace(track, length_s=length_s, why=track.why or "silence throughout")
    if scarce is None:
        return replace(track, length_s=length_s, pieces=[piece(samples, 0, length_s)])
    share_s, places_s = scarce
    wanted = [(0.0, ENDS_S), (length_s - ENDS_S, length_s)]
    wanted += [(at - track.start_s - AROUND_S, at - track.start_s + AROUND_S) for at in places_s]
    pieces = [piece(samples, *stretch) for stretch in _stretches(wanted, length_s, share_s)]
    why = f"the page carries {sum(one.length_s for one in pieces):.0f} s of its {length_s:.0f} s"
    return replace(track, length_s=length_s, pieces=pieces, overview=overview(samples), why=why)


def _stretches(wanted: Sequence[tuple[float, float]], length_s: float, most_s: float) -> Iterator[tuple[float, float]]:
    """Yield what is wanted, as far as it goes, in order and without overlap; what is wanted first comes first."""
    chosen = np.zeros(int(np.ceil(length_s * 50)), bool)
    for start_s, end_s in wanted:
        part = chosen[max(0, int(start_s * 50)) : max(0, int(np.ceil(end_s * 50)))]
        if (chosen.sum() + len(part) - part.sum()) / 50 <= most_s:
            part[:] = True
    for first, after in runs(chosen):
        yield first / 50, min(after / 50, length_s)


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
