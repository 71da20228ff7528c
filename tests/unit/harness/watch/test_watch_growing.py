"""What is read from files that grow is what is read from them when they are complete."""

from __future__ import annotations

import random

import numpy as np
import pytest

from calls.synthetic import ANSWERED_S, make_run
from harness.dtmf import detect
from harness.sound import measure, read_wav
from harness.watch.growing import GrowingLines
from harness.watch.listening import Listening
from harness.watch.wire import GrowingCapture

NODES = {"source": "127.0.0.1:5060", "sink": "127.0.0.1:5062"}
LIMIT_S = 0.040


def pieces(content, seed):
    """Cut it at random places, now and then right behind one another."""
    chance, at = random.Random(seed), 0
    while at < len(content):
        size = chance.choice((1, 7, 200, 3000, 20000))
        yield content[at : at + size]
        at += size


def grow(path, whole, seed, read):
    """Let the file grow by pieces, and read after each; then read until nothing comes."""
    with path.open("wb") as file:
        for piece in pieces(whole, seed):
            file.write(piece)
            file.flush()
            read(False)
    while read(True):
        pass


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("lost", [(), (50, 51, 120), (1,), (198,)], ids=["none", "two gaps", "early", "late"])
def test_a_growing_capture_comes_to_what_the_judge_finds(tmp_path, seed, lost):
    """Packets, losses, gaps and the worst of them, however the file came to be, also within a record."""
    judged = make_run(tmp_path, lost=lost).leg("source", "sink").rtp
    whole, path = (tmp_path / "capture.pcap").read_bytes(), tmp_path / "growing.pcap"
    capture = GrowingCapture(path, NODES, order=list(NODES), limit_s=LIMIT_S)
    grow(path, whole, seed, lambda ended: capture.read(ended=ended))
    (leg,) = capture.legs
    assert leg.name == "source -> sink"
    assert (leg.packets, leg.lost, leg.worst_ms) == (judged.packets, judged.missing, judged.max_gap_ms)
    assert leg.gaps == len(judged.gaps(LIMIT_S)) == (1 if 50 in lost else 0)
    if leg.gaps:
        assert leg.worst_at_s == pytest.approx(ANSWERED_S + 0.02 * 49, abs=0.001)
    assert leg.level_dbov == -96.0  # its packets are digital silence


def test_a_gap_counts_as_soon_as_it_is_certain(tmp_path):
    """Not only at the end of the call."""
    make_run(tmp_path, lost=(50, 51))
    whole, path = (tmp_path / "capture.pcap").read_bytes(), tmp_path / "growing.pcap"
    capture = GrowingCapture(path, NODES, order=list(NODES), limit_s=LIMIT_S)
    told = []
    for end in range(0, len(whole), 5000):
        path.write_bytes(whole[:end])
        capture.read()
        told += [(leg.packets, leg.gaps, leg.lost) for leg in capture.legs]
    first = next(packets for packets, gaps, _ in told if gaps)
    assert 75 < first < 150
    assert told[-1][1:] == (1, 2)


def test_without_a_capture_there_are_no_legs(tmp_path):
    """The kernel may have refused one."""
    capture = GrowingCapture(tmp_path / "none.pcap", NODES, order=list(NODES), limit_s=LIMIT_S)
    assert capture.read(ended=True) is False
    assert capture.legs == []


@pytest.mark.parametrize("seed", range(2))
def test_a_growing_recording_has_its_level_and_its_digits(tmp_path, seed):
    """The level of what is new, in the end that of all; each digit once."""
    make_run(tmp_path, seconds=7)
    samples = read_wav(tmp_path / "sink.wav")
    wanted = "".join(digit.digit for digit in detect(samples))
    path, levels, digits = tmp_path / "growing.wav", [], []
    listening = Listening("sink", path)

    def read(ended):
        more = listening.read(ended=ended)
        levels.append(listening.level_dbov)
        digits.append(listening.digits)
        return more

    grow(path, (tmp_path / "sink.wav").read_bytes(), seed, read)
    assert wanted == "1" == listening.digits
    assert digits[0] == ""
    assert listening.level_dbov == pytest.approx(measure(samples).rms_dbov, abs=0.1)
    assert len({level for level in levels if level is not None}) > 3
    listening.read(ended=True)
    assert listening.digits == "1"


def test_lines_come_when_they_are_whole(tmp_path):
    """What is no JSON object is left out, and a line that is being written waits."""
    path = tmp_path / "events.jsonl"
    lines = GrowingLines(path)
    assert list(lines.values()) == []
    path.write_text('{"event": "one"}\n{"event": "tw')
    assert list(lines.values()) == [{"event": "one"}]
    with path.open("a") as file:
        file.write('o"}\n[1]\nnonsense\n\xff\n{"event": "three"}\n')
    assert [values["event"] for values in lines.values()] == ["two", "three"]


def test_samples_of_a_recording_that_was_cut_within_one(tmp_path):
    """Half a sample waits for its other half."""
    path = tmp_path / "sink.wav"
    path.write_bytes(bytes(44) + np.array([1, 2], "<i2").tobytes()[:3])
    listening = Listening("sink", path)
    assert listening.read() is True
    assert listening.read() is False
