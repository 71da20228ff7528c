"""Audio files as streams of sound: what comes out, how far ahead, and what is said of files that hold none."""

from __future__ import annotations

import os
import random
import signal
import struct
import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from typing import cast

import numpy as np
import numpy.typing as npt
import pytest
from eventually import children, eventually, gone, state

from b2b import clock
from b2b.audio import decoder, wav
from b2b.audio.decoder import Decoder
from b2b.errors import AudioError

SAMPLE = Path(__file__).parents[2] / "fixtures" / "sample.mp3"
FRAME = 160  # samples
WAV_HEADER = struct.Struct("<4sI8sIHHIIHH4sI")
PIPE_BYTES = 65536  # what the kernel holds between ffmpeg and us

Samples = npt.NDArray[np.float64]


def soon() -> clock.Deadline:
    """Return a deadline that only a failing test reaches."""
    return clock.Deadline.after(20)


def all_of(sound: Decoder, *, frame: int = FRAME) -> bytes:
    """Take a file's sound to its end, never faster than it is decoded."""
    heard = bytearray()
    while True:
        sound.wait_filled(soon())
        heard += sound.take(frame)
        if sound.finished:
            sound.check()
            return bytes(heard[: sound.taken_bytes])


def decoded(path: Path, *, ahead_ms: int = 1000) -> bytes:
    """Return all sound of a file."""
    with Decoder(path, ahead_ms=ahead_ms) as sound:
        return all_of(sound)


def ffmpeg(*arguments: str | Path) -> bytes:
    """Run ffmpeg itself and return what it wrote."""
    return subprocess.run(["ffmpeg", "-nostdin", "-v", "error", *arguments], check=True, stdout=subprocess.PIPE).stdout


def numbers(sound: bytes) -> Samples:
    """Return S16_LE as numbers to calculate with."""
    return np.frombuffer(sound, "<i2").astype(float)


def db(power_ratio: float) -> float:
    """Return a ratio of powers in decibels."""
    return float(10 * np.log10(power_ratio))


@pytest.fixture
def noise(tmp_path: Path) -> tuple[Path, bytes]:
    """Return a file of 1.3 s, which is no whole number of anything, that is decoded bit by bit; and its sound."""
    sound = random.Random(3).randbytes(2 * 10_403)
    path = tmp_path / "noise.wav"
    path.write_bytes(wav.header(len(sound)) + sound)
    return path, sound


@pytest.fixture
def long_file(tmp_path: Path) -> Path:
    """Return two hours of stereo silence at 44.1 kHz that take no room on the disk."""
    size = 7200 * 44100 * 4
    path = tmp_path / "long.wav"
    with path.open("wb") as file:
        file.write(WAV_HEADER.pack(b"RIFF", size + 36, b"WAVEfmt ", 16, 1, 2, 44100, 44100 * 4, 4, 16, b"data", size))
        file.truncate(WAV_HEADER.size + size)
    return path


FakeFfmpeg = Callable[[str], None]


