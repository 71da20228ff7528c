"""What a listener heard, against the file that the source played: how much of it, what is amiss, and where."""

from __future__ import annotations

import dataclasses
import itertools
import math
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from harness.sound import align, drift, g711, residual, tones
from harness.sound.active import active_level
from harness.sound.align import Track
from harness.sound.drift import Drift
from harness.sound.g711 import PEAK, RATE, Floats, Numbers, Samples
from harness.sound.gaps import ROUNDING, Gap, Kind, broken, slip_gap
from harness.sound.laying import Laid, lay
from harness.sound.pieces import fitted, pieces_of, without_echoes
from harness.sound.residual import Residual
from harness.sound.segments import Segment, segments
from harness.sound.tones import EXPLAINS, DigitLevel, Fit

if TYPE_CHECKING:
    from harness.dtmf import Digit

BESIDE_S = 0.005  # beside what is left out: room for the soft edges of a digit or a gap
MINUTE = 60 * RATE
TURNS = 5  # a clock is put right some times: windows that drift inside can be a little off
AUDIBLE = 2 * ROUNDING
RAIL = 0.93  # of G.711's rail: what is not expected beyond it should not be at it


@dataclass(frozen=True, slots=True, kw_only=True)
class Hearing:
    """What was heard of a file; times are seconds of the recording. With nothing heard the figures are NaN.

    `delay_s` is where the file begins, negative when the recording begins inside it. `level_db` is against the gain
    expected. SNR, residual and codes leave out gaps and what was ignored: gaps have their own list. NaN stands for what
    could not be measured: too short, or nothing to measure it by. `docs/audio.md` has each figure's method.
    """

    delay_s: float = math.nan
    heard_s: float = 0.0
    start_s: float = math.nan
    end_s: float = math.nan
    missing_start_s: float = math.nan  # of the audible part of the file
    missing_end_s: float = math.nan
    cut_s: float = math.nan  # for so long the recording goes on after the last of the file, though more of it was due
    likeness: float = 0.0  # the middle window's correlation with the file: 1 the same, below 0.5 another sound
    segments: tuple[Segment, ...] = ()  # what was heard in order
    gaps: tuple[Gap, ...] = ()
    level_db: float = math.nan
    active_dbov: float = math.nan  # P.56, of the whole recording
    file_active_dbov: float = math.nan  # P.56, of what was heard of the file, at the gain expected
    snr_db: float = math.nan
    worst_snr_db: float = math.nan  # of any window of 200 ms in which the file is not silent
    worst_at_s: float = math.nan
    residual_dbov: float = math.nan  # the loudest 200 ms of what is neither the file nor a digit nor mu-law's own noise
    residual_at_s: float = math.nan
    idle_dbov: float = math.nan  # where the file is silent
    clipped: int = 0
    clipped_at_s: float | None = None  # the first
    code_equal: float | None = None  # share within one mu-law code; None where drift or an echo moved every sample
    dc: float = math.nan  # in 16-bit steps, beside the file's own
    drift_ppm: float = math.nan  # positive where the recording lasts longer than the file
    echo_db: float = math.nan  # against the file as it was heard
    echo_ms: float = math.nan
    digits: tuple[DigitLevel, ...] = ()  # over -9 dBm0 for each of their tones

    @property
    def matched(self) -> bool:
        """Whether anything of the file was heard."""
        return self.heard_s > 0


