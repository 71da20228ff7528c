"""Sound files as samples: recordings, and the source's file exactly as the source plays it."""

from __future__ import annotations

import os
import struct
import subprocess
from functools import lru_cache
from pathlib import Path

import numpy as np

from b2b import child
from b2b.audio.decoder import ffmpeg_command, last_line
from b2b.errors import AudioError
from harness.sound.g711 import RATE, Samples

NEEDED = ("PATH", "LD_LIBRARY_PATH")
PCM, EXTENSIBLE = 1, 0xFFFE
_FORMAT = struct.Struct("<HHIIHH")


class SoundError(AudioError):
    """A sound file could not be read."""


def decode(path: Path | str) -> Samples:
    """Return a file as the source plays it, by the source's own command: two decoders differ by 16 dB.

    What was decoded last is remembered until the file changes, so that nobody may write to it.
    """
    file = Path(path)
    try:
        state = file.stat()
    except OSError:  # ffmpeg says what is wrong with it
        return _decoded(file, ())
    return _decoded(file, (state.st_dev, state.st_ino, state.st_mtime_ns, state.st_size))


@lru_cache(maxsize=2)
def _decoded(path: Path, _state: tuple[int, ...]) -> Samples:
    try:
        with child.start(ffmpeg_command(path), stderr=subprocess.PIPE, env=_plain_environment()) as ffmpeg:
            sound, words = ffmpeg.communicate()
    except FileNotFoundError as error:
        raise SoundError("ffmpeg is not installed; `sudo apt-get install ffmpeg` installs it") from error
    if ffmpeg.returncode or not sound:
        raise SoundError(f"{path}: ffmpeg could not decode it: {last_line(words) or 'there is no sound in it'}")
    samples = np.frombuffer(sound[: len(sound) // 2 * 2], "<i2").astype(np.int16)
    samples.flags.writeable = False
    return samples


def _plain_environment() -> dict[str, str]:
    """Return what ffmpeg needs of our environment, in which there may be passwords."""
    return {name: os.environ[name] for name in NEEDED if name in os.environ}


def read_wav(path: Path | str) -> Samples:
    """Return a recording of 8 kHz, mono, S16; all that is there of one whose writer was killed."""
    try:
        if Path(path).exists() and not Path(path).is_file():  # for a pipe or a device we might wait for ever
            raise SoundError(f"{path}: wanted a file, and it is none")
        content = Path(path).read_bytes()
    except OSError as error:
        raise SoundError(f"{path}: {error.strerror}") from error
    if content[:4] != b"RIFF" or content[8:12] != b"WAVE":
        raise SoundError(f"{path}: wanted a WAV file, this is none")
    form = None
    at = 12
    while at + 8 <= len(content):
        name, size = content[at : at + 4], int.from_bytes(content[at + 4 : at + 8], "little")
        at += 8
        if name == b"fmt " and at + _FORMAT.size <= len(content):
            form = _FORMAT.unpack_from(content, at)
        if name == b"data":
            if form is None:
                break
            _check(path, *form)
            if not size:  # the writer was killed before it could say how much it wrote
                size = len(content) - at
            data = content[at : at + size]
            return np.frombuffer(data[: len(data) // 2 * 2], "<i2").astype(np.int16)
        at += size + size % 2
    raise SoundError(f"{path}: the WAV file ends before its sound begins")


def read_sound(path: Path | str) -> Samples:
    """Return what somebody recorded at 8 kHz, mono: as it is where it is of that kind, else as ffmpeg makes it."""
    try:
        return read_wav(path)
    except SoundError:
        if not Path(path).is_file():
            raise
        return decode(path)


def _check(path: Path | str, tag: int, channels: int, rate: int, _rate: int, _block: int, bits: int) -> None:
    if tag not in (PCM, EXTENSIBLE) or (channels, rate, bits) != (1, RATE, 16):
        kind = "PCM" if tag in (PCM, EXTENSIBLE) else f"format {tag}"
        raise SoundError(
            f"{path}: wanted PCM of 8000 Hz, 1 channel, 16 bits, "
            f"got {kind} of {rate} Hz, {channels} channels, {bits} bits"
        )
