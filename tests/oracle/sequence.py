"""Whether the digits that were heard are the ones that the mixer was told to say, each in its place.

The sequence starts anew at each first digit that was heard, so a slip of the whole is told once, not for the rest
of the call. Where the first sequence begins is not known; only that it does so within a period of the first sound.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from oracle.dtmf import Digit

NEAR_S = 0.010  # a digit this near to where the sound or the source ends or the source begins may be cut
SNR_DB = 28.0  # clean: 35 and more, with any encoder
LEVEL_DB = 0.5  # clean: within 0.1
LENGTH_MS = 8.0  # soft edges shorten a digit by up to 5 ms
START_MS = 5.0  # between digits, and between sequences


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """What the mixer was told to say."""

    keys: str
    tone_s: float
    pause_s: float
    period_s: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Slot:
    """A time at which a digit is due, and what was heard then; one that may be cut is not judged."""

    key: str
    due_s: float
    digit: Digit | None
    may_be_cut: bool


def assign(
    plan: Plan, heard: Sequence[Digit], sound_start_s: float, sound_end_s: float, *source_cuts_s: float
) -> tuple[list[Slot], list[Digit]]:
    """Return a slot for each digit that is due, and the digits that fit into none.

    Times are seconds of the recording: where its sound, and the source in it, begin and end.
    """
    left = list(heard)
    slots: list[Slot] = []
    begin_s = heard[0].start_s if heard else sound_start_s
    while begin_s - plan.period_s > sound_start_s:  # a sequence was due here, and nothing of it was heard
        begin_s -= plan.period_s
    while begin_s < sound_end_s:
        for i, key in enumerate(plan.keys):
            due_s = begin_s + i * (plan.tone_s + plan.pause_s)
            digit = _take(plan, left, due_s)
            end_s = due_s + plan.tone_s
            cut = end_s > sound_end_s - NEAR_S or any(due_s - NEAR_S < at_s < end_s + NEAR_S for at_s in source_cuts_s)
            slots.append(Slot(key=key, due_s=due_s, digit=digit, may_be_cut=cut))
            if digit and i == 0:
                begin_s = digit.start_s
        begin_s += plan.period_s
    return slots, left


def remnants(plan: Plan, slots: Iterable[Slot]) -> list[tuple[float, float]]:
    """Return start and end of each digit that may have been cut to something too short to be heard as one."""
    return [(slot.due_s, slot.due_s + plan.tone_s) for slot in slots if slot.may_be_cut and slot.digit is None]


def problems(plan: Plan, slots: Sequence[Slot], strangers: Sequence[Digit]) -> Iterator[str]:
    """Tell what is missing, wrong, off in time, length or level, dirty, or was not asked for."""
    if not any(slot.digit for slot in slots):
        yield "no digit was heard"
        return
    for slot in slots:
        if slot.may_be_cut:
            continue
        if slot.digit is None:
            yield f"digit {slot.key} is missing at {slot.due_s:.3f} s"
        else:
            yield from _amiss(plan, slot, slot.digit)
    for digit in strangers:
        yield f"digit {digit.key} at {digit.start_s:.3f} s was not asked for"


def _take(plan: Plan, left: list[Digit], due_s: float) -> Digit | None:
    """Take the digit that is nearest to that time out of the list, if it belongs to it at all."""
    nearest = min(left, key=lambda digit: abs(digit.start_s - due_s), default=None)
    if nearest is None or abs(nearest.start_s - due_s) > (plan.tone_s + plan.pause_s) / 2:
        return None
    left.remove(nearest)
    return nearest


def _amiss(plan: Plan, slot: Slot, digit: Digit) -> Iterator[str]:
    where = f"digit {digit.key} at {digit.start_s:.3f} s"
    if digit.key != slot.key:
        yield f"{where} should be {slot.key}"
    if abs(late_ms := 1000 * (digit.start_s - slot.due_s)) > START_MS:
        yield f"{where} comes {late_ms:+.1f} ms off"
    if abs(digit.length_s - plan.tone_s) * 1000 > LENGTH_MS:
        yield f"{where} lasts {1000 * digit.length_s:.1f} ms, not {1000 * plan.tone_s:g}"
    if max(abs(digit.low_db), abs(digit.high_db)) > LEVEL_DB:
        yield f"{where} is {digit.low_db:+.2f} and {digit.high_db:+.2f} dB off in level"
    if not digit.snr_db >= SNR_DB:
        yield f"{where} holds more than its two tones and the source: {digit.snr_db:.1f} dB"
