"""Pictures of a call that stand still: waveforms, a spectrogram, and when the packets of each leg came."""

from __future__ import annotations

import io
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from harness.call import Call, Listener
from harness.dtmf.digit import Digit
from harness.sound.g711 import RATE, Samples
from harness.wire.gaps import Gap
from harness.wire.legs import Leg

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

INK, SOUND, LATE, STALL = "#666b73", "#3b6ea8", "#c2410c", "#8b8f96"
WIDTH_IN, DPI = 11.0, 100
PIXELS = round(WIDTH_IN * DPI)
FRAME, STEP = 256, 100  # of a spectrogram, in samples: 31 Hz, and a step in time for every pixel of a minute
QUIETEST_DB, LOUDEST_DB = -90.0, -15.0
LIMIT_MS = 40.0
LABELS = 130  # single digits beside each other, at most


def gap_timeline(call: Call) -> bytes:
    """Return an SVG with a row for each leg: the distance from packet to packet, gaps, and this machine's own stalls.

    Raises LookupError where no leg of the plan was captured.
    """
    legs = [leg for leg in call.legs if leg.src and leg.dst and leg.stream]
    if not legs:
        raise LookupError("no RTP was captured")
    figure, rows = _figure(len(legs), height_in=1.25)
    limit_ms = float(call.plan.tables.get("expect", {}).get("max_gap_ms", LIMIT_MS))
    for row, leg in zip(rows, legs, strict=True):
        _leg(row, leg, call, limit_ms)
    rows[-1].set_xlabel("seconds in the call")
    return _saved(figure, "svg")


