"""Processes: nothing that b2b starts outlives it, and everything that it stops is gone."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from eventually import eventually, gone

from b2b import child, clock

Start = Callable[..., "subprocess.Popen[bytes]"]

IGNORES_TERM = 'trap "" TERM; echo ready; exec sleep 60'
GOES_AT_THE_SECOND = """trap 'n=1$n' TERM; echo ready; while [ "$n" != 11 ]; do sleep 0.01; done; exit 5"""


@pytest.fixture
def start() -> Iterator[Start]:
    """Return child.start, for processes that are gone when the test has ended."""
    started: list[subprocess.Popen[bytes]] = []

    def run(*argv: str, **settings: Any) -> subprocess.Popen[bytes]:
        started.append(child.start(argv, **settings))
        return started[-1]

    yield run
    for process in started:
        child.stop(process, patience_s=())
        for pipe in (process.stdin, process.stdout):
            if pipe:
                pipe.close()


def said(process: subprocess.Popen[bytes]) -> str:
    """Return the next line of what a process says."""
    assert process.stdout
    return process.stdout.readline().decode().strip()


def parent_of(argv: list[str], settings: str) -> subprocess.Popen[bytes]:
    """Start a process that starts another one by child.start, says its number, and waits."""
    script = (
        "import sys; from b2b import child\n"
        f"print(child.start({argv!r}, {settings}).pid, flush=True); sys.stdin.read()\n"
    )
    return subprocess.Popen([sys.executable, "-c", script], stdin=subprocess.PIPE, stdout=subprocess.PIPE)


@pytest.mark.parametrize("settings", ["own_group=True", "own_group=False"])
def test_a_process_dies_with_its_parent_also_by_sigkill(settings: str) -> None:
    """The kernel sees to it; nobody else could."""
    with parent_of(["sleep", "60"], settings) as parent:
        pid = int(said(parent))
        assert not gone(pid)
        parent.kill()
        eventually(lambda: gone(pid), "the process to be gone")


def test_a_process_that_may_outlive_its_parent_does(tmp_path: Path) -> None:
    """As a role does: it notices by its standard input, and hangs up first."""
    ready, survived = tmp_path / "ready", tmp_path / "survived"
    has_its_parent = '[ "$(cut -d" " -f4 /proc/$$/stat)" = "$PPID" ]'
    orphan = f"{has_its_parent} && : > {ready}; while {has_its_parent}; do sleep 0.01; done; : > {survived}"
    with parent_of(["sh", "-c", orphan], "dies_with_us=False") as parent:
        eventually(ready.exists, "the process to know its parent")
        parent.kill()
        eventually(survived.exists, "the orphan to say so")


@pytest.mark.parametrize("own_group", [True, False])
def test_a_process_has_a_group_of_its_own_where_asked(start: Start, own_group: bool) -> None:
    """Out of reach of the terminal's Ctrl-C; or else in ours, to be swept with it."""
    process = start("sleep", "60", own_group=own_group)
    assert os.getpgid(process.pid) == (process.pid if own_group else os.getpgid(0))


def test_a_process_says_both_of_its_outputs_in_one_pipe_and_hears_nothing(start: Start) -> None:
    """In the order in which it says them, with an empty standard input."""
    process = start("sh", "-c", "echo one; echo two >&2; cat; echo three")
    assert [said(process) for _ in range(4)] == ["one", "two", "three", ""]


def test_a_process_has_the_environment_that_it_was_given(start: Start) -> None:
    """Ours, unless there is another."""
    assert said(start("sh", "-c", "echo $B2B_TEST", env={"B2B_TEST": "given"})) == "given"
    assert said(start("sh", "-c", "echo $PATH")) == os.environ["PATH"]


def test_what_is_to_be_done_before_the_program_is_done_in_the_child(start: Start) -> None:
    """That is where the filter on baresip's sockets is put."""
    process = start("sh", "-c", "pwd", before_exec=lambda: os.chdir("/"))
    assert said(process) == "/"
    assert Path.cwd() != Path("/")


@pytest.mark.parametrize(("program", "error"), [("/no/such/program", FileNotFoundError), ("/etc", PermissionError)])
def test_a_program_that_cannot_be_started_is_an_oserror(start: Start, program: str, error: type[OSError]) -> None:
    """The caller knows what it was for."""
    with pytest.raises(error):
        start(program)


@pytest.mark.parametrize("signum", [signal.SIGTERM, signal.SIGKILL])
def test_a_signal_to_what_is_gone_is_no_error(start: Start, signum: int) -> None:
    """It may have ended at any moment."""
    process = start("true")
    process.wait()
    child.signal_process(process, signum)
    assert process.returncode == 0