@pytest.fixture
def fake_ffmpeg(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> FakeFfmpeg:
    """Return a function that puts a shell script in ffmpeg's place."""

    def install(script: str) -> None:
        folder = tmp_path / "bin"
        folder.mkdir()
        (folder / "ffmpeg").write_text(f"#!/bin/sh\n{script}\n")
        (folder / "ffmpeg").chmod(0o755)
        monkeypatch.setenv("PATH", f"{folder}:{os.environ['PATH']}")

    return install


def test_the_mp3_of_the_fixtures_becomes_pcm() -> None:
    """8 kHz mono: as long as the file, as loud, and what ffmpeg's own resampler makes of it up to 3.4 kHz."""
    heard = numbers(decoded(SAMPLE))
    wanted = numbers(ffmpeg("-i", SAMPLE, "-ar", "8000", "-ac", "1", "-f", "s16le", "-"))
    assert len(heard) / 8000 >= 65
    assert len(heard) == pytest.approx(len(wanted), abs=8)
    assert db(np.mean(heard**2) / np.mean(wanted**2)) == pytest.approx(0, abs=0.1)
    length = min(len(heard), len(wanted)) // 8000 * 8000
    spectra = [np.fft.rfft(wave[:length].reshape(-1, 8000) * np.hanning(8000)) for wave in (heard, wanted)]
    ours, theirs = (spectrum[:, 100:3000] for spectrum in spectra)
    assert db(float(np.sum(np.abs(theirs) ** 2) / np.sum(np.abs(ours - theirs) ** 2))) > 30


def test_what_is_taken_is_exactly_what_ffmpeg_wrote() -> None:
    """No byte more, less or elsewhere, in frames of any size."""
    wanted = subprocess.run(decoder.ffmpeg_command(SAMPLE), check=True, stdout=subprocess.PIPE).stdout
    with Decoder(SAMPLE, ahead_ms=1000) as sound:
        assert all_of(sound, frame=777) == wanted
        assert sound.underruns == 0


@pytest.mark.parametrize("kind", ["wav", "ogg", "flac", "m4a"])
def test_stereo_at_another_rate_becomes_mono_at_ours(tmp_path: Path, kind: str) -> None:
    """Both sides are heard, each at half its level, for as long as the file lasts."""
    path = tmp_path / f"stereo.{kind}"
    sides = "aevalsrc=0.5*sin(2*PI*500*t)|0.25*sin(2*PI*1500*t):s=44100:d=2"
    ffmpeg("-f", "lavfi", "-i", sides, path)
    heard = numbers(decoded(path))
    assert len(heard) / 8000 == pytest.approx(2, abs=0.05)  # m4a begins and ends with some silence of its own
    middle = heard[4000:12000]
    peaks = np.abs(np.fft.rfft(middle)) / 4000
    assert peaks[500] == pytest.approx(0.5 * 0.5 * 32768, rel=0.02)
    assert peaks[1500] == pytest.approx(0.25 * 0.5 * 32768, rel=0.02)
    peaks[[500, 1500]] = 0
    assert peaks.max() < 400  # what ogg and m4a lose


def test_what_8_khz_cannot_carry_does_not_come_back_as_an_alias(tmp_path: Path) -> None:
    """5 kHz would be heard as 3 kHz."""
    path = tmp_path / "high.wav"
    ffmpeg("-f", "lavfi", "-i", "aevalsrc=0.5*sin(2*PI*5000*t):s=44100:d=1", path)
    heard = numbers(decoded(path))
    power = float(np.mean(heard[800:-800] ** 2))
    assert power < 1e-6 * (0.25 / 2 * 32768**2), "60 dB below the tone"


@pytest.mark.parametrize("name", ["a b.wav", "-i.wav", "50%d.wav", "http:x.wav", "ä€'\".wav", "noextension"])
def test_a_file_may_have_any_name(
    noise: tuple[Path, bytes], monkeypatch: pytest.MonkeyPatch, tmp_path: Path, name: str
) -> None:
    """Also one that ffmpeg would take for a flag, a pattern or an address."""
    path, sound = noise
    monkeypatch.chdir(tmp_path)
    assert decoded(path.rename(name)) == sound


@pytest.mark.parametrize("ahead_ms", [0, 20, 100, 1000, 60_000])
def test_the_sound_does_not_depend_on_how_far_ahead_it_is_decoded(noise: tuple[Path, bytes], ahead_ms: int) -> None:
    """Nor on whether all of it fits."""
    path, sound = noise
    assert decoded(path, ahead_ms=ahead_ms) == sound


def test_after_its_end_a_file_is_silent(noise: tuple[Path, bytes]) -> None:
    """The frame that it ends in is filled up, and that is no underrun."""
    path, sound = noise
    with Decoder(path, ahead_ms=2000) as source:
        source.wait_filled(soon())
        eventually(lambda: not children("ffmpeg"), "the whole file to be decoded")
        assert source.take(len(sound)) == sound.ljust(2 * len(sound), b"\0")
        assert source.finished
        assert source.take(FRAME) == b"\0\0" * FRAME
        assert (source.taken_bytes, source.underruns) == (len(sound), 0)


def test_a_loop_continues_without_a_gap(noise: tuple[Path, bytes]) -> None:
    """The file's first sample follows its last one."""
    path, sound = noise
    heard = bytearray()
    with Decoder(path, ahead_ms=100, loop=True) as source:
        while len(heard) < 3.5 * len(sound):
            source.wait_filled(soon())
            heard += source.take(FRAME)
        assert source.underruns == 0
        assert not source.finished
    assert bytes(heard) == (sound * 4)[: len(heard)]


class Watched(bytearray):
    """Remembers how much was in it at most."""

    most = 0

    def __iadd__(self, more: object) -> Watched:
        """Grow, and remember."""
        super().__iadd__(cast(bytes, more))
        self.most = max(self.most, len(self))
        return self


@pytest.mark.parametrize("ahead_ms", [0, 500])
def test_never_more_is_decoded_ahead_than_asked_for(ahead_ms: int) -> None:
    """But for one chunk, however fast ffmpeg is."""
    sound = Decoder(SAMPLE, ahead_ms=ahead_ms)
    sound._sound = watched = Watched()
    with sound:
        heard = all_of(sound, frame=1600)
    assert len(heard) > 65 * decoder.BYTES_PER_S
    assert ahead_ms * decoder.BYTES_PER_S // 1000 <= watched.most <= ahead_ms * 16 + 2 * decoder.CHUNK_BYTES


def test_a_two_hour_file_is_held_back(long_file: Path) -> None:
    """It is ready as soon as its first second is decoded; then ffmpeg has to wait until some of it was taken."""
    with Decoder(long_file, ahead_ms=1000) as sound:
        sound.wait_filled(soon())
        [pid] = children("ffmpeg")
        written = eventually(lambda: at_rest(pid), "ffmpeg to write no more")
        assert written < 1000 * 16 + PIPE_BYTES + 4 * decoder.CHUNK_BYTES
        assert np.abs(numbers(sound.take(8000))).max() <= 1  # ffmpeg dithers
        assert sound.underruns == 0
        assert not sound.finished


def at_rest(pid: int) -> int:
    """Return the bytes that a process has written so far, if that has come to a stop; 0 if not."""
    counts = set()
    for _ in clock.every(0.02, clock.Deadline.after(0.1)):
        lines = Path(f"/proc/{pid}/io").read_text().splitlines()
        counts.add(next(int(line.split()[1]) for line in lines if line.startswith("wchar")))
    return counts.pop() if len(counts) == 1 else 0


def test_a_stall_shorter_than_the_prebuffer_is_never_heard() -> None:
    """ffmpeg stops dead while a second less a frame is taken; not one sample is missing or put in."""
    wanted = subprocess.run(decoder.ffmpeg_command(SAMPLE), check=True, stdout=subprocess.PIPE).stdout
    heard = bytearray()
    with Decoder(SAMPLE, ahead_ms=1000) as sound:
        for _stall in range(3):
            sound.wait_filled(soon())
            [pid] = children("ffmpeg")
            os.kill(pid, signal.SIGSTOP)
            eventually(lambda pid=pid: state(pid) == "T", "ffmpeg to be stopped")  # type: ignore[misc]
            for _frame in range(49):
                heard += sound.take(FRAME)
            os.kill(pid, signal.SIGCONT)
        assert sound.underruns == 0
    assert bytes(heard) == wanted[: len(heard)]


def test_a_longer_stall_is_silence_and_is_counted() -> None:
    """The call goes on, and so does the file, where it was, as soon as it can."""
    with Decoder(SAMPLE, ahead_ms=500) as sound:
        sound.wait_filled(soon())
        [pid] = children("ffmpeg")
        os.kill(pid, signal.SIGSTOP)
        eventually(lambda: state(pid) == "T", "ffmpeg to be stopped")
        most = (500 * 16 + PIPE_BYTES + 4 * decoder.CHUNK_BYTES) // 2 // FRAME
        last = next(frame for frame in (sound.take(FRAME) for _ in range(2 * most)) if sound.underruns)
        assert (len(last), sound.underruns) == (2 * FRAME, 1)
        assert not sound.finished
        os.kill(pid, signal.SIGCONT)
        counted = sound.underruns
        sound.wait_filled(soon())
        assert any(sound.take(4 * FRAME))
        assert sound.underruns == counted


def test_what_came_before_a_break_is_heard_first(fake_ffmpeg: FakeFfmpeg, noise: tuple[Path, bytes]) -> None:
    """Only then does the check say that decoding broke off, where, and in which words."""
    path, _sound = noise
    fake_ffmpeg("head -c 16000 /dev/zero | tr '\\0' x; echo first >&2; echo the disk is on fire >&2; exit 3")
    with Decoder(path, ahead_ms=1000) as source:
        source.wait_filled(soon())
        source.check()
        assert source.take(4000) == b"x" * 8000
        source.check()
        assert source.take(4800) == b"x" * 8000 + b"\0" * 1600
        eventually(lambda: source.finished, "the end to be noticed")
        with pytest.raises(AudioError) as caught:
            source.check()
    assert str(caught.value) == f"{path}: ffmpeg could not decode it after 1.0 s: the disk is on fire"


def test_a_killed_ffmpeg_is_said_to_be_killed(long_file: Path) -> None:
    """It had no time for last words of its own."""
    with Decoder(long_file, ahead_ms=100) as source:
        source.wait_filled(soon())
        [pid] = children("ffmpeg")
        os.kill(pid, signal.SIGKILL)
        with pytest.raises(AudioError, match=r"long\.wav: ffmpeg could not decode it after .* s: killed by SIGKILL"):
            all_of(source, frame=8000)


def missing(_path: Path) -> None:
    """Make nothing."""


def video(path: Path) -> None:
    """Make a film without sound."""
    ffmpeg("-f", "lavfi", "-i", "color=c=red:s=16x16:d=0.1", "-f", "matroska", path)


BAD_FILES: dict[str, tuple[Callable[[Path], object], str]] = {
    "missing": (missing, "does not exist"),
    "empty": (Path.touch, "is empty"),
    "text": (lambda path: path.write_text("This is no sound.\n" * 99), "could not decode it"),
    "random": (lambda path: path.write_bytes(random.Random(5).randbytes(20_000)), "could not decode it"),
    "zeros": (lambda path: path.write_bytes(bytes(5000)), "could not decode it"),
    "cut in its header": (lambda path: path.write_bytes(wav.header(8000)[:30]), "could not decode it"),
    "header only": (lambda path: path.write_bytes(wav.header(0)), "there is no sound in it"),
    "directory": (Path.mkdir, "Is a directory"),
    "video without sound": (video, "there is no sound in it"),
}


@pytest.mark.parametrize("loop", [False, True], ids=["once", "loop"])
@pytest.mark.parametrize("kind", BAD_FILES)
def test_a_file_without_sound_is_an_error(tmp_path: Path, kind: str, loop: bool) -> None:
    """One sentence, which names the file and what is wrong with it."""
    make, wanted = BAD_FILES[kind]
    path = tmp_path / "bad.mp3"
    make(path)
    with pytest.raises(AudioError) as caught, Decoder(path, ahead_ms=1000, loop=loop) as sound:
        sound.wait_filled(soon())
    said = str(caught.value)
    assert str(path) in said
    assert wanted in said
    assert "\n" not in said
    assert not children("ffmpeg")


def test_a_film_without_sound_is_said_to_have_none(tmp_path: Path) -> None:
    """ffmpeg's last line is a hint about its own flags, which are not the user's."""
    video(path := tmp_path / "silent.mkv")
    with pytest.raises(AudioError) as caught:
        decoded(path)
    assert "map" not in str(caught.value)


def test_a_missing_ffmpeg_is_said_with_the_remedy(noise: tuple[Path, bytes], monkeypatch: pytest.MonkeyPatch) -> None:
    """The user needs a command, not a traceback."""
    monkeypatch.setenv("PATH", "/nonexistent")
    with pytest.raises(AudioError, match="sudo apt-get install ffmpeg"):
        decoded(noise[0])


@pytest.mark.parametrize("mode", [0o755, 0o644], ids=["no program", "not executable"])
def test_an_ffmpeg_that_cannot_be_started_is_said(
    noise: tuple[Path, bytes], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, mode: int
) -> None:
    """At once, not after ten seconds as a slow one."""
    (tmp_path / "ffmpeg").write_bytes(b"\x7fELF of another processor")
    (tmp_path / "ffmpeg").chmod(mode)
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr(threading, "excepthook", lambda _arguments: None)
    with Decoder(noise[0], ahead_ms=1000) as sound:
        sound._thread.join(20)
        with pytest.raises(AudioError) as caught:
            sound.wait_filled(clock.Deadline.after(0))
    assert "in time" not in str(caught.value)
    assert "ffmpeg" in str(caught.value)


def test_a_decoder_that_says_nothing_in_time_is_an_error(noise: tuple[Path, bytes], fake_ffmpeg: FakeFfmpeg) -> None:
    """Nobody waits for it for ever."""
    fake_ffmpeg("exec sleep 60")
    with (
        Decoder(noise[0], ahead_ms=1000) as sound,
        pytest.raises(AudioError, match="ffmpeg decoded nothing in time"),
    ):
        sound.wait_filled(clock.Deadline.after(0.05))


def leave_at_once(_sound: Decoder) -> None:
    """Do nothing."""


def leave_filled(sound: Decoder) -> None:
    """Wait until ffmpeg is held back."""
    sound.wait_filled(soon())


def leave_stopped(sound: Decoder) -> None:
    """Let ffmpeg be one that hears no polite signal."""
    sound.wait_filled(soon())
    for pid in children("ffmpeg"):
        os.kill(pid, signal.SIGSTOP)


def leave_finished(sound: Decoder) -> None:
    """Take everything."""
    while not sound.finished:
        sound.take(8000)


@pytest.mark.parametrize("leave", [leave_at_once, leave_filled, leave_stopped, leave_finished])
def test_whenever_it_is_left_ffmpeg_and_its_thread_are_gone(
    leave: Callable[[Decoder], None], noise: tuple[Path, bytes], long_file: Path
) -> None:
    """Before it has started, while it waits, while it is stopped, after the end."""
    path = noise[0] if leave is leave_finished else long_file
    for _ in range(3):
        with Decoder(path, ahead_ms=1000) as sound:
            leave(sound)
        assert not children("ffmpeg")
        assert "decoder" not in {thread.name for thread in threading.enumerate()}


def test_a_loop_leaves_no_descriptor_behind(noise: tuple[Path, bytes]) -> None:
    """Or an endless announcement would end after a thousand rounds."""
    path, sound = noise
    with Decoder(path, ahead_ms=20, loop=True) as source:
        while source.taken_bytes < 4 * len(sound):
            source.wait_filled(soon())
            source.take(FRAME)
    assert not [fd for fd in Path("/proc/self/fd").iterdir() if "ffmpeg-words" in os.path.realpath(fd)]


def test_a_loop_that_is_left_starts_no_ffmpeg_again(noise: tuple[Path, bytes]) -> None:
    """One that had just ended stays the last."""
    with Decoder(noise[0], ahead_ms=100_000, loop=True) as sound:
        eventually(lambda: sound.take(FRAME) and sound.taken_bytes > 0, "some sound")
    assert not children("ffmpeg")


def test_a_killed_role_leaves_no_ffmpeg_behind(long_file: Path) -> None:
    """Not even where it had no moment to end it itself."""
    script = (
        "import sys; from pathlib import Path; from b2b import clock; from b2b.audio.decoder import Decoder\n"
        "with Decoder(Path(sys.argv[1]), ahead_ms=1000) as sound:\n"
        "    sound.wait_filled(clock.Deadline.after(20)); print(sound._ffmpeg.pid, flush=True); sys.stdin.read()\n"
    )
    with subprocess.Popen(
        [sys.executable, "-c", script, str(long_file)], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as role:
        assert role.stdout
        pid = int(role.stdout.readline())
        assert not gone(pid)
        role.kill()
        eventually(lambda: gone(pid), "ffmpeg to be gone")


@pytest.mark.parametrize(
    ("words", "wanted"),
    [
        (b"", ""),
        (b"\n \n", ""),
        (b"one\ntwo\n", "two"),
        (b"one\n  two  \n\n", "two"),
        (b"progress\rdone", "done"),
        (b"no such stream\nTo ignore this, add a flag\n", "no such stream"),
        (b"caf\xe9", "caf\N{REPLACEMENT CHARACTER}"),
    ],
)
def test_the_last_line_is_the_one_that_counts(words: bytes, wanted: str) -> None:
    """Programs say what is wrong at the end."""
    assert decoder.last_line(words) == wanted
