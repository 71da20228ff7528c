"""What was heard in order: the file from where to where, and what came between."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from harness.sound.g711 import RATE
from harness.sound.gaps import Gap, Kind
from harness.sound.pieces import Piece

FILE, JUMPED_BACK = "file", "jumped back"


@dataclass(frozen=True, slots=True)
class Segment:
    """A stretch of the recording: the file, or what a gap is called. Times are seconds of the recording and the file.

    What is missing lasts no time in the recording; what was inserted or heard again, none in the file.
    """

    kind: str
    start_s: float
    end_s: float
    file_start_s: float
    file_end_s: float

    def __str__(self) -> str:
        """Return it as one line."""
        file = f"file {self.file_start_s:.3f} to {self.file_end_s:.3f} s"
        if self.kind == Kind.MISSING.value:
            return f"{self.start_s:.3f} s: {file} is missing"
        heard = f"{self.start_s:.3f} to {self.end_s:.3f} s: "
        return heard + (file if self.kind == FILE else f"{self.kind}, at {self.file_start_s:.3f} s of the file")


def segments(
    pieces: Sequence[Piece], slips: Sequence[Gap], broken: Sequence[Gap], factor: float
) -> tuple[Segment, ...]:
    """Put in order the pieces of the file, the slips between them, and what is broken in them or sounds beside them.

    `factor` is how much longer the sound lasts in the recording than in the file.
    """
    found = [_of_gap(gap, gap.length_s / factor) for gap in broken] + [_of_slip(gap, factor) for gap in slips]
    for piece in pieces:
        at_s, end_s, offset_s = piece.start / RATE, piece.end / RATE, piece.offset / RATE
        inside = [gap for gap in broken if gap.at_s < end_s and gap.end_s > at_s]
        edges = [at_s, *(edge for gap in inside for edge in (gap.at_s, gap.end_s)), end_s]
        for start_s, until_s in zip(edges[::2], edges[1::2], strict=True):
            if start_s < until_s:
                file_s = (start_s - offset_s) / factor, (until_s - offset_s) / factor
                found.append(Segment(FILE, start_s, until_s, *file_s))
    return tuple(sorted(found, key=lambda segment: (segment.start_s, segment.end_s)))


def _of_gap(gap: Gap, lasts_s: float) -> Segment:
    return Segment(gap.kind.value, gap.at_s, gap.end_s, gap.file_s, gap.file_s + lasts_s)


def _of_slip(gap: Gap, factor: float) -> Segment:
    if gap.kind is Kind.MISSING:
        return Segment(gap.kind.value, gap.at_s, gap.at_s, gap.file_s, gap.file_s + gap.length_s / factor)
    if gap.jumped_back:
        return Segment(JUMPED_BACK, gap.at_s, gap.at_s, gap.file_s, gap.file_s - gap.length_s / factor)
    return _of_gap(gap, 0.0)