def spectrogram(call: Call, listener: Listener) -> bytes:
    """Return a PNG of what a sink heard, 0 to 4 kHz, with the digits above the places at which they were heard."""
    from matplotlib.colors import Normalize
    from scipy.signal import ShortTimeFFT  # type: ignore[import-untyped]
    from scipy.signal.windows import hann  # type: ignore[import-untyped]

    sound = listener.samples / 32768.0
    figure, (row,) = _figure(1, height_in=2.6)
    if len(sound) >= FRAME:
        step = max(STEP, len(sound) // (2 * PIXELS))
        transform = ShortTimeFFT(hann(FRAME), hop=step, fs=RATE, scale_to="magnitude")
        level_db = 20 * np.log10(np.abs(transform.stft(sound)) + 1e-9)
        row.imshow(
            level_db, origin="lower", aspect="auto", cmap="magma", interpolation="nearest",
            norm=Normalize(QUIETEST_DB, LOUDEST_DB), extent=(0, len(sound) / RATE, 0, RATE / 2000),
        )  # fmt: skip
    for digit in listener.digits:
        row.axvspan(digit.start_s, digit.end_s, ymin=0.97, color=LATE)
    for middle_s, keys in _labels(listener.digits, close_s=len(sound) / RATE / LABELS):
        row.annotate(keys, (middle_s, 4.05), ha="center", fontsize=7, color=INK, annotation_clip=False)
    row.set_ylim(0, 4)
    row.set_ylabel("kHz")
    row.set_xlabel(f"seconds of {listener.wav.name}")
    return _with_palette(_saved(figure, "png"))


def waveform(samples: Samples, title: str, *, amiss: Sequence[tuple[float, float]] = ()) -> bytes:
    """Return an SVG of a sound; `amiss` are stretches to mark, each its start and length in seconds."""
    figure, (row,) = _figure(1, height_in=1.3)
    lowest, highest = _extremes(samples)
    at_s = np.linspace(0, len(samples) / RATE, len(lowest))
    row.fill_between(at_s, lowest, highest, color=SOUND, linewidth=0.4)
    for start_s, length_s in amiss:
        row.axvspan(start_s, start_s + max(length_s, 0.05), facecolor="none", edgecolor=LATE, hatch="////")
    row.set_ylim(-1, 1)
    row.set_yticks([])
    row.set_xlim(0, max(len(samples) / RATE, 0.001))
    row.set_ylabel(title, rotation=0, ha="right", va="center")
    return _saved(figure, "svg")


def _labels(digits: Sequence[Digit], *, close_s: float) -> Iterator[tuple[float, str]]:
    """Yield where to write which digits; those that are too close to be read apart go together."""
    together: list[Digit] = []
    for digit in [*digits, None]:
        if together and (digit is None or digit.start_s - together[-1].start_s > close_s):
            yield (together[0].start_s + together[-1].end_s) / 2, "".join(one.digit for one in together)
            together = []
        if digit:
            together.append(digit)


def _leg(row: Axes, leg: Leg, call: Call, limit_ms: float) -> None:
    times_s = leg.rtp.columns.times_s - (call.answered_at_s or leg.rtp.start_s)
    at_s, distance_ms = _thinned(times_s[1:], 1000 * np.diff(times_s))
    row.plot(at_s, distance_ms, color=SOUND, linewidth=0.7)
    row.axhline(limit_ms, color=INK, linewidth=0.7, linestyle="--")
    for gap in leg.rtp.gaps(limit_ms / 1000):
        _mark(row, gap, call.answered_at_s or leg.rtp.start_s)
    for stall in call.stalls:
        start_s = stall.start_s - (call.answered_at_s or leg.rtp.start_s)
        row.axvspan(start_s, start_s + stall.length_s, color=STALL, alpha=0.35)
    row.set_ylim(0, max(1.25 * limit_ms, 1.1 * float(distance_ms.max(initial=0.0))))
    row.set_xlim(min(0.0, float(times_s[0])), max(float(times_s[-1]), 0.1))
    row.set_ylabel("ms")
    row.set_title(leg.name, loc="left", fontsize=8, color=INK)


def _mark(row: Axes, gap: Gap, origin_s: float) -> None:
    end_s = gap.start_s - origin_s + max(gap.by_arrival_s, 0.02)
    row.plot([end_s], [1000 * gap.length_s], marker="v", color=LATE)
    row.annotate(f"{1000 * gap.length_s:.0f} ms {gap.kind}", (end_s, 1000 * gap.length_s), fontsize=7, color=LATE)


def _thinned(at_s: Any, values: Any) -> tuple[Any, Any]:
    """Keep the largest and the smallest of each pixel."""
    if len(values) <= 2 * PIXELS:
        return at_s, values
    pieces = np.array_split(np.arange(len(values)), PIXELS)
    ends = ({piece[values[piece].argmin()], piece[values[piece].argmax()]} for piece in pieces)
    kept = [index for pair in ends for index in sorted(pair)]
    return at_s[kept], values[kept]


def _extremes(samples: Samples) -> tuple[Any, Any]:
    """Return the lowest and the highest sample of each pixel, full scale being 1."""
    pieces = np.array_split(samples / 32768.0, min(PIXELS, max(1, len(samples))))
    return np.array([piece.min(initial=0) for piece in pieces]), np.array([piece.max(initial=0) for piece in pieces])


def _figure(rows: int, *, height_in: float) -> tuple[Figure, Sequence[Axes]]:
    """Return a figure whose ink can be read on light and on dark."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(WIDTH_IN, 0.35 + height_in * rows), dpi=DPI, layout="constrained")
    FigureCanvasAgg(figure)
    axes: list[Axes] = list(figure.subplots(rows, 1, sharex=True, squeeze=False)[:, 0])
    for row in axes:
        row.patch.set_alpha(0)
        row.tick_params(colors=INK, labelsize=7)
        row.yaxis.label.set_color(INK)
        row.xaxis.label.set_color(INK)
        row.yaxis.label.set_fontsize(8)
        row.xaxis.label.set_fontsize(8)
        for side in ("top", "right"):
            row.spines[side].set_visible(False)
        for side in ("bottom", "left"):
            row.spines[side].set_color(INK)
    return figure, axes


def _with_palette(png: bytes) -> bytes:
    """Return a picture in 256 colours, in a third of the space."""
    from PIL import Image

    written = io.BytesIO()
    with Image.open(io.BytesIO(png)) as picture:
        picture.quantize(256, method=Image.Quantize.FASTOCTREE).save(written, "png", optimize=True)
    return written.getvalue()


def _saved(figure: Figure, kind: str) -> bytes:
    written = io.BytesIO()
    metadata = {"Date": None} if kind == "svg" else {}
    figure.savefig(written, format=kind, transparent=True, metadata=metadata)
    return written.getvalue()
