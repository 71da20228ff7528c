"""What a page shows of one run, or of one file, as values: gathered in one place, drawn in another.

Times are seconds on the page's one axis, whose 0 is when the call was answered; `origin_s` is that in seconds since the
epoch, None where nobody knows.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from harness.verdict import Check, Outcome

if TYPE_CHECKING:
    from harness.dtmf import Digit

MARKS = {Outcome.PASS: "✓", Outcome.FAIL: "✗", Outcome.UNKNOWN: "?"}
HERE = "of where this page was made"
WORDS = {Outcome.PASS: "passed", Outcome.FAIL: "failed", Outcome.UNKNOWN: "could not tell"}


PLAYED, HOP, RECORDING = "file", "hop", "recording"  # what a track may be


@dataclass(frozen=True, slots=True)
class Mark:
    """Something at a place of the axis."""

    at_s: float
    length_s: float
    label: str


@dataclass(frozen=True, slots=True)
class Piece:
    """A stretch of a track's sound: where in the track it begins, and a mu-law WAV as data URI."""

    start_s: float
    length_s: float
    source: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Overview:
    """A whole track in coarse steps, for where the page carries no sound: base64 of octets, row after row."""

    step_s: float  # of the extremes
    extremes: str  # lowest and highest of each step, 127 being full scale
    columns: int  # of the spectrum
    bands: int
    spectrum: str  # column after column, low to high, 255 being the loudest


@dataclass(frozen=True, slots=True, kw_only=True)
class Track:
    """Sound at one point of its way. `delay_s` is how long after the source's file the same sound is here."""

    id: str
    title: str
    kind: str
    start_s: float = 0.0
    length_s: float = 0.0
    delay_s: float | None = None
    pieces: Sequence[Piece] = ()
    overview: Overview | None = None
    digits: Sequence[Mark] = ()
    gaps: Sequence[Mark] = ()
    file: str = ""
    why: str = ""  # there is no sound, or not all of it


@dataclass(frozen=True, slots=True, kw_only=True)
class Strip:
    """The packets of one leg: base64 of little-endian float32 in ms, for each packet but the first."""

    id: str
    title: str
    start_s: float
    length_s: float
    limit_ms: float
    deltas: str
    jitter: str
    gaps: Sequence[Mark] = ()  # beyond the limit
    losses: Sequence[Mark] = ()
    delay_s: float | None = None
    track: str = ""  # the sound that came in these packets


@dataclass(frozen=True, slots=True)
class Finding:
    """A check, with where it lies on the axis and in which row."""

    check: Check
    at_s: float | None
    row: str
    more: Mapping[str, str]  # what else the check says of itself
    clip: Piece | None = None  # the sound around it


@dataclass(frozen=True, slots=True, kw_only=True)
class Box:
    """A node, or an address, in the picture of the topology."""

    name: str
    lines: Sequence[str]
    outcome: Outcome | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Arrow:
    """One direction of a call in that picture."""

    name: str
    outcome: Outcome | None
    lines: Sequence[str]


@dataclass(frozen=True, slots=True)
class Link:
    """A call between two boxes; a direction without RTP has no arrow."""

    there: Arrow | None
    back: Arrow | None


@dataclass(frozen=True, slots=True)
class Chain:
    """Boxes in a row, and the links between each and the next."""

    boxes: Sequence[Box]
    links: Sequence[Link]


@dataclass(frozen=True, slots=True, kw_only=True)
class Message:
    """A SIP message in the ladder: columns count from 0."""

    at_s: float
    src: int
    dst: int
    title: str
    about: str
    text: str
    again: bool  # the same had been sent before


@dataclass(frozen=True, slots=True)
class Ladder:
    """SIP messages between participants, each of whom has a column."""

    participants: Sequence[str]
    messages: Sequence[Message]
    left_out: int = 0


@dataclass(frozen=True, slots=True)
class LogLine:
    """A line of the merged log."""

    at_s: float | None
    time: str
    node: str
    level: str
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Chart:
    """A metric over time: for each node its points."""

    title: str
    unit: str
    lines: Mapping[str, Sequence[tuple[float, float]]]


@dataclass(frozen=True, slots=True)
class Download:
    """A file of the run: an address, or none where the page lies elsewhere."""

    name: str
    what: str
    size: int
    href: str


@dataclass(frozen=True, slots=True, kw_only=True)
class View:
    """Everything that the page shows of one run."""

    name: str
    outcome: Outcome
    reason: str
    facts: Mapping[str, str]
    chains: Sequence[Chain] = ()
    rows_left_out: int = 0  # of the picture of the topology
    findings: Sequence[Finding] = ()
    tracks: Sequence[Track] = ()
    strips: Sequence[Strip] = ()
    hops_left_out: int = 0  # of the timeline
    stalls: Sequence[Mark] = ()
    phases: Sequence[Mark] = ()
    impaired: Sequence[Mark] = ()  # what the plan had done to packets
    legs: Sequence[Mapping[str, Any]] = ()
    without_legs: str = ""
    digits: Mapping[str, Sequence[Digit]] = field(default_factory=dict)
    ladder: Ladder = Ladder((), ())
    charts: Sequence[Chart] = ()
    log: Sequence[LogLine] = ()
    log_left_out: int = 0
    others_logs: Mapping[str, str] = field(default_factory=dict)
    plan: str = ""
    versions: Mapping[str, str] = field(default_factory=dict)
    versions_of: str = HERE
    downloads: Sequence[Download] = ()
    commands: Mapping[str, str] = field(default_factory=dict)
    start_s: float = 0.0
    end_s: float = 1.0
    origin_s: float | None = None
