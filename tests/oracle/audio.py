"""Judges what a listener heard against the file that the source played.

`sk` is source to sink: the recording must be the file, within one G.711 code. `smk` has a mixer between them: the
recording minus the file at its gain must leave the digits and nothing else. A result holds numbers and places; its
`problems` are empty only when something was compared and nothing was wrong with it.
How much was compared is for the caller to ask: see `compared_s`, `missing_start_s` and `missing_end_s`.
"""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from oracle import dtmf, g711, lags, sequence
from oracle.dtmf import Digit
from oracle.g711 import RATE, Numbers, Samples
from oracle.lags import Floats, Step, align

__all__ = [
    "Digit", "SkResult", "SmkResult", "Step", "Stretch", "align", "decode_reference", "judge_sk", "judge_smk",
]  # fmt: skip

# What the source plays, and therefore what it is compared with: two decoders of one file differ by 16 dB.
FFMPEG_ARGS = (
    "ffmpeg", "-nostdin", "-v", "error", "-i", "{file}", "-map", "0:a:0", "-vn",
    "-af", "aresample=8000:resampler=soxr", "-ac", "1", "-f", "s16le", "pipe:1",
)  # fmt: skip

SHARE_WITHIN = 0.999  # of the samples within the allowed number of codes
GAIN_DB = 0.2  # off by more is a wrong level; codes lie 0.3 to 0.5 dB apart
BLOCK, BLOCK_BAD = RATE // 100, 0.05  # a stretch of 10 ms with more than 5 % bad samples is audible
ACTIVE_RMS = 100.0  # -50 dBov: windows below it are pauses, where an SNR means nothing
SNR_DB, WORST_SNR_DB = 31.0, 26.0  # clean: 35 dB overall, no active window below 29.7, with any encoder
LOUD = 3  # codes from silence that are sound and not the rounding of a decoder


class Stretch(NamedTuple):
    """A part of the recording."""

    time_s: float
    length_s: float


@dataclass(frozen=True, slots=True, kw_only=True)
class SkResult:
    """How well a recording agrees with the file; all times are seconds of the recording."""

    offset: int = 0  # where the file begins, in samples of the recording
    compared_s: float = 0.0
    missing_start_s: float = 0.0  # of the audible part of the file, before what was compared
    missing_end_s: float = 0.0
    share: float = 0.0  # of the compared samples within the allowed number of codes
    broken: tuple[Stretch, ...] = ()  # also where something sounds beside the file
    steps: tuple[Step, ...] = ()
    gain_db: float = float("nan")  # fitted, against the gain expected
    clipped: int = 0  # samples at a rail that should not be there
    problems: tuple[str, ...] = ()

    @property
    def ok(self) -> bool:
        """Whether something was compared and nothing was wrong with it."""
        return not self.problems


@dataclass(frozen=True, slots=True, kw_only=True)
class SmkResult(SkResult):
    """How well a recording agrees with the file at its gain plus digits; `share` counts outside the digits."""

    snr_db: float = float("nan")  # of the file at its gain over what is left, outside the digits, pauses left out
    worst_snr_db: float = float("nan")  # the same in the worst 200 ms
    worst_at_s: float = float("nan")
    digits: tuple[Digit, ...] = ()

    @property
    def text(self) -> str:
        """All digits that were heard, in order."""
        return "".join(digit.key for digit in self.digits)


def decode_reference(path: Path | str) -> Samples:
    """Return the file as the source plays it: 8 kHz, mono, 16 bits."""
    command = [part.format(file=path) for part in FFMPEG_ARGS]
    return np.frombuffer(subprocess.run(command, check=True, stdout=subprocess.PIPE).stdout, "<i2").astype(np.int16)


def judge_sk(reference: Samples, heard: Samples, *, at_least_s: float = 1.0) -> SkResult:
    """Compare a recording with the file that was played; less than `at_least_s` of it is a problem too."""
    played = g711.through(reference)
    track = lags.follow(played, heard, np.ones(len(heard)), 1.0)
    if track is None:
        return SkResult(problems=(_nothing(heard),))
    under = lags.laid_under(played, track, len(heard))
    everywhere = np.ones(len(heard))
    stretch = lags.stretch_of_source(under, heard, everywhere, track)
    result = SkResult(**_compare(played, under, heard, track, stretch, everywhere, 1.0, 1))
    return replace(result, problems=tuple(_sound_problems(result, at_least_s, 1)))


