"""An audio file as a stream of 8 kHz mono sound, decoded ahead in the background by ffmpeg."""

from __future__ import annotations

import os
import subprocess
import threading
from pathlib import Path

from b2b import child, clock
from b2b.audio import pcm
from b2b.errors import AudioError

CHUNK_BYTES = pcm.samples_in(100) * pcm.SAMPLE_BYTES
LAST_BYTES = 1 << 16
# Hints about flags, and, from ffmpeg 7 on, how far up an error went.
NO_NEWS = ("To ignore this", "Failed to set value", "Error parsing options", "Error opening output file")
BYTES_PER_S = pcm.RATE * pcm.SAMPLE_BYTES


def ffmpeg_command(path: Path) -> list[str]:
    """Return the command that writes the file's first audio stream as S16_LE, 8 kHz, mono to its standard output.

    soxr, because ffmpeg's own resampler lets 4.2 kHz through at -22 dB, as an alias in the call.
    """
    return [
        "ffmpeg", "-nostdin", "-v", "error", "-i", f"file:{path}", "-map", "0:a:0", "-vn",
        "-af", "aresample=8000:resampler=soxr", "-ac", "1", "-f", "s16le", "pipe:1",
    ]  # fmt: skip


class Decoder:
    """Decodes a file ahead of whoever takes its sound; memory stays the same however long the file is.

    Entered it starts decoding, left it ends ffmpeg. `ahead_ms` is how much may lie decoded and untaken.
    """

    def __init__(self, path: Path, *, ahead_ms: int, loop: bool = False) -> None:
        self.path, self.loop = path, loop
        self.complaint = ""  # what ffmpeg said of a file that it could decode all the same
        self.underruns = 0
        self.taken_bytes = 0
        self._capacity = max(CHUNK_BYTES, ahead_ms * BYTES_PER_S // 1000)
        self._sound = bytearray()
        self._changed = threading.Condition()
        self._ended = self._closing = False
        self._error: AudioError | None = None
        self._ffmpeg: subprocess.Popen[bytes] | None = None
        self._thread = threading.Thread(target=self._decode, name="decoder", daemon=True)

    def __enter__(self) -> Decoder:
        """Check that there is such a file, and start decoding it."""
        if not self.path.exists():
            raise AudioError(f"audio file {self.path} does not exist")
        if self.path.is_file() and not self.path.stat().st_size:
            raise AudioError(f"audio file {self.path} is empty")
        self._thread.start()
        return self

    def __exit__(self, *error: object) -> None:
        """End ffmpeg and the thread that reads it."""
        with self._changed:
            self._closing = True
            self._changed.notify_all()
            if self._ffmpeg:
                child.stop(self._ffmpeg, patience_s=())
        self._thread.join(timeout=2)

    @property
    def finished(self) -> bool:
        """Whether the file has ended and all of its sound was taken."""
        with self._changed:
            return self._ended and not self._sound

    def wait_filled(self, by: clock.Deadline) -> None:
        """Return once the sound ahead is decoded, or all of a shorter file. Raises AudioError where that fails."""
        with self._changed:
            self._changed.wait_for(lambda: self._ended or len(self._sound) >= self._capacity, by.machine_left)
            if self._error and not self._sound:
                raise self._error
            if not self._sound:
                raise AudioError(f"{self.path}: ffmpeg decoded nothing in time")

    def take(self, samples: int) -> bytes:
        """Return the next samples, filled up with silence where the file has ended or the decoder is behind."""
        wanted = samples * pcm.SAMPLE_BYTES
        with self._changed:
            sound = bytes(self._sound[:wanted])
            del self._sound[: len(sound)]
            self.taken_bytes += len(sound)
            if len(sound) < wanted and not self._ended:
                self.underruns += 1
            if len(self._sound) < self._capacity:  # the other thread has something to do
                self._changed.notify_all()
        return sound.ljust(wanted, b"\0")

    def check(self) -> None:
        """Raise AudioError if decoding broke off and all that came before has been taken."""
        if self.finished and self._error:
            raise self._error

    def _decode(self) -> None:
        total = 0
        try:
            while not self._closing:
                decoded = self._decode_once()
                total += decoded
                if not (self.loop and decoded):
                    break
            if not total and not self._closing:
                raise AudioError(f"{self.path}: there is no sound in it")
        except AudioError as error:
            self._error = error
        with self._changed:
            self._ended = True
            self._changed.notify_all()

    def _decode_once(self) -> int:
        words = os.memfd_create("ffmpeg-words")
        try:
            with self._changed:
                if self._closing:
                    return 0
                ffmpeg = self._ffmpeg = child.start(ffmpeg_command(self.path), stderr=words)
            decoded = self._read(ffmpeg)
            code = ffmpeg.wait()
            said = last_words(words)
        except FileNotFoundError as error:
            raise AudioError("ffmpeg is not installed; `sudo apt-get install ffmpeg` installs it") from error
        except OSError as error:
            raise AudioError(f"{self.path}: cannot decode it with ffmpeg: {error.strerror}") from error
        finally:
            os.close(words)
        if code and "matches no streams" in said:
            raise AudioError(f"{self.path}: there is no sound in it")
        if code and not self._closing:
            where = f" after {decoded / BYTES_PER_S:.1f} s" if decoded else ""
            raise AudioError(f"{self.path}: ffmpeg could not decode it{where}: {said or child.how_it_ended(code)}")
        self.complaint = said if not self._closing else ""
        return decoded

    def _read(self, ffmpeg: subprocess.Popen[bytes]) -> int:
        decoded = 0
        assert ffmpeg.stdout
        with ffmpeg.stdout as pipe:
            while chunk := pipe.read(CHUNK_BYTES):
                decoded += len(chunk)
                with self._changed:
                    self._changed.wait_for(lambda: self._closing or len(self._sound) < self._capacity)
                    if self._closing:
                        return decoded
                    self._sound += chunk
                    self._changed.notify_all()
        return decoded


def last_words(fd: int) -> str:
    """Return the last line of what a program wrote to a file."""
    size = os.fstat(fd).st_size
    return last_line(os.pread(fd, LAST_BYTES, max(0, size - LAST_BYTES)))


def last_line(words: bytes) -> str:
    """Return the last line that is not empty of what a program said, leaving out what ffmpeg adds to its reasons."""
    lines = [line.strip() for line in words.decode(errors="replace").splitlines()]
    return next((line for line in reversed(lines) if line and not line.startswith(NO_NEWS)), "")