def test_waiting_tells_whether_it_has_ended(start: Start) -> None:
    """By the deadline."""
    process = start("cat", stdin=subprocess.PIPE)
    assert not child.wait(process, clock.Deadline.after(0))
    assert process.stdin
    process.stdin.close()
    assert child.wait(process, clock.Deadline.after(20))


def test_a_polite_process_goes_when_it_is_asked(start: Start) -> None:
    """Long before anybody's patience is at its end."""
    process = start("sleep", "60")
    assert child.stop(process, patience_s=(20,))
    assert process.returncode == -signal.SIGTERM


def test_a_process_that_ignores_the_request_is_killed(start: Start) -> None:
    """After each patience, and never later."""
    process = start("sh", "-c", IGNORES_TERM)
    assert said(process) == "ready"
    assert not child.stop(process, patience_s=(0.02, 0.02))
    assert process.returncode == -signal.SIGKILL


def test_it_is_asked_once_for_each_patience(start: Start) -> None:
    """baresip needs a second SIGTERM where its INVITE was never answered."""
    process = start("sh", "-c", GOES_AT_THE_SECOND)
    assert said(process) == "ready"
    assert child.stop(process, patience_s=(0.1, 20))
    assert process.returncode == 5


def test_without_patience_it_is_killed_at_once(start: Start) -> None:
    """Nothing is asked."""
    process = start("sh", "-c", 'trap "exit 0" TERM; echo ready; while :; do sleep 0.01; done')
    assert said(process) == "ready"
    assert not child.stop(process, patience_s=())
    assert process.returncode == -signal.SIGKILL


@pytest.mark.parametrize("patience_s", [(20,), ()])
def test_what_has_ended_by_itself_keeps_its_exit_code(start: Start, patience_s: tuple[float, ...]) -> None:
    """Stopping it once more changes nothing."""
    process = start("sh", "-c", "exit 7")
    process.wait()
    child.stop(process, patience_s=patience_s)
    assert process.returncode == 7


def test_killing_a_group_kills_all_of_it(start: Start) -> None:
    """Also what its first process has started, and when that one is gone already."""
    process = start("sh", "-c", "sleep 60 & echo $!; sleep 60 & echo $!")
    pids = [int(said(process)) for _ in range(2)]
    process.wait()
    assert not any(gone(pid) for pid in pids)
    child.kill_group(process.pid)
    eventually(lambda: all(gone(pid) for pid in pids), "the group to be gone")
    child.kill_group(process.pid)


def test_cpu_time_is_that_of_all_the_processes() -> None:
    """User and system together; what is gone counts nothing."""
    used = sum(os.times()[:2])
    while sum(os.times()[:2]) < used + 0.05:
        pass
    before, counted, after = sum(os.times()[:2]), child.cpu_seconds([os.getpid()]), sum(os.times()[:2])
    assert before - 0.03 <= counted <= after + 0.03
    assert counted > 0
    assert child.cpu_seconds([os.getpid(), 1 << 30]) == pytest.approx(counted, abs=0.05)
    assert child.cpu_seconds([]) == child.cpu_seconds([1 << 30]) == 0


def test_cpu_time_is_read_right_whatever_the_process_is_called() -> None:
    """Its name stands in front of it, with any character in it."""
    comm = Path("/proc/self/comm")
    name = comm.read_text()
    comm.write_text("a) R 1 2 (b")
    try:
        counted, used = child.cpu_seconds([os.getpid()]), sum(os.times()[:2])
    finally:
        comm.write_text(name.strip())
    assert counted == pytest.approx(used, abs=0.05)


@pytest.mark.parametrize(
    ("code", "words"),
    [
        (0, "exit code 0"),
        (1, "exit code 1"),
        (255, "exit code 255"),
        (-9, "killed by SIGKILL"),
        (-15, "killed by SIGTERM"),
        (-11, "killed by SIGSEGV"),
        (-63, "killed by signal 63"),
    ],
)
def test_an_exit_status_is_said_in_words(code: int, words: str) -> None:
    """As Python has it: below zero is a signal."""
    assert child.how_it_ended(code) == words


def test_a_module_of_ours_is_run_by_this_very_interpreter() -> None:
    """Not by whatever `python3` is on the PATH."""
    command = child.python_command("b2b")
    assert command[0] == sys.executable
    assert command[-2:] == ["-m", "b2b"]


@pytest.mark.skipif(sys.version_info < (3, 11), reason="Python 3.10 knows no way to leave out the current folder")
def test_a_file_in_the_users_folder_is_not_taken_for_a_module(tmp_path: Path) -> None:
    """Somebody's own click.py would end every role."""
    (tmp_path / "click.py").write_text("raise SystemExit('not this one')\n")
    command = [*child.python_command("b2b"), "--version"]
    process = subprocess.run(command, cwd=tmp_path, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False)
    assert (process.returncode, b"not this one" in process.stdout) == (0, False)
