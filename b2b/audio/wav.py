"""A recording that can be read at any moment, also after its writer was killed."""

from __future__ import annotations

import os
import struct
from pathlib import Path

from b2b.audio import pcm
from b2b.errors import AudioError

HEADER = struct.Struct("<4sI4s4sIHHIIHH4sI")  # RIFF, one `fmt ` chunk of PCM, one `data` chunk
LARGEST = 0xFFFFFFFF - HEADER.size  # a RIFF size has 32 bits


def header(data_bytes: int) -> bytes:
    """Return the 44 bytes before that much sound of 8 kHz mono S16_LE."""
    size = min(data_bytes, LARGEST)
    second = pcm.RATE * pcm.SAMPLE_BYTES
    return HEADER.pack(
        b"RIFF", size + HEADER.size - 8, b"WAVE", b"fmt ", 16, 1, 1, pcm.RATE, second, pcm.SAMPLE_BYTES, 16,
        b"data", size,
    )  # fmt: skip


class WavWriter:
    """Writes sound to a file whose header is true after every frame. Raises AudioError where it cannot write."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._bytes = 0
        try:
            self._fd = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600)
            os.write(self._fd, header(0))
        except OSError as error:
            raise AudioError(f"cannot record to {path}: {error.strerror}") from error

    @property
    def seconds(self) -> float:
        """Length of what was recorded."""
        return self._bytes / (pcm.RATE * pcm.SAMPLE_BYTES)

    def write(self, sound: bytes) -> None:
        """Append a frame, then say so in the header."""
        try:
            written = os.pwrite(self._fd, sound, HEADER.size + self._bytes)
            self._bytes += written
            os.pwrite(self._fd, header(self._bytes), 0)
        except OSError as error:
            raise AudioError(f"cannot record to {self.path}: {error.strerror}") from error
        if written < len(sound):
            raise AudioError(f"cannot record to {self.path}: only {written} of {len(sound)} bytes were taken")

    def close(self) -> None:
        """Close the file."""
        os.close(self._fd)
