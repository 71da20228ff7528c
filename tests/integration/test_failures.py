"""Each exit code, by the real failure that it stands for."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from b2b.baresip import versions
from calls.places import REPOSITORY, SAMPLE
from calls.processes import assert_gone, is_alive, processes_of
from calls.recording import read_wav
from oracle.audio import decode_reference, judge_sk


def path_without(program: str, folder: Path) -> dict[str, str]:
    """Return an environment whose PATH has what b2b needs, except one program."""
    for name in {"baresip", "ffmpeg"} - {program}:
        (folder / name).symlink_to(shutil.which(name) or "")
    return {"PATH": str(folder)}


def test_nobody_listening(b2b):
    """65, as soon as the dial timeout has passed."""
    source = b2b("source", "--target", "sip:127.0.0.1:9", "--audio-file", SAMPLE, "--dial-timeout-ms", 300)
    assert source.wait_exit() == 65
    assert "nobody is listening" in source.wait_line("ERROR").string


def test_a_refused_call(b2b, tmp_path):
    """65, with what the other side answered."""
    if versions.installed().by_call:
        pytest.skip("from 1.1 on baresip answers for any user")
    sink = b2b("sink", "--capture", tmp_path / "heard.wav")
    target = sink.wait_ready().replace("127", "sip:nobody-here@127", 1)
    source = b2b("source", "--target", target, "--audio-file", SAMPLE)
    assert source.wait_exit() == 65
    assert "404" in source.wait_line("ERROR").string


def test_the_other_side_hangs_up_too_early(b2b, tmp_path):
    """65 for the source, whose sound was not heard to its end; the sink that was told to stop ends with 0."""
    sink = b2b("sink", "--capture", tmp_path / "heard.wav")
    source = b2b("source", "--target", f"sip:{sink.wait_ready()}", "--audio-file", SAMPLE)
    source.wait_line("streaming")
    sink.wait_line("call established")
    sink.interrupt(signal.SIGTERM)
    assert sink.wait_exit() == 0
    assert source.wait_exit() == 65
    assert "hung up" in source.wait_line("ERROR").string


def test_a_port_that_is_taken(b2b, tmp_path):
    """65, with the address."""
    first = b2b("sink", "--capture", tmp_path / "first.wav")
    second = b2b("sink", "--sip-bind", (address := first.wait_ready()), "--capture", tmp_path / "second.wav")
    assert second.wait_exit() == 65
    assert address in second.wait_line("ERROR").string


def test_an_address_that_is_not_ours(b2b, tmp_path):
    """65, with the address and what the kernel says of it."""
    sink = b2b("sink", "--sip-bind", "192.0.2.99:5062", "--capture", tmp_path / "heard.wav")
    assert sink.wait_exit() == 65
    assert "cannot listen on 192.0.2.99: Cannot assign requested address" in sink.wait_line("ERROR").string


@pytest.mark.parametrize(("program", "code"), [("baresip", 65), ("ffmpeg", 66)])
def test_a_program_that_is_not_installed(b2b, tmp_path, program, code):
    """The command that installs it is in the sentence."""
    (folder := tmp_path / "bin").mkdir()
    source = b2b(
        "source", "--target", "sip:127.0.0.1:9", "--audio-file", SAMPLE, env=path_without(program, folder)
    )  # fmt: skip
    assert source.wait_exit() == code
    assert f"apt-get install {program}" in source.wait_line("ERROR").string
    assert b2b("doctor", env={"PATH": str(folder)}).wait_exit() == code


@pytest.mark.parametrize(
    ("content", "words"), [(None, "does not exist"), (b"", "is empty"), (b"no sound at all" * 1000, "ffmpeg")]
)
def test_an_audio_file_that_cannot_be_played(b2b, tmp_path, content, words):
    """66 before anybody is called, with one sentence that names the file."""
    file = tmp_path / "file.mp3"
    if content is not None:
        file.write_bytes(content)
    source = b2b("source", "--target", "sip:127.0.0.1:9", "--audio-file", file)
    assert source.wait_exit() == 66
    assert words in source.wait_line(f"ERROR.*{file}").string
    assert "READY" not in source.output


def test_a_player_that_dies(b2b):
    """66 with the player's own last words; the source sees a hang-up."""
    sink = b2b("sink", "--aplay-cmd", "sh -c 'head -c 20000 >/dev/null; echo my speaker is gone >&2; exit 3'")
    source = b2b("source", "--target", f"sip:{sink.wait_ready()}", "--audio-file", SAMPLE)
    assert sink.wait_exit() == 66
    assert "my speaker is gone" in sink.wait_line("ERROR").string
    assert source.wait_exit() == 65


def test_a_player_that_is_stuck_never_holds_up_the_call(b2b, tmp_path):
    """What it does not take is dropped and counted; the recording beside it is whole."""
    heard = tmp_path / "heard.wav"
    sink = b2b("sink", "--capture", heard, "--aplay-cmd", "sleep 1000", "--log-format", "json")
    source = b2b("source", "--target", f"sip:{sink.wait_ready()}", "--audio-file", SAMPLE, "--duration-s", 8)
    assert source.wait_exit() == 0, source.output
    assert sink.wait_exit() == 0, sink.output
    assert sink.metrics()[-1]["player_drops"] > 0
    assert "too slow" in sink.output
    assert not judge_sk(decode_reference(SAMPLE), read_wav(heard)).problems


