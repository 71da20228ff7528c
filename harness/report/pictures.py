"""Pictures of a call that stand still, for whoever shows no scripts: when packets came, and what a listener heard."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from harness.call import Call
from harness.dtmf.digit import Digit
from harness.listener import Listener
from harness.report import clips, png
from harness.report.page.hops import gap_limit_ms
from harness.report.page.sound import spectrum
from harness.report.page.write import environment
from harness.wire.legs import Leg
from harness.wire.order import Numbers

PIXELS = 1000  # of time
BANDS = 128
QUIETEST_DB, LOUDEST_DB = -90.0, -15.0
HEAT = png.between([(10, 12, 30), (58, 30, 110), (150, 45, 120), (225, 90, 80), (252, 180, 90), (252, 250, 200)])
LABEL = 85  # pixels that a gap's label takes
CLOSE = 9  # pixels from digit to digit, below which they are written as one
STEPS_S = (0.1, 0.2, 0.5, 1, 2, 5, 10, 20, 30, 60, 120, 300, 600)


def gap_timeline(call: Call) -> str:
    """Return an SVG with a row for each leg: the distance from packet to packet, gaps, and this machine's own stalls.

    Raises LookupError where no leg of the plan was captured.
    """
    legs = [leg for leg in call.legs if leg.src and leg.dst and leg.stream]
    if not legs:
        raise LookupError("no RTP was captured")
    limit_ms = gap_limit_ms(call)
    origin_s = call.answered_at_s or legs[0].rtp.start_s
    start_s = min(0.0, *(leg.rtp.start_s - origin_s for leg in legs))
    end_s = max(0.1, *(leg.rtp.end_s - origin_s for leg in legs))
    scale = PIXELS / (end_s - start_s)
    rows = [_row(leg, origin_s + start_s, scale, limit_ms) for leg in legs]
    stalls = [
        ((stall.start_s - origin_s - start_s) * scale, max(1.0, stall.length_s * scale))
        for stall in call.stalls
        if stall.end_s > origin_s + start_s and stall.start_s < origin_s + end_s
    ]
    return environment().get_template("gaps.svg").render(
        rows=rows, stalls=stalls, limit_ms=limit_ms, ticks=list(_ticks(start_s, end_s)), width=PIXELS
    )


def spectrogram(call: Call, listener: Listener) -> str:
    """Return an SVG of what a sink heard, 0 to 4 kHz, with the digits above the places at which they were heard."""
    length_s = max(listener.length_s, 0.001)
    levels = spectrum(listener.samples, PIXELS, BANDS)
    shades = np.clip(255 * (levels - QUIETEST_DB) / (LOUDEST_DB - QUIETEST_DB), 0, 255).T[::-1]
    return environment().get_template("spectrogram.svg").render(
        picture=clips.data_uri(png.png(shades, HEAT), "image/png"),
        title=f"what {listener.node.name} heard in {call.folder.name}",
        digits=list(_labels(listener.digits, PIXELS / length_s)),
        marks=[(digit.start_s * PIXELS / length_s, digit.length_s * PIXELS / length_s) for digit in listener.digits],
        ticks=list(_ticks(0.0, length_s)),
        file=listener.wav.name,
        width=PIXELS,
    )


def _row(leg: Leg, start_s: float, scale: float, limit_ms: float) -> dict[str, Any]:
    """Return a leg as its template draws it: y counts down from the largest distance."""
    times_s = leg.rtp.columns.times_s - start_s
    distances_ms = 1000 * np.diff(times_s)
    top_ms = max(1.25 * limit_ms, 1.1 * float(distances_ms.max(initial=0.0)))
    at, shown = _thinned(times_s[1:] * scale, distances_ms)
    points = " ".join(f"{x:.1f},{60 - 60 * ms / top_ms:.1f}" for x, ms in zip(at.tolist(), shown.tolist(), strict=True))
    labelled: list[float] = []
    gaps = []
    for gap in sorted(leg.rtp.gaps(limit_ms / 1000), key=lambda gap: gap.length_s, reverse=True):
        x = (gap.start_s - start_s) * scale
        label = f"{1000 * gap.length_s:.0f} ms {gap.kind}"
        room = all(abs(x - other) > LABEL for other in labelled)
        labelled += [x] if room else []
        gaps.append((x, gap.by_arrival_s * scale, label, room))
    return {"name": leg.name, "points": points, "limit": 60 - 60 * limit_ms / top_ms, "gaps": gaps}


def _thinned(at: Numbers, values: Numbers) -> tuple[Numbers, Numbers]:
    """Keep the largest and the smallest of each pixel."""
    if len(values) <= 2 * PIXELS:
        return at, values
    pieces = np.array_split(np.arange(len(values)), PIXELS)
    ends = ({piece[values[piece].argmin()], piece[values[piece].argmax()]} for piece in pieces)
    kept = [index for pair in ends for index in sorted(pair)]
    return at[kept], values[kept]


def _labels(digits: Sequence[Digit], scale: float) -> Iterator[tuple[float, str]]:
    """Yield where to write which digits; those that are too close to be read apart go together."""
    together: list[Digit] = []
    for digit in [*digits, None]:
        if together and (digit is None or (digit.start_s - together[-1].start_s) * scale > CLOSE):
            middle_s = (together[0].start_s + together[-1].end_s) / 2
            yield middle_s * scale, "".join(one.digit for one in together)
            together = []
        if digit:
            together.append(digit)


def _ticks(start_s: float, end_s: float) -> Iterator[tuple[float, str]]:
    """Yield where to write which seconds, at most a dozen."""
    step_s = next((step for step in STEPS_S if (end_s - start_s) / step <= 12), STEPS_S[-1])
    for number in range(int(np.ceil(start_s / step_s)), int(end_s / step_s) + 1):
        yield (number * step_s - start_s) * PIXELS / (end_s - start_s), f"{number * step_s:g} s"
