"""Recordings are read whatever became of their writer; files are decoded as the source decodes them."""

import struct
import subprocess
import sys
import wave
from pathlib import Path

import numpy as np
import pytest

from b2b.audio.wav import WavWriter, header
from harness.sound import SoundError, decode, read_wav
from oracle import audio

SAMPLE = Path(__file__).parents[4] / "fixtures" / "sample.mp3"
SOUND = np.arange(-500, 500, dtype=np.int16)


def test_what_b2b_records_is_read(tmp_path):
    """Sample by sample."""
    writer = WavWriter(tmp_path / "a.wav")
    writer.write(SOUND.tobytes())
    writer.close()
    assert read_wav(tmp_path / "a.wav").tolist() == SOUND.tolist()


@pytest.mark.parametrize("said", [0, 100_000, 0xFFFFFFF0])
def test_a_recording_whose_writer_was_killed_is_read(tmp_path, said):
    """Its header says nothing yet, or more than there is; half a sample hangs over."""
    (tmp_path / "a.wav").write_bytes(header(said) + SOUND.tobytes() + b"\1")
    assert read_wav(tmp_path / "a.wav").tolist() == SOUND.tolist()


def test_chunks_that_are_not_sound_are_skipped(tmp_path):
    """LIST before, id3 after."""
    chunk = b"LIST" + struct.pack("<I", 3) + b"abc\0"
    head = header(2 * len(SOUND))
    (tmp_path / "a.wav").write_bytes(head[:36] + chunk + head[36:] + SOUND.tobytes() + b"id3 " + bytes(20))
    assert read_wav(tmp_path / "a.wav").tolist() == SOUND.tolist()


@pytest.mark.parametrize(
    ("content", "about"),
    [(None, "No such file"), (b"", "is none"), (b"ID3" + bytes(99), "is none"), (header(0)[:30], "ends before")],
)
def test_what_is_no_recording_is_said_in_one_sentence(tmp_path, content, about):
    """With its path."""
    if content is not None:
        (tmp_path / "a.wav").write_bytes(content)
    with pytest.raises(SoundError, match=f"a.wav: .*{about}"):
        read_wav(tmp_path / "a.wav")


def test_another_format_is_refused(tmp_path):
    """What was wanted, and what it is."""
    with wave.open(str(tmp_path / "a.wav"), "wb") as writer:
        writer.setparams((2, 2, 44100, 0, "NONE", ""))
        writer.writeframes(bytes(400))
    with pytest.raises(SoundError, match=r"wanted PCM of 8000 Hz, 1 channel.* got PCM of 44100 Hz, 2 channels"):
        read_wav(tmp_path / "a.wav")


def test_an_empty_recording_is_empty(tmp_path):
    """A sink that recorded nothing."""
    (tmp_path / "a.wav").write_bytes(header(0))
    assert len(read_wav(tmp_path / "a.wav")) == 0


def test_the_file_is_decoded_as_it_is_played():
    """All 73 s of it."""
    assert np.array_equal(decode(SAMPLE), audio.decode_reference(SAMPLE))


@pytest.mark.parametrize("content", [None, b"", b"no sound at all"])
def test_what_cannot_be_decoded_is_said(tmp_path, content):
    """With ffmpeg's own reason."""
    if content is not None:
        (tmp_path / "a.mp3").write_bytes(content)
    with pytest.raises(SoundError, match=r"a\.mp3: ffmpeg could not decode it: ."):
        decode(tmp_path / "a.mp3")


def test_a_file_is_decoded_once_and_again_after_it_has_changed(tmp_path):
    """Judges and pages ask for it again and again; nobody may change what the next one gets."""
    path = tmp_path / "played.wav"
    path.write_bytes(header(2 * len(SOUND)) + SOUND.tobytes())
    first = decode(path)
    assert decode(str(path)) is first
    with pytest.raises(ValueError, match="read-only"):
        first[0] = 1
    path.write_bytes(header(200) + SOUND.tobytes()[:200])
    assert decode(path).tolist() == SOUND[:100].tolist()


def test_importing_the_harness_imports_no_scipy():
    """Only who measures pays for it."""
    code = "import sys, harness, harness.sound, harness.dtmf; sys.exit('scipy' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], cwd=SAMPLE.parents[1], check=False).returncode == 0


def test_judging_a_recording_does_not_import_scipys_signals():
    """They take most of a second, and everything else together a tenth of one."""
    code = (
        "import sys, numpy as np; from harness.sound import compare, measure; from harness.dtmf import detect\n"
        "sound = np.random.default_rng(1).normal(0, 3000, 40000).astype(np.int16)\n"
        "assert compare(sound, sound, digits=detect(sound, 8000)).matched and not measure(sound).silent\n"
        "sys.exit('scipy.signal' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code], cwd=SAMPLE.parents[1], check=False).returncode == 0
