"""The keeper of a device's process: what it passes on, and that it leaves nothing behind."""

from __future__ import annotations

import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from calls.processes import assert_gone, processes_of


def keep(*command: str) -> subprocess.Popen[bytes]:
    """Start a program with its keeper, in a process group of its own."""
    return subprocess.Popen(
        [sys.executable, "-m", "b2b.orchestrator.keeper", *command],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, start_new_session=True,
    )  # fmt: skip


def below(keeper: subprocess.Popen[bytes], program: str) -> dict[int, str]:
    """Return all processes of a keeper, once the program is among them."""
    found: dict[int, str] = {}
    while not any(name.startswith(program) for name in found.values()):
        assert keeper.poll() is None
        found = processes_of(keeper.pid)
        time.sleep(0.01)
    return found


@pytest.mark.parametrize(("script", "code"), [
    ("exit 0", 0), ("exit 7", 7), ("kill -SEGV $$", 128 + signal.SIGSEGV), ("kill -TERM $$", 128 + signal.SIGTERM),
])  # fmt: skip
def test_how_the_program_ended(script, code):
    """Its exit code, or the signal that ended it as a shell tells it."""
    with keep("sh", "-c", script) as keeper:
        assert keeper.wait(20) == code


def test_a_program_that_is_not_there():
    """Is told in a sentence."""
    with keep("/no/such/program") as keeper:
        said, _ = keeper.communicate(timeout=20)
    assert (keeper.returncode, said) == (127, b"cannot start /no/such/program: No such file or directory\n")


def test_a_signal_by_name():
    """Goes to the program alone, which decides what it does with it."""
    with keep("sh", "-c", "trap 'echo heard; exit 3' INT; echo up; while :; do sleep 0.05; done") as keeper:
        assert keeper.stdin
        assert keeper.stdout
        assert keeper.stdout.readline() == b"up\n"
        keeper.stdin.write(b"INT\n")
        keeper.stdin.flush()
        assert keeper.stdout.readline() == b"heard\n"
        assert keeper.wait(20) == 3


@pytest.mark.parametrize("end", ["program", "input", "signal"])
def test_nothing_is_left(end, tmp_path):
    """Whoever ends first, what the program had started goes too, even in a session of its own."""
    stop = tmp_path / "stop"
    script = f"setsid sleep 600 & while ! [ -e {stop} ]; do sleep 0.05; done"
    with keep("sh", "-c", script) as keeper:
        assert keeper.stdin
        all_of_it = below(keeper, "sleep 600")
        if end == "program":
            Path(stop).touch()
        elif end == "input":
            keeper.stdin.close()
        else:
            keeper.stdin.write(b"KILL\n")
            keeper.stdin.flush()
        keeper.wait(20)
        assert_gone(all_of_it)


def test_signals_of_others_are_not_its_own():
    """A terminal's Ctrl-C does not part it from its program."""
    with keep("sh", "-c", "trap '' TERM; echo up; sleep 0.4; exit 5") as keeper:
        assert keeper.stdout
        keeper.stdout.readline()
        for signum in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
            keeper.send_signal(signum)
        assert keeper.wait(20) == 5