def compare(
    reference: Samples,
    heard: Samples,
    *,
    gain: float | Sequence[float] = 1.0,
    ignore: Sequence[tuple[float, float]] = (),
    digits: Sequence[Digit] = (),
) -> Hearing:
    """Compare a recording with the file that was played.

    `gain` is that of the call, or of each hop that decodes and encodes anew. `digits` are those heard in the recording:
    they are measured, and taken off. `ignore` holds (start_s, end_s) of stretches of the recording that must not be
    compared for another reason.
    """
    gains = [gain] if isinstance(gain, int | float) else list(gain)
    file = g711.through(reference).astype(np.float64)
    sound = np.asarray(heard, np.float64)
    left_out = [*ignore, *((digit.start_s, digit.end_s) for digit in digits)]
    weight = 1.0 - _stretches(left_out, len(sound), BESIDE_S)
    played, track, drifted = _followed(file, sound, weight)
    pieces = pieces_of(track)
    if not pieces or not math.prod(gains):
        return Hearing(likeness=track.similar)
    laid = lay(played, sound, weight, pieces)
    if laid.echo.taps is not None and len(others := without_echoes(pieces, laid.echo.samples)) < len(pieces):
        laid = lay(played, sound, weight, others or pieces)
    return _hearing(played, np.asarray(heard), laid, gains, drifted, digits, likeness=track.similar)


def _followed(file: Floats, sound: Floats, weight: Floats) -> tuple[Floats, Track, Drift]:
    """Return the file as the clock at its far end played it, where that lies in the recording, and that clock."""
    played, clock, first = file, None, None
    found = Drift()
    if len(sound) > 2 * MINUTE:  # following a drift that nobody knows of takes long: learn it from the first minute
        track = _begun(file, sound[:MINUTE], weight[:MINUTE])
        found = drift.measure(file, sound[:MINUTE], weight[:MINUTE], track)
        if track.similar >= align.SURE:
            first = int(track.offsets[track.matched][0])
    if not found.clock:
        track = align.follow(file, sound, weight, first)
        found = drift.measure(file, sound, weight, track)
    ppm = found.ppm
    for _ in range(TURNS):
        if not found.clock:
            break
        clock = clock.then(found.clock) if clock else found.clock
        ppm = 1e6 * (clock.factor - 1)
        played = clock.play(file)
        track = align.follow(played, sound, weight, clock.offset)
        found = drift.measure(played, sound, weight, track, within=0.1)
    return played, track, Drift(ppm, clock)


def _begun(file: Floats, sound: Floats, weight: Floats) -> Track:
    """Follow the file through the beginning of a recording: that of the file, most often."""
    first = align.overall(file[: 2 * MINUTE], sound * weight)
    track = align.follow(file, sound, weight, first)
    return track if track.similar >= align.SURE else align.follow(file, sound, weight)


