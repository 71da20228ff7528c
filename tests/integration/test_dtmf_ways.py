"""Digits as tones, as telephone-events and by SIP INFO: sent, recognised, and named for how they came."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path

import pytest

from b2b.audio import tones
from b2b.baresip import versions
from calls.places import SAMPLE
from calls.recording import read_wav

DEVICES = Path(__file__).parent / "devices"

CALL = """
[topology.source]
sip_target = "sip:sink"
audio_file = "{sample}"
dtmf = "{digits}"
dtmf_mode = "{mode}"

[topology.sink]

[expect]
duration_s = 5
max_gap_ms = 400
sink = {{ dtmf = "{wanted}", dtmf_by = "{by}", max_heard_gap_ms = 400, max_residual_dbov = 0, min_snr_db = 0 }}
"""
MIXED = """
[topology]
source = {{ sip_target = "sip:mixer", audio_file = "{sample}" }}
mixer = {{ sip_target = "sip:sink", dtmf_seq = "12", dtmf_mode = "rfc4733", dtmf_period_ms = 1500 }}
sink = {{}}

[expect]
duration_s = 5
max_gap_ms = 400
sink = {{ dtmf = "12", dtmf_by = "rfc4733", max_heard_gap_ms = 400, max_residual_dbov = 0, min_snr_db = 0 }}
"""
SIPP = """
[topology.sipp]
role = "external"
address = "127.0.0.1:5064"
calls = "sink"
audio_file = "{audio}"
files."call.xml" = "{devices}/info.xml"
command = ["sipp", "-sf", "{{run_dir}}/call.xml", "-i", "{{ip}}", "-mi", "{{ip}}", "-p", "{{port}}", "-m", "1",
    "-s", "b2b", "-timeout", "30", "-timeout_error", "-nostdin", "{{sink.address}}"]

[topology.sink]
sip_bind = "127.0.0.1:5062"
codec = "pcma"

[expect]
codec = "PCMA"
max_gap_ms = 400
sink = {{ dtmf = "5", dtmf_by = "info", max_heard_gap_ms = 400, max_residual_dbov = 0, min_snr_db = 0 }}
"""


@pytest.fixture
def judged(judged_call):
    """Make a call, and return how it ended, its output, and the sink's checks by name."""

    def make(text: str):
        run, checks = judged_call(text)
        return run.process.returncode, run, {check["name"]: check for check in checks if check["where"] == "sink"}

    return make


@pytest.mark.parametrize("mode", ["inband", "rfc4733"])
def test_digits_of_the_source(judged, mode):
    """Once, in order, by the way that was asked for; and the sound around them is as it was."""
    code, run, checks = judged(CALL.format(sample=SAMPLE, digits="15 9#", mode=mode, wanted="159#", by=mode))
    assert code == 0, run.output
    assert checks["dtmf"]["got"] == ("'159#'" if mode == "inband" else "'159#' by rfc4733")
    if mode == "rfc4733":
        assert run.wait_line(r"SINK.*heard digit=1$")


def test_digits_by_another_way_than_expected(judged):
    """Events are no tones."""
    code, run, checks = judged(CALL.format(sample=SAMPLE, digits="159", mode="rfc4733", wanted="159", by="inband"))
    assert code == 1, run.output
    assert checks["dtmf"]["outcome"] == "fail"


def test_events_of_the_mixer(judged):
    """Every period, and the sequence as often as there was time for it; they leave the sound as it is.

    But from 1.1 on baresip keeps events out of its jitter buffer, takes their numbers for losses, and plays twice what
    follows each of them (`lostc` in its src/audio.c): 220 ms too much for every digit. That is told as what it is.
    """
    code, run, checks = judged(MIXED.format(sample=SAMPLE))
    if versions.installed().by_call:
        assert code == 1, run.output
        assert checks["heard gap"]["outcome"] == "fail"
        assert re.search(r"^receiver, sink: .* from 1\.1 on baresip plays twice", checks["heard gap"]["cause"])
    else:
        assert code == 0, run.output
    assert checks["dtmf"]["got"].startswith("'1212")


def test_info_by_a_baresip_that_has_none(judged):
    """1.0 cannot send it, which is told at once; a later one does it."""
    code, run, _ = judged(CALL.format(sample=SAMPLE, digits="5", mode="info", wanted="5", by="info"))
    said = subprocess.run(["baresip", "-h"], capture_output=True, text=True, check=False).stdout
    if " v1.0." in said:
        assert code == 64, run.output
        assert "baresip 1.0.0 sends no SIP INFO, wanted 1.1 or later" in run.output
    else:
        assert code == 0, run.output


@pytest.mark.skipif(not shutil.which("sipp"), reason="the package sip-tester is not installed")
def test_info_from_a_device(judged):
    """SIPp sends it, the sink hears it, and it is named for what it was."""
    code, run, checks = judged(SIPP.format(audio=SAMPLE, devices=DEVICES))
    assert code == 0, run.output
    assert checks["dtmf"]["got"] == "'5' by info"
    assert checks["digits once"]["outcome"] == "pass"
    assert run.wait_line(r"SINK.*heard digit=5")


@pytest.mark.skipif(not shutil.which("sipp"), reason="the package sip-tester is not installed")
def test_a_digit_that_comes_twice(judged, tmp_path):
    """As a tone and by INFO at the same time: an application would take it for two."""
    samples = read_wav(decoded(SAMPLE, tmp_path / "speech.wav")).copy()
    at = 12000  # when the scenario sends its INFO
    tone = [round(value) for value in tones.tone("5", 160)]
    samples[at : at + len(tone)] = tone
    (tmp_path / "five.raw").write_bytes(samples.tobytes())
    raw = ["-f", "s16le", "-ar", "8000", "-ac", "1", "-i", tmp_path / "five.raw", tmp_path / "five.wav"]
    subprocess.run(["ffmpeg", "-v", "error", *raw], check=True)
    code, run, checks = judged(SIPP.format(audio=tmp_path / "five.wav", devices=DEVICES))
    assert code == 1, run.output
    assert checks["dtmf"]["outcome"] == "pass"
    assert checks["digits once"]["got"] == "'5' by info and by inband"


def decoded(source: Path, target: Path) -> Path:
    """Write a file's first seconds as 8 kHz mono."""
    form = ["-t", "10", "-ar", "8000", "-ac", "1", target]
    subprocess.run(["ffmpeg", "-v", "error", "-i", source, *form], check=True)
    return target