def judge_smk(
    reference: Samples,
    heard: Samples,
    *,
    gain_in: float,
    gain_dtmf: float,
    digits: str,
    tone_ms: float,
    pause_ms: float,
    period_ms: float,
    hops: int = 2,
    at_least_s: float = 1.0,
) -> SmkResult:
    """Compare a recording with the file at `gain_in` plus a digit sequence that starts again every `period_ms`.

    `hops` legs of G.711 lie between the file and the recording: each may be one code off.
    """
    played = g711.through(reference)
    amplitude = dtmf.tone_amplitude(gain_dtmf)
    roughly, _ = _hear_beside(np.zeros(len(heard)), heard, amplitude)
    weight = dtmf.outside([digit.stretch for digit in roughly], len(heard))
    track = lags.follow(played, heard, weight, gain_in)
    if track is None:
        return SmkResult(digits=tuple(roughly), problems=(_nothing(heard),))
    under = lags.laid_under(played, track, len(heard))
    source, stretch, heard_digits, left = _take_apart(gain_in * under, heard, weight, track, amplitude)
    plan = sequence.Plan(keys=digits, tone_s=tone_ms / 1000, pause_s=pause_ms / 1000, period_s=period_ms / 1000)
    slots, strangers = sequence.assign(plan, heard_digits, *(sample / RATE for sample in (*_sounding(heard), *stretch)))
    digits_and_remnants = [*(digit.stretch for digit in heard_digits), *sequence.remnants(plan, slots)]
    outside = dtmf.outside(digits_and_remnants, len(heard))
    snr_db, worst_db, worst_s = _snr_outside(source, left, outside, stretch)
    result = SmkResult(
        **_compare(played, under, heard, track, stretch, outside, gain_in, hops),
        snr_db=snr_db,
        worst_snr_db=worst_db,
        worst_at_s=worst_s,
        digits=tuple(heard_digits),
    )
    problems = (
        *_sound_problems(result, at_least_s, hops),
        *_snr_problems(result),
        *sequence.problems(plan, slots, strangers),
    )
    return replace(result, problems=problems)


def _nothing(heard: Samples) -> str:
    start, end = _sounding(heard)
    sound_s, length_s = (end - start) / RATE, len(heard) / RATE
    return f"nothing in the recording is like the file; {sound_s:.2f} of its {length_s:.2f} s are sound"


def _take_apart(
    source: Floats, heard: Samples, weight: Floats, track: lags.Track, amplitude: float
) -> tuple[Floats, tuple[int, int], list[Digit], Numbers]:
    """Return the source where it was heard, from and to which sample that was, the digits, and what is left over."""
    stretch = lags.stretch_of_source(source, heard, weight, track)
    # Where the source begins or ends under a digit shows only once the digit has been taken away.
    digits, tones = _hear_beside(_only(source, stretch), heard, amplitude)
    beside_edges = dtmf.outside([edge for digit in digits for edge in digit.edges], len(heard))
    stretch = lags.stretch_of_source(source, heard - tones, beside_edges, track)
    source = _only(source, stretch)
    digits, tones = _hear_beside(source, heard, amplitude)
    left = heard - np.clip(source + tones, -g711.PEAK, g711.PEAK)
    return source, stretch, [replace(digit, snr_db=_snr_inside(digit, heard, left)) for digit in digits], left


def _only(source: Floats, stretch: tuple[int, int]) -> Floats:
    """The source, silent outside of the stretch."""
    there = np.zeros_like(source)
    there[slice(*stretch)] = source[slice(*stretch)]
    return there


def _hear_beside(source: Floats, heard: Samples, amplitude: float) -> tuple[list[Digit], Floats]:
    """Hear the digits beside the source; return them, and their tones as samples of the recording."""
    tones, digits = np.zeros(len(heard)), []
    unclipped = np.abs(g711.sample_index(heard)) < 127
    for digit, samples in dtmf.hear_digits(heard - source, amplitude, unclipped):
        at = round(digit.start_s * RATE)
        tones[at : at + len(samples)] += samples
        digits.append(digit)
    return digits, tones


def _sounding(heard: Samples) -> tuple[int, int]:
    """First sample of sound, and the one after the last."""
    loud = np.flatnonzero(np.abs(g711.sample_index(heard)) >= LOUD)
    return (int(loud[0]), int(loud[-1]) + 1) if len(loud) else (0, 0)


def _compare(
    played: Samples,
    under: Floats,
    heard: Samples,
    track: lags.Track,
    stretch: tuple[int, int],
    weight: Floats,
    gain: float,
    codes: int,
) -> dict[str, Any]:
    """What both kinds of call have in common; beside the stretch of the source, silence is expected."""
    start, end = stretch
    inside = np.zeros(len(heard), bool)
    inside[start:end] = True
    wanted = g711.saturate(gain * under * inside)
    judged = weight > 0
    bad = judged & (g711.code_distance(heard, wanted) > codes)
    compared = judged & inside
    file_start, file_end = _sounding(played)
    return {
        "offset": track.segments[0][1],
        "compared_s": (end - start) / RATE,
        "missing_start_s": max(0, start - track.segments[0][1] - file_start) / RATE,
        "missing_end_s": max(0, file_end - (end - track.segments[-1][1])) / RATE,
        "share": 1.0 - float(np.mean(bad[compared])) if compared.any() else 0.0,
        "broken": tuple(_stretches(bad)),
        "steps": track.steps,
        "gain_db": _gain_db(gain * under, heard, compared),
        "clipped": int(np.sum(judged & _at_rail(heard, 0) & ~_at_rail(wanted, codes))),
    }


