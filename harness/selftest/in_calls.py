"""The faults in real calls: what is played, what the mixer adds, what is done to the packets, and what must be said."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from harness.expect import Expectations, SinkExpectation
from harness.selftest import on_digits, on_runs, on_sound, tamper
from harness.selftest.caller import PLAN
from harness.selftest.fault import Expected, Fault
from harness.selftest.material import Sound, speech, write_wav
from harness.selftest.tamper import Tampering

CALL_S, FILE_S = 6.0, 8.0
BETWEEN_S = (1.5, 4.5)  # of the file, where something is done to it
AFTER = (75, 200)  # packets, of a leg before something is done to it
DIGITS_FROM_S = 0.5  # in a file with digits of its own
CLEAN = "clean.wav"
CALLEE = "listener"  # the user that the sink is called by
LEG, MIXED_LEG = "source -> sink", "mixer -> sink"

# From the file to the recording: the source's lead, the jitter buffer, the player's; a mixer has two of each.
DELAY_S, DELAY_ERROR_S = on_sound.USUAL_MS / 1000, 0.3
MIXED_DELAY_S, MIXED_DELAY_ERROR_S = 0.65, 0.4
TIME_ERROR_S = 0.005  # between the kernel's time of a packet and ours
STALL_ERROR_MS = 3.0
REFILL_MS = 160.0  # for which a jitter buffer that ran dry may wait before it plays again

DIRECT = """
[topology]
source = {{ sip_target = "sip:{callee}@sink", audio_file = "{file}", duration_s = {seconds} }}
sink.sip_user = "{callee}"
"""
MIXED = """
[topology]
source = {{ sip_target = "sip:mixer", audio_file = "{file}", duration_s = {seconds} }}
mixer = {{ sip_target = "sip:{callee}@sink", dtmf_seq = "{digits}" }}
sink.sip_user = "{callee}"
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """A call to make, and how it must be judged. `fault` is told when it was done and, of a stall, how long it was.

    Seconds are from the call's answer, lengths are in milliseconds.
    """

    fault: Callable[[float, float], Fault]
    wanted: Expectations
    reference: Path | None
    tampering: Tampering | None = None


Make = Callable[[Path, np.random.Generator], Case]


def _expected(**sinks: SinkExpectation) -> Expectations:
    return Expectations(max_duplicates=0, max_reordered=0, sinks=sinks)


def _write(folder: Path, plan: str, sound: Sound, played: Sound, **more: object) -> Path:
    """Write what is played, what ought to have been, and the plan; return the second."""
    write_wav(folder / CLEAN, sound)
    write_wav(folder / "source.wav", played)
    text = plan.format(file=folder / "source.wav", seconds=CALL_S, callee=CALLEE, **more)
    (folder / PLAN).write_text(text)
    return folder / CLEAN


def _in_file(make: on_sound.Make) -> Make:
    """Let the source play a file that has the fault already."""

    def case(folder: Path, random: np.random.Generator) -> Case:
        sound = speech(random, FILE_S)
        fault, played = make(sound, float(random.uniform(*BETWEEN_S)))
        fault = fault.later(DELAY_S, error_s=DELAY_ERROR_S)
        # Without digits in the call nobody misses them.
        fault = replace(fault, expects=[expected for expected in fault.expects if expected.check != "dtmf"])
        reference = _write(folder, DIRECT, sound, played)
        wanted = _expected(sink=SinkExpectation(max_delay_ms=on_sound.USUAL_MS + on_sound.LATE_MS / 2))
        return Case(fault=lambda *_: fault, wanted=wanted, reference=reference)

    return case


def _in_mixer(make: on_digits.Make | None) -> Make:
    """Let the mixer send another sequence than is expected."""

    def case(folder: Path, random: np.random.Generator) -> Case:
        fault, digits = Fault(name="clean mixed call", what="speech, and digits by the mixer"), on_digits.DIGITS
        if make:
            keys = on_digits.clean(sequences=2)
            fault, keys = make(keys, int(random.integers(1, len(on_digits.DIGITS))))
            digits = "".join(key.digit for key in keys[: len(keys) - len(on_digits.DIGITS)])
            fault = fault.later(MIXED_DELAY_S, error_s=MIXED_DELAY_ERROR_S)
        sound = speech(random, FILE_S)
        reference = _write(folder, MIXED, sound, sound, digits=digits)
        wanted = _expected(sink=SinkExpectation(dtmf=on_digits.DIGITS))
        return Case(fault=lambda *_: fault, wanted=wanted, reference=reference)

    return case


def _short_digit(folder: Path, random: np.random.Generator) -> Case:
    """Let the source play digits of its own, for no mixer sends one that short."""
    keys = on_digits.clean(first_s=DIGITS_FROM_S, sequences=3)
    fault, keys = on_digits.FAULTS["digit 35 ms"](keys, on_digits.at_random(random, keys))
    sound = speech(random, FILE_S)
    reference = _write(folder, DIRECT, sound, on_digits.pressed(sound, keys))
    fault = fault.later(DELAY_S, error_s=DELAY_ERROR_S)
    wanted = _expected(sink=SinkExpectation(dtmf=on_digits.DIGITS))
    return Case(fault=lambda *_: fault, wanted=wanted, reference=reference)


