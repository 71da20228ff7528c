"""Sound in the form that devices play, read back by others."""

from __future__ import annotations

import subprocess
import wave
from pathlib import Path

import dpkt
import numpy as np
import pytest
from scipy.io import wavfile

from b2b.audio.convert import convert
from b2b.errors import AudioError


@pytest.fixture
def tone(tmp_path: Path) -> Path:
    """Write a second of a tone at 16 kHz."""
    path = tmp_path / "tone.wav"
    sound = 8000 * np.sin(2 * np.pi * 440 * np.arange(16000) / 16000)
    wavfile.write(path, 16000, sound.astype(np.int16))
    return path


def test_wav(tone, tmp_path):
    """8 kHz, mono, 16 bits."""
    convert(tone, tmp_path / "a.wav")
    with wave.open(str(tmp_path / "a.wav")) as file:
        assert (file.getframerate(), file.getnchannels(), file.getsampwidth(), file.getnframes()) == (8000, 1, 2, 8000)


@pytest.mark.parametrize(("suffix", "form"), [(".ul", "mulaw"), (".al", "alaw")])
def test_headerless_g711(tone, tmp_path, suffix, form):
    """One octet a sample, and the tone as loud as it was."""
    convert(tone, tmp_path / f"a{suffix}")
    assert (tmp_path / f"a{suffix}").stat().st_size == 8000
    file = tmp_path / f"a{suffix}"
    ffmpeg = ["ffmpeg", "-v", "error", "-f", form, "-ar", "8000", "-i", file, "-f", "s16le", "pipe:1"]
    sound = np.frombuffer(subprocess.run(ffmpeg, check=True, capture_output=True).stdout, "<i2")[800:-800]
    assert np.sqrt(np.mean(sound.astype(float) ** 2)) == pytest.approx(8000 / np.sqrt(2), rel=0.02)


def test_a_capture_of_rtp(tone, tmp_path):
    """Packets of 30 ms of PCMA at their times, which hold the same sound; a marker begins them."""
    convert(tone, tmp_path / "a.pcap")
    with (tmp_path / "a.pcap").open("rb") as file:
        records = [(time_s, dpkt.ethernet.Ethernet(data).data.data.data) for time_s, data in dpkt.pcap.Reader(file)]
    packets = [dpkt.rtp.RTP(data) for _time_s, data in records]
    assert [time_s for time_s, _ in records] == pytest.approx([0.03 * n for n in range(33)])
    assert [(p.seq, p.ts, p.pt, p.m) for p in packets] == [(n, 240 * n, 8, n == 0) for n in range(33)]
    assert b"".join(p.data for p in packets) == (tmp_path / "a.al").read_bytes()[: 33 * 240]


def test_what_is_no_sound(tmp_path):
    """Is told with ffmpeg's own words."""
    (tmp_path / "x.txt").write_text("x")
    with pytest.raises(AudioError, match=r"x\.txt: ffmpeg could not convert it to a\.wav: "):
        convert(tmp_path / "x.txt", tmp_path / "a.wav")
