"""The faults on files: captures and recordings, written and judged as anybody's are."""

from __future__ import annotations

import tempfile
from collections.abc import Collection, Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np

from harness.call import Call
from harness.expect import Expectations, SinkExpectation
from harness.judging.files import check_recording, judge_capture
from harness.judging.run import judge
from harness.selftest import on_digits, on_runs, on_sound, on_streams
from harness.selftest.fault import Fault, Finding, examine
from harness.selftest.material import RATE, Sound, mulaw_leg, speech
from harness.verdict import Check

NAMES = (*on_streams.FAULTS, *on_sound.FAULTS, *on_digits.FAULTS, *on_runs.FAULTS)
PREFIX = "b2b-selftest-"
PORTS = (4000, 5000)
LENGTH_S, DELAY_S = 12.0, on_sound.USUAL_MS / 1000
BETWEEN_S = (2.8, 3.6)  # two sequences of digits
STREAM = Expectations(max_duplicates=0, max_reordered=0)
RUN = replace(STREAM, sinks={sink: SinkExpectation() for sink in on_runs.CALLS.values()})
SINK = SinkExpectation(dtmf=on_digits.DIGITS, max_delay_ms=on_sound.USUAL_MS + on_sound.LATE_MS / 2)


def findings(seed: int, names: Collection[str] = NAMES) -> Iterator[Finding]:
    """Yield what the checks say of each fault, made at a place that the seed chooses."""
    for kind, found in enumerate((_streams, _sounds, _digits, _runs)):
        yield from found(seed, np.random.default_rng((seed, kind)), names)


def _streams(seed: int, random: np.random.Generator, names: Collection[str]) -> Iterator[Finding]:
    clean = on_streams.clean(random)
    with tempfile.TemporaryDirectory(prefix=PREFIX) as folder:
        path = Path(folder) / "capture.pcap"
        for name, make in on_streams.FAULTS.items():
            at = on_streams.at_random(random)
            if name in names:
                fault, packets = make(clean, at)
                on_streams.write_pcap(path, {PORTS: packets})
                yield examine(fault, seed, judge_capture(path, STREAM).checks)


def _sounds(seed: int, random: np.random.Generator, names: Collection[str]) -> Iterator[Finding]:
    played = speech(random, LENGTH_S)
    heard = on_digits.pressed(played, on_digits.clean())
    for name, make in on_sound.FAULTS.items():
        at_s = float(random.uniform(*BETWEEN_S)) + on_digits.PERIOD_S * int(random.integers(on_digits.SEQUENCES - 1))
        if name in names:
            yield _examined(seed, played, *make(heard, at_s))


def _digits(seed: int, random: np.random.Generator, names: Collection[str]) -> Iterator[Finding]:
    played, keys = speech(random, LENGTH_S), on_digits.clean()
    for name, make in on_digits.FAULTS.items():
        at = on_digits.at_random(random, keys)
        if name in names:
            fault, odd = make(keys, at)
            yield _examined(seed, played, fault, on_digits.pressed(played, odd))


def _runs(seed: int, random: np.random.Generator, names: Collection[str]) -> Iterator[Finding]:
    for name, (fault, crossed) in on_runs.FAULTS.items():
        if name in names:
            with tempfile.TemporaryDirectory(prefix=PREFIX) as folder:
                on_runs.write_run(Path(folder), random, crossed=crossed)
                yield examine(fault, seed, judge(Call(Path(folder)), RUN).checks)


def _examined(seed: int, played: Sound, fault: Fault, heard: Sound) -> Finding:
    return examine(fault.later(DELAY_S), seed, _checks(played, heard))


def _checks(played: Sound, heard: Sound) -> list[Check]:
    recording = mulaw_leg(np.concatenate((np.zeros(round(DELAY_S * RATE)), heard, np.zeros(RATE))))
    return list(check_recording("sink", "sink.wav", recording, np.rint(played).astype(np.int16), SINK))