def _on_the_wire(
    fault: Callable[[float, float], Fault], kind: str, *, count: int = 1, length_ms: float = 0.0
) -> Make:
    """Tamper with the packets of a clean call."""

    def case(folder: Path, random: np.random.Generator) -> Case:
        sound = speech(random, FILE_S)
        after = int(random.integers(*AFTER))
        wanted = Tampering(kind=kind, callees=[CALLEE], after=after, count=count, length_ms=length_ms)
        return Case(
            fault=fault, wanted=_expected(sink=SinkExpectation()), tampering=wanted,
            reference=_write(folder, DIRECT, sound, sound),
        )  # fmt: skip

    return case


def _lost(count: int) -> Make:
    def fault(at_s: float, _length_ms: float) -> Fault:
        distance_ms = tamper.FRAME_MS * (count + 1)
        lost = Expected(check="lost", where=LEG, size=count, at_s=at_s, at_error_s=TIME_ERROR_S)
        # One that is lost leaves a gap as long as is allowed, and jitter may add to it.
        gap = replace(
            lost, check="gap", size=distance_ms, size_error=tamper.FRAME_MS / 2, says="lost", optional=count == 1
        )
        expects = [lost, gap, _heard(tamper.FRAME_MS * count, at_s)]
        what = f"{count} packet{'s' if count > 1 else ''} missing"
        return Fault(name=f"lost {count}", what=what, at_s=at_s, expects=expects)

    return _on_the_wire(fault, tamper.LOST, count=count)


def _heard(length_ms: float, at_s: float) -> Expected:
    """Return what may be heard of lost packets, if the jitter buffer does not make up for it."""
    return Expected(
        check="heard gap", where="sink", size=length_ms, size_error=REFILL_MS, at_s=at_s + DELAY_S,
        at_error_s=DELAY_ERROR_S, optional=True,
    )  # fmt: skip


def _stalled(length_ms: float) -> Make:
    def fault(at_s: float, really_ms: float) -> Fault:
        gap = Expected(
            check="gap", where=LEG, size=really_ms, size_error=STALL_ERROR_MS, at_s=at_s, at_error_s=TIME_ERROR_S,
            says="late",
        )  # fmt: skip
        return Fault(name=f"stall {length_ms:g} ms", what=f"nothing for {really_ms:.1f} ms", at_s=at_s, expects=[gap])

    return _on_the_wire(fault, tamper.STALLED, length_ms=length_ms)


def _doubled(at_s: float, _length_ms: float) -> Fault:
    expected = Expected(check="duplicates", where=LEG, size=1, at_s=at_s, at_error_s=TIME_ERROR_S)
    return Fault(name="duplicate", what="one packet twice", at_s=at_s, expects=[expected])


def _reordered(at_s: float, _length_ms: float) -> Fault:
    """Return what must be said; until the next packet comes nothing does, which is just over the limit with jitter."""
    expected = Expected(check="reordered", where=LEG, size=1, at_s=at_s, at_error_s=TIME_ERROR_S)
    gap = Expected(check="gap", where=LEG, size=2 * tamper.FRAME_MS, size_error=STALL_ERROR_MS, optional=True)
    return Fault(name="reorder", what="a packet behind the next one", at_s=at_s, expects=[expected, gap])


def _other_codec(_at_s: float, _length_ms: float) -> Fault:
    """Return what must be said of sound under a number that was not agreed: the user agent plays nothing of it."""
    expects = [Expected(check="codec", where=LEG, says="PCMA"), Expected(check="heard", says="nothing")]
    return Fault(name="other codec", what="PCMA where PCMU was agreed", expects=expects)


def _two(*, crossed: bool) -> Make:
    def case(folder: Path, random: np.random.Generator) -> Case:
        files = {source: folder / f"{source}.wav" for source in on_runs.CALLS}
        for path in files.values():
            write_wav(path, speech(random, FILE_S))
        (folder / PLAN).write_text(on_runs.plan_of(files, seconds=CALL_S))
        fault = on_runs.FAULTS["swapped leg" if crossed else "two clean calls"][0]
        return Case(
            fault=lambda *_: fault, reference=None,
            wanted=_expected(**{sink: SinkExpectation() for sink in on_runs.CALLS.values()}),
            tampering=Tampering(kind=tamper.SWAPPED, callees=list(on_runs.CALLS.values())) if crossed else None,
        )  # fmt: skip

    return case


FAULTS: Mapping[str, Make] = {
    "clean call": _in_file(lambda sound, at_s: (Fault(name="clean call", what="speech"), sound)),
    "clean mixed call": _in_mixer(None),
    "two clean calls": _two(crossed=False),
    **{f"lost {count}": _lost(count) for count in (1, 2, 3, 5, 20)},
    **{f"stall {length_ms} ms": _stalled(length_ms) for length_ms in (41, 80)},
    "duplicate": _on_the_wire(_doubled, tamper.DUPLICATE),
    "reorder": _on_the_wire(_reordered, tamper.REORDERED),
    "other codec": _on_the_wire(_other_codec, tamper.OTHER_CODEC),
    "swapped leg": _two(crossed=True),
    **{name: _in_file(make) for name, make in on_sound.FAULTS.items() if name != "clean recording"},
    **{name: _in_mixer(make) for name, make in on_digits.FAULTS.items() if name != "digit 35 ms"},
    "digit 35 ms": _short_digit,
}
NAMES: Sequence[str] = tuple(FAULTS)