def test_recording_and_player_hear_the_same(b2b, speech, tmp_path):
    """With --capture and an explicit --aplay-cmd the sink does both."""
    played, heard = tmp_path / "played.raw", tmp_path / "heard.wav"
    sink = b2b("sink", "--capture", heard, "--aplay-cmd", f"sh -c 'cat > {played}'")
    source = b2b("source", "--target", f"sip:{sink.wait_ready()}", "--audio-file", speech(2))
    assert source.wait_exit() == 0, source.output
    assert sink.wait_exit() == 0, sink.output
    assert played.read_bytes() == heard.read_bytes()[44:]


def test_a_baresip_that_is_killed(b2b, tmp_path):
    """65 for its role, which says what happened; the other side stays until it is told to stop."""
    sink = b2b("sink", "--capture", tmp_path / "heard.wav")
    source = b2b("source", "--target", f"sip:{sink.wait_ready()}", "--audio-file", SAMPLE)
    source.wait_line("streaming")
    baresip = next(pid for pid, name in processes_of(source.process.pid).items() if name.startswith("baresip"))
    os.kill(baresip, signal.SIGKILL)
    assert source.wait_exit() == 65
    assert "SIGKILL" in source.wait_line("ERROR").string
    assert is_alive(sink.process.pid)
    sink.interrupt(signal.SIGINT)
    assert sink.wait_exit() == 0


@pytest.mark.parametrize("role", ["sink", "source"])
def test_nothing_outlives_a_role_that_is_killed(b2b, tmp_path, role):
    """baresip, ffmpeg and player die with it, and no temporary folder stays."""
    before = set(Path("/tmp").glob("b2b-*"))
    sink = b2b("sink", "--capture", tmp_path / "heard.wav", "--aplay-cmd", "sleep 1000")
    source = b2b("source", "--target", f"sip:{sink.wait_ready()}", "--audio-file", SAMPLE)
    source.wait_line("streaming")
    victim = {"sink": sink, "source": source}[role]
    below = processes_of(victim.process.pid)
    assert len(below) >= 2
    victim.interrupt(signal.SIGKILL)
    victim.wait_exit()
    assert_gone(below)
    assert set(Path("/tmp").glob("b2b-*")) <= before


@pytest.mark.parametrize("signum", [signal.SIGTERM, signal.SIGINT])
def test_a_call_that_nobody_answers_can_be_given_up(b2b, tmp_path, signum):
    """One signal ends a source whose INVITE has no answer, with 0."""
    silent = b2b("mixer", "--target", "sip:127.0.0.1:9")  # it rings for ever: its own target never comes up
    source = b2b("source", "--target", f"sip:{silent.wait_ready()}", "--audio-file", SAMPLE)
    source.wait_line("dialing")
    silent.wait_line("incoming call")
    source.interrupt(signum)
    assert source.wait_exit() == 0, source.output


def test_too_few_descriptors(tmp_path):
    """70, with what ran out and how to have more of it, and no exception's name."""
    run = [sys.executable, "-m", "b2b", "orchestrator", "--plan", REPOSITORY / "plans" / "smk.plan.toml"]
    limited = ["prlimit", "--nofile=16", *run, "--free-ports", "--run-dir", tmp_path / "run"]
    ended = subprocess.run(limited, capture_output=True, text=True, check=False)
    assert ended.returncode == 70, ended.stdout
    assert "no file descriptor was left for this process: wanted a higher limit, as by `ulimit -n 1024`" in ended.stdout
    assert "Error" not in ended.stdout + ended.stderr


def test_a_mixer_without_a_target(b2b):
    """65 after --dial-timeout-ms; its caller sees the call refused."""
    mixer = b2b("mixer", "--target", "sip:127.0.0.1:9", "--dial-timeout-ms", 1500)
    source = b2b("source", "--target", f"sip:{mixer.wait_ready()}", "--audio-file", SAMPLE)
    assert mixer.wait_exit() == 65
    assert source.wait_exit() == 65


def test_a_damaged_file_is_told(b2b, tmp_path):
    """What can be decoded of it is played; that ffmpeg complained is in the log."""
    whole, half = tmp_path / "whole.flac", tmp_path / "half.flac"
    subprocess.run(["ffmpeg", "-v", "error", "-i", SAMPLE, "-t", "3", "-ar", "8000", whole], check=True)
    half.write_bytes(whole.read_bytes()[: whole.stat().st_size // 2])
    sink = b2b("sink", "--capture", tmp_path / "heard.wav")
    source = b2b("source", "--target", f"sip:{sink.wait_ready()}", "--audio-file", half)
    assert source.wait_exit() == 0, source.output
    assert source.wait_line("WARNING .*half.flac may be damaged")