def _hearing(
    played: Floats,
    heard: Samples,
    laid: Laid,
    gains: Sequence[float],
    drifted: Drift,
    digits: Sequence[Digit],
    *,
    likeness: float,
) -> Hearing:
    """Measure what was heard, with the file laid under it."""
    slower = drifted.clock.factor if drifted.clock else 1.0
    amiss = _in_file(broken(laid, resampled=drifted.clock is not None), slower)
    slips = _in_file((slip_gap(laid.sound, *pair) for pair in itertools.pairwise(laid.pieces)), slower)
    lost = [(gap.at_s, gap.end_s) for gap in amiss if gap.kind is not Kind.ADDED]
    whole = laid.inside & ~_stretches(lost, len(heard))
    fine = laid.judged & whole & ~_stretches([*lost, *((gap.at_s, gap.end_s) for gap in slips)], len(heard), BESIDE_S)
    slips = [*_late(laid, slower), *slips]
    gain = fitted(laid.expected, laid.sound, fine) or laid.gain
    left = laid.left(gain)
    fits = tones.fit(left, digits)
    added = [(gap.at_s, gap.end_s) for gap in amiss if gap.kind is Kind.ADDED] if digits else []
    short = [(fit.first / RATE, (fit.first + len(fit.samples)) / RATE) for fit in tones.remnants(left, added)]
    fine &= ~_stretches(short, len(heard), BESIDE_S)
    exact = not drifted.clock and laid.echo.taps is None
    rest = _beside(laid, left, gain, fine, [fit for fit in fits if fit.explains > EXPLAINS], exact=exact)
    over = laid.judged & (np.abs(heard) >= PEAK) & (np.abs(laid.expected * math.prod(gains)) < RAIL * PEAK)
    first, last = laid.pieces[0], laid.pieces[-1]
    audible = np.flatnonzero(np.abs(played) > ROUNDING)
    due = max(last.end, min(len(heard), last.offset + int(audible[-1]) + 1))
    return Hearing(
        delay_s=first.offset / RATE,
        heard_s=float(whole.sum()) / RATE,
        start_s=first.start / RATE,
        end_s=last.end / RATE,
        missing_start_s=max(0, first.start - first.offset - int(audible[0])) / RATE,
        missing_end_s=max(0, int(audible[-1]) + 1 - (last.end - last.offset)) / RATE,
        cut_s=(due - last.end) / RATE,
        likeness=likeness,
        segments=segments(laid.pieces, slips, amiss, slower),
        gaps=tuple(sorted([*slips, *amiss], key=lambda gap: gap.at_s)),
        level_db=float(20 * np.log10(gain / math.prod(gains))),
        active_dbov=active_level(laid.sound[fine])[0],
        file_active_dbov=active_level(laid.file[fine] * math.prod(gains))[0],
        snr_db=rest.snr_db,
        worst_snr_db=rest.worst_snr_db,
        worst_at_s=rest.worst_at_s,
        residual_dbov=rest.loudest_dbov,
        residual_at_s=rest.loudest_at_s,
        idle_dbov=rest.idle_dbov,
        clipped=int(over.sum()),
        clipped_at_s=int(over.argmax()) / RATE if over.any() else None,
        code_equal=residual.codes_equal(laid.file, heard, fine, gains) if exact else None,
        dc=laid.dc,
        drift_ppm=drifted.ppm,
        echo_db=laid.echo.db,
        echo_ms=laid.echo.ms,
        digits=tuple(fit.level for fit in fits),
    )


def _late(laid: Laid, slower: float) -> Iterator[Gap]:
    """Yield what is missing at the beginning of the file, where the recording is there to tell."""
    first = laid.pieces[0]
    if first.offset < 0:
        return
    judged = laid.judged[first.start - len(laid.before) : first.start]
    loud = np.flatnonzero(judged & (np.abs(laid.before * laid.gain) > AUDIBLE))
    at = first.offset + int(loud[0]) if len(loud) else first.start
    if at < first.start and np.sqrt(np.mean(laid.sound[at : first.start] ** 2)) <= ROUNDING:
        yield Gap(at / RATE, int(loud[0]) / slower / RATE, (first.start - at) / RATE, Kind.SILENT)


def _in_file(gaps: Iterable[Gap], slower: float) -> list[Gap]:
    """Return the gaps with their places in the file as it is, not as it was heard by a clock that drifts."""
    return [dataclasses.replace(gap, file_s=gap.file_s / slower) for gap in gaps]


def _beside(laid: Laid, left: Floats, gain: float, fine: Numbers, fits: Sequence[Fit], *, exact: bool) -> Residual:
    """Measure what is left beside the file and the digits."""
    rest, loudness = left.copy(), np.abs(laid.expected * gain)
    beside = np.zeros(len(left), bool)
    for fit in fits:
        part = slice(fit.first, fit.first + len(fit.samples))
        rest[part] -= fit.samples
        loudness[part] += np.abs(fit.samples)
        beside[part] = laid.inside[part]
    return residual.measure(laid.expected * gain, rest, fine, beside=beside, loudness=loudness, exact=exact)


def _stretches(stretches: Iterable[tuple[float, float]], length: int, beside_s: float = 0.0) -> Numbers:
    """Return which samples are in one of the stretches (start_s, end_s), or that near to it."""
    where = np.zeros(length, bool)
    for start_s, end_s in stretches:
        where[max(0, round((start_s - beside_s) * RATE)) : max(0, round((end_s + beside_s) * RATE))] = True
    return where