def _at_rail(samples: Samples, codes: int) -> Numbers:
    return np.asarray(np.abs(g711.sample_index(samples)) >= 127 - codes)


def _gain_db(wanted: Floats, heard: Samples, where: Numbers) -> float:
    """The gain, least squares, that makes the one into the other."""
    energy, common = (wanted[where] ** 2).sum(), (wanted[where] * heard[where]).sum()
    return float(20 * np.log10(common / energy)) if energy > 0 and common > 0 else float("nan")


def _stretches(bad: Numbers) -> Iterator[Stretch]:
    """Yield each place where 10 ms hold more than 5 % of bad samples, from its first bad one to its last."""
    if len(bad) < BLOCK:
        return
    total = np.concatenate(([0], np.cumsum(bad)))
    begins = np.flatnonzero(total[BLOCK:] - total[:-BLOCK] > BLOCK * BLOCK_BAD)
    change = np.zeros(len(bad) + 1, int)
    np.add.at(change, begins, 1)
    np.add.at(change, begins + BLOCK, -1)
    broken = np.cumsum(change[:-1]) > 0
    edges = np.flatnonzero(np.diff(broken.astype(np.int8), prepend=0, append=0))
    for first, after in zip(edges[::2], edges[1::2], strict=True):
        places = first + np.flatnonzero(bad[first:after])
        yield Stretch(float(places[0]) / RATE, float(places[-1] + 1 - places[0]) / RATE)


def _snr_outside(
    source: Floats, left: Numbers, weight: Floats, stretch: tuple[int, int]
) -> tuple[float, float, float]:
    """Overall and worst SNR in dB of the windows of 200 ms in which the source is not silent, and the worst's time."""
    start = stretch[0]
    count = (stretch[1] - start) // lags.WINDOW

    def per_window(values: Numbers) -> Floats:
        return np.asarray(values[start : start + count * lags.WINDOW].reshape(count, lags.WINDOW).sum(axis=1))

    size, wanted, error = per_window(weight), per_window(weight * source**2), per_window(weight * left**2)
    active = np.flatnonzero((size >= lags.WINDOW / 4) & (wanted > size * ACTIVE_RMS**2))
    if not len(active):
        return float("nan"), float("nan"), float("nan")
    snr_db = 10 * np.log10(wanted[active] / (error[active] + 1e-9))
    overall_db = 10 * np.log10(wanted[active].sum() / (error[active].sum() + 1e-9))
    worst = int(np.argmin(snr_db))
    return float(overall_db), float(snr_db[worst]), (start + int(active[worst]) * lags.WINDOW) / RATE


def _snr_inside(digit: Digit, heard: Samples, left: Numbers) -> float:
    """What was heard in a digit over what source and tones do not explain, in dB."""
    edge = dtmf.EDGE if digit.length_s * RATE > 4 * dtmf.EDGE else 0
    where = slice(round(digit.start_s * RATE) + edge, round(digit.end_s * RATE) - edge)
    return float(10 * np.log10((heard[where].astype(float) ** 2).sum() / ((left[where] ** 2).sum() + 1e-9)))


def _sound_problems(result: SkResult, at_least_s: float, codes: int) -> Iterator[str]:
    if result.compared_s < at_least_s:
        yield f"only {result.compared_s:.2f} s of the file were heard, not {at_least_s:g}"
    if not result.share >= SHARE_WITHIN:
        yield f"{100 * result.share:.3f} % of the samples are within {codes} codes, not {100 * SHARE_WITHIN:g}"
    for time_s, length_s in result.broken:
        yield f"broken at {time_s:.3f} s for {1000 * length_s:.1f} ms"
    for time_s, samples in result.steps:
        yield f"{abs(samples)} samples {'inserted' if samples > 0 else 'missing'} at {time_s:.3f} s"
    if not abs(result.gain_db) < GAIN_DB:
        yield f"the level is {result.gain_db:+.2f} dB off"
    if result.clipped:
        yield f"{result.clipped} samples are clipped"


def _snr_problems(result: SmkResult) -> Iterator[str]:
    if not result.snr_db >= SNR_DB:
        yield f"the source stands only {result.snr_db:.1f} dB over what is left, not {SNR_DB:g}"
    if not result.worst_snr_db >= WORST_SNR_DB:
        yield f"at {result.worst_at_s:.1f} s only {result.worst_snr_db:.1f} dB over what is left, not {WORST_SNR_DB:g}"
