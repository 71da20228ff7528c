"""Recordings: readable at every moment, and an error where nothing can be recorded."""

from __future__ import annotations

import contextlib
import random
import resource
import signal
import struct
import subprocess
import sys
import wave
from collections.abc import Iterator
from pathlib import Path

import pytest

from b2b.audio import wav
from b2b.audio.wav import WavWriter
from b2b.errors import AudioError

FRAME_BYTES = 320
SOUND = random.Random(7).randbytes(20 * FRAME_BYTES)


def read(path: Path) -> bytes:
    """Read a recording with the standard library, which checks the header, and return its sound."""
    with wave.open(str(path), "rb") as file:
        assert (file.getnchannels(), file.getsampwidth(), file.getframerate()) == (1, 2, 8000)
        return file.readframes(file.getnframes())


def test_it_can_be_read_before_the_first_write_and_after_every_other(tmp_path: Path) -> None:
    """The header is true although the file was never closed; the sizes of RIFF and data agree with the file's."""
    path = tmp_path / "heard.wav"
    writer = WavWriter(path)
    for end in range(0, len(SOUND) + 1, FRAME_BYTES):
        if end:
            writer.write(SOUND[end - FRAME_BYTES : end])
        assert read(path) == SOUND[:end]
        assert int.from_bytes(path.read_bytes()[4:8], "little") == path.stat().st_size - 8
        assert writer.seconds == end / 16000
    writer.close()
    assert read(path) == SOUND


def test_it_can_be_read_after_its_writer_was_killed(tmp_path: Path) -> None:
    """What was written before is all there."""
    path = tmp_path / "heard.wav"
    script = (
        "import os, signal, sys; from pathlib import Path; from b2b.audio.wav import WavWriter\n"
        "writer = WavWriter(Path(sys.argv[1])); writer.write(b'ab' * 160); writer.write(b'cd' * 80)\n"
        "os.kill(os.getpid(), signal.SIGKILL)\n"
    )
    assert subprocess.run([sys.executable, "-c", script, str(path)], check=False).returncode == -signal.SIGKILL
    assert read(path) == b"ab" * 160 + b"cd" * 80


def test_an_older_recording_is_replaced(tmp_path: Path) -> None:
    """Also a longer one, of which nothing is left."""
    path = tmp_path / "heard.wav"
    path.write_bytes(wav.header(9000) + bytes(9000))
    writer = WavWriter(path)
    writer.write(SOUND[:FRAME_BYTES])
    writer.close()
    assert read(path) == SOUND[:FRAME_BYTES]


def test_a_recording_is_its_users_own(tmp_path: Path) -> None:
    """Nobody else may listen to a call."""
    WavWriter(tmp_path / "heard.wav").close()
    assert (tmp_path / "heard.wav").stat().st_mode & 0o777 == 0o600


@pytest.mark.parametrize(
    ("place", "reason"),
    [
        ("no/such/folder.wav", "No such file or directory"),
        ("folder", "Is a directory"),
        ("file/heard.wav", "Not a directory"),
        ("full", "No space left on device"),
    ],
)
def test_a_path_that_cannot_be_written_is_an_error(tmp_path: Path, place: str, reason: str) -> None:
    """Before the call, and it says where and why."""
    (tmp_path / "folder").mkdir()
    (tmp_path / "file").touch()
    (tmp_path / "full").symlink_to("/dev/full")
    with pytest.raises(AudioError) as caught:
        WavWriter(tmp_path / place)
    assert str(caught.value) == f"cannot record to {tmp_path / place}: {reason}"


@contextlib.contextmanager
def file_size_limited(to: int) -> Iterator[None]:
    """Let the kernel refuse to make any file larger, as a full disk would."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (to, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


def test_a_disk_that_becomes_full_is_an_error_and_the_rest_stays_readable(tmp_path: Path) -> None:
    """First part of a frame fits, then nothing."""
    path = tmp_path / "heard.wav"
    writer = WavWriter(path)
    writer.write(SOUND[:FRAME_BYTES])
    said = []
    with file_size_limited(wav.HEADER.size + FRAME_BYTES + 100):
        for _ in range(2):
            try:
                writer.write(SOUND[FRAME_BYTES : 2 * FRAME_BYTES])
            except AudioError as error:
                said.append(str(error))
    writer.close()
    assert said == [
        f"cannot record to {path}: only 100 of {FRAME_BYTES} bytes were taken",
        f"cannot record to {path}: File too large",
    ]
    assert read(path) == SOUND[: FRAME_BYTES + 100]


def test_the_header_says_how_the_sound_is_to_be_played() -> None:
    """PCM, one channel of 16 bits, 8000 times a second; players also believe the rates that follow from it."""
    kind, channels, rate, bytes_per_s, block, bits = struct.unpack("<HHIIHH", wav.header(320)[20:36])
    assert (kind, channels, rate, bytes_per_s, block, bits) == (1, 1, 8000, 16000, 2, 16)


def test_what_is_closed_takes_no_more(tmp_path: Path) -> None:
    """Its descriptor is given back."""
    writer = WavWriter(tmp_path / "heard.wav")
    writer.close()
    with pytest.raises(AudioError, match="Bad file descriptor"):
        writer.write(bytes(FRAME_BYTES))


@pytest.mark.parametrize("size", [0, 2, 320, 960_000, 0xFFFFFFFF - 44, 0xFFFFFFFF, 1 << 40])
def test_the_sizes_in_a_header_never_exceed_their_32_bits(size: int) -> None:
    """A recording of three days goes on, although its header can no longer say how long it is."""
    header = wav.header(size)
    riff, data = (int.from_bytes(header[at : at + 4], "little") for at in (4, 40))
    assert len(header) == 44
    assert riff == data + 36
    assert data == min(size, 0xFFFFFFFF - 44)
