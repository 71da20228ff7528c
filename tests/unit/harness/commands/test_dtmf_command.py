"""`b2b dtmf`: one line for a file, or everything that is known of each digit."""

from __future__ import annotations

import json

import pytest
from pydub import AudioSegment
from pydub.generators import Sine

from b2b.cli.app import run


@pytest.fixture
def dtmf(capsys):
    """Return a function that runs the command: exit code, output, errors."""

    def dtmf(*arguments: object):
        code = run(["dtmf", *map(str, arguments)])
        said = capsys.readouterr()
        return code, said.out, said.err

    return dtmf


def write(path, *, rate=8000, channels=1):
    """Write a recording of the digit 5 after half a second, the high tone 2 dB over the low one."""
    tones = ((770, -20), (1336, -18))
    low, high = (Sine(hertz, sample_rate=rate).to_audio_segment(100, volume=db) for hertz, db in tones)
    silence = AudioSegment.silent(500, frame_rate=rate)
    (silence + low.overlay(high) + silence).set_channels(channels).export(path, format=path.suffix[1:]).close()
    return path


@pytest.mark.parametrize("about", [
    {"name": "a.wav"}, {"name": "wide.wav", "rate": 44100}, {"name": "two.wav", "channels": 2},
    {"name": "b.mp3", "rate": 16000},
], ids=lambda about: about["name"])  # fmt: skip
def test_a_line_is_the_path_and_the_digits(dtmf, tmp_path, about):
    """Of any rate, channels and format."""
    path = write(tmp_path / about["name"], **{key: value for key, value in about.items() if key != "name"})
    assert dtmf(path) == (0, f"{path}\t5\n", "")


def test_a_recording_without_digits_is_a_line_too(dtmf, tmp_path):
    """So that lines and files match."""
    path = tmp_path / "silent.wav"
    AudioSegment.silent(500, frame_rate=8000).export(path, format="wav").close()
    assert dtmf(path, path) == (0, f"{path}\t\n" * 2, "")


def test_json_has_what_was_measured(dtmf, tmp_path):
    """Times in seconds, levels in dBm0, errors in percent."""
    path = write(tmp_path / "a.wav")
    (digit,) = json.loads(dtmf(path, "--json")[1])[str(path)]
    assert digit["digit"] == "5"
    assert digit["start_s"] == pytest.approx(0.5, abs=0.005)
    assert digit["end_s"] == pytest.approx(0.6, abs=0.005)
    assert digit["twist_db"] == pytest.approx(2, abs=0.1)
    assert digit["level_dbm0"] == digit["high_dbm0"] > digit["low_dbm0"]
    assert abs(digit["low_error_percent"]) < 0.1
    assert 0.5 <= digit["confidence"] <= 1


def test_a_file_that_cannot_be_read_does_not_hide_the_others(dtmf, tmp_path):
    """66, and a sentence for each."""
    path = write(tmp_path / "a.wav")
    (tmp_path / "text.wav").write_text("no sound")
    code, out, err = dtmf(tmp_path / "none.wav", tmp_path / "text.wav", path)
    assert (code, out) == (66, f"{path}\t5\n")
    missing, text = err.splitlines()
    assert missing == f"Error: {tmp_path / 'none.wav'}: No such file or directory"
    assert text.startswith(f"Error: {tmp_path / 'text.wav'}: ffmpeg could not decode it")
