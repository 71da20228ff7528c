"""PESQ (ITU-T P.862) of the worst 10 s that were heard: where the package `pesq` is installed, and of speech only."""

from __future__ import annotations

import importlib.util
import json
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from b2b import child
from harness.sound.active import FULL_SCALE, active_level, dbov
from harness.sound.g711 import RATE, Floats, Samples
from harness.sound.segments import Segment

WINDOW_S, SHORTEST_S = 10, 3  # its reference code has room for 50 utterances: three minutes end in a crash
PATIENCE_S = 60.0  # 10 s take it a twentieth of a second
BESIDE_S = 0.01  # around a digit, which is silenced in both
FRAME = RATE // 50
SPEECH_DB = 20.0  # a voice rises and falls by more than that many times a second; music and tones do not
PAUSE_DBOV, QUIETEST_DBOV = -60.0, -70.0
RAISED_DBOV = -26.0  # of both: P.862 sets its own level, and its integers are coarse for a faint file


@dataclass(frozen=True, slots=True)
class Score:
    """The MOS-LQO of the worst window, narrowband, and where that is; NaN with the reason why there is none."""

    worst: float = float("nan")
    at_s: float = float("nan")
    reason: str = ""


def score(
    reference: Samples, heard: Samples, segments: Sequence[Segment], *, digits: Sequence[tuple[float, float]] = ()
) -> Score:
    """Return the score of the worst window of a recording whose segments are known.

    `digits` are (start_s, end_s) of the recording that are silenced in both: it takes them for noise.
    """
    if importlib.util.find_spec("pesq") is None:
        return Score(reason="the package pesq is not installed: pip install 'b2b[pesq]', which needs a C compiler")
    file, sound = _laid(reference, segments, len(heard)), heard.astype(np.float64)
    for start_s, end_s in digits:
        part = slice(max(0, round((start_s - BESIDE_S) * RATE)), max(0, round((end_s + BESIDE_S) * RATE)))
        file[part] = sound[part] = 0.0
    level, activity = active_level(file)
    if not _is_speech(file):
        return Score(reason=f"no speech was played: {level:.0f} dBov, active {100 * activity:.0f} % of the time")
    starts = [start for start in range(0, len(heard), WINDOW_S * RATE) if _worth(file[start : start + WINDOW_S * RATE])]
    if not starts:
        return Score(reason=f"there are no {SHORTEST_S} s of speech in one piece")
    raised = [one * 10 ** ((RAISED_DBOV - level) / 20) for one in (file, sound)]
    windows = [[one[start : start + WINDOW_S * RATE] for one in raised] for start in starts]
    return _worst(windows, starts)


def _laid(reference: Samples, segments: Sequence[Segment], length: int) -> Floats:
    """Return the file as it ought to have been heard: also where it was silent or broken, but not what was left out."""
    laid = np.zeros(length)
    for segment in segments:
        file = reference[max(0, round(segment.file_start_s * RATE)) : max(0, round(segment.file_end_s * RATE))]
        first = round(segment.start_s * RATE)
        file = file[: max(0, round(segment.end_s * RATE) - first)]
        laid[first : first + len(file)] = file[: max(0, length - first)]
    return laid


def _is_speech(file: Floats) -> bool:
    levels = np.sqrt((file[: len(file) // FRAME * FRAME].reshape(-1, FRAME) ** 2).mean(axis=1))
    heard = levels[levels > FULL_SCALE * 10 ** (QUIETEST_DBOV / 20)]
    if not len(heard):
        return False
    faint, loud = np.quantile(heard, (0.1, 0.9))
    return bool(20 * np.log10(loud / faint) > SPEECH_DB)


def _worth(file: Floats) -> bool:
    return len(file) >= SHORTEST_S * RATE and dbov(float(np.mean(file**2))) > PAUSE_DBOV


def _worst(windows: Sequence[Sequence[Floats]], starts: Sequence[int]) -> Score:
    """Have a process of its own score them: whatever becomes of it, we go on."""
    sounds = [np.clip(one, -32768, 32767).astype("<i2").tobytes() for pair in windows for one in pair]
    head = json.dumps([len(sound) for sound in sounds]).encode() + b"\n"
    command = child.python_command("harness.sound.pesq_child")
    with child.start(command, stdin=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        try:
            said, complaint = process.communicate(head + b"".join(sounds), timeout=PATIENCE_S)
        except subprocess.TimeoutExpired:
            process.kill()
            return Score(reason=f"pesq took longer than {PATIENCE_S:g} s")
    if process.returncode:
        last = (complaint.decode(errors="replace").strip().splitlines() or [""])[-1]
        return Score(reason=f"pesq: {child.how_it_ended(process.returncode)} {last}".strip())
    scores = [(value, start / RATE) for value, start in zip(json.loads(said), starts, strict=True) if value is not None]
    return Score(*min(scores)) if scores else Score(reason="pesq found nothing to compare")
