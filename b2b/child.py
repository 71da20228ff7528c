"""Starting and ending processes: nothing that b2b starts outlives it, whatever happens."""

from __future__ import annotations

import contextlib
import ctypes
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path

from b2b import clock

PR_SET_CHILD_SUBREAPER = 36
PR_SET_PDEATHSIG = 1  # prctl(2); the signal comes when the thread that forked us ends, so never fork from a short one
POLL_S = 0.02

_libc = ctypes.CDLL(None, use_errno=True)


def start(
    argv: Sequence[str],
    *,
    own_group: bool = True,
    dies_with_us: bool = True,
    env: Mapping[str, str] | None = None,
    cwd: Path | None = None,
    stdin: int = subprocess.DEVNULL,
    stdout: int = subprocess.PIPE,
    stderr: int = subprocess.STDOUT,
    before_exec: Callable[[], None] | None = None,
) -> subprocess.Popen[bytes]:
    """Start a program that the kernel kills when we die, unless `dies_with_us` is False.

    `own_group` gives it a process group of its own, out of reach of the terminal's Ctrl-C; without it the program
    joins ours. `before_exec` runs in the child. Raises OSError where the program cannot be started.
    """
    parent = os.getpid()

    def prepare() -> None:
        if dies_with_us:
            _libc.prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
            if os.getppid() != parent:
                os._exit(1)
        if own_group:
            os.setpgid(0, 0)
        if before_exec:
            before_exec()

    return subprocess.Popen(
        argv,
        stdin=stdin,
        stdout=stdout,
        stderr=stderr,
        env=None if env is None else dict(env),
        cwd=cwd,
        preexec_fn=prepare,
    )


def ask(argv: Sequence[str], *, patience_s: float) -> str:
    """Return what a program says before it ends by itself; what it has said until then if it has to be stopped."""
    with start(argv) as process:
        try:
            said, _ = process.communicate(timeout=patience_s)
        except subprocess.TimeoutExpired:
            process.kill()
            said, _ = process.communicate()
    return said.decode(errors="replace")


def succeeds(argv: Sequence[str], *, env: Mapping[str, str] | None = None, patience_s: float) -> bool:
    """Return whether a program ends by itself with exit code 0; what it says is nobody's business."""
    try:
        process = start(argv, env=env, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    except OSError:
        return False
    if not wait(process, clock.Deadline.patience(patience_s)):
        stop(process, patience_s=())
    return process.returncode == 0


def python_command(module: str) -> list[str]:
    """Return how to run one of our modules with this very interpreter and no surprises from the user's folder."""
    return [sys.executable, "-P", "-m", module] if sys.version_info >= (3, 11) else [sys.executable, "-m", module]


def signal_process(process: subprocess.Popen[bytes], signum: int) -> None:
    """Send a signal; what is already gone is no error."""
    with contextlib.suppress(ProcessLookupError):
        process.send_signal(signum)


def wait(process: subprocess.Popen[bytes], by: clock.Deadline) -> bool:
    """Return whether the process has ended by the deadline."""
    try:
        process.wait(by.machine_left)
    except subprocess.TimeoutExpired:
        return False
    return True


def stop(process: subprocess.Popen[bytes], *, patience_s: Sequence[float]) -> bool:
    """Ask with SIGTERM once for each patience, then kill; return whether it went without being killed."""
    for seconds in patience_s:
        signal_process(process, signal.SIGTERM)
        if wait(process, clock.Deadline.patience(seconds)):
            return True
    signal_process(process, signal.SIGKILL)
    process.wait()
    return False


def run_first() -> None:
    """Let the calling thread, and whatever it starts or becomes, run before all others, where that is allowed: to root.

    It must sleep most of the time.
    """
    with contextlib.suppress(OSError):
        os.sched_setscheduler(0, os.SCHED_FIFO, os.sched_param(1))


def kill_group(group: int) -> None:
    """Kill whatever is left of a process group; what is already gone is no error."""
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(group, signal.SIGKILL)


def kill_own_group() -> None:
    """Kill ourselves with all that we have started, for nobody is left to do it."""
    os.killpg(0, signal.SIGKILL)


def adopt_orphans() -> None:
    """Become the parent of what our children leave behind when they end, wherever it has moved itself."""
    _libc.prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)


def descendants(pid: int) -> list[int]:
    """Return the processes below one, the nearest first."""
    parents: dict[int, int] = {}
    for entry in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError, IndexError, ValueError):
            parents[int(entry.name)] = int((entry / "stat").read_text().rpartition(")")[2].split()[1])
    found = [pid]
    for above in found:
        found += [below for below, parent in parents.items() if parent == above]
    return found[1:]


def kill_descendants() -> None:
    """Kill all that we have started and all that this has started, until nothing is left."""
    while below := [pid for pid in descendants(os.getpid()) if not _reaped(pid)]:
        for pid in below:
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.kill(pid, signal.SIGKILL)
        clock.sleep_until(clock.now() + clock.in_call(POLL_S))


def _reaped(pid: int) -> bool:
    """Whether a process that was ours has ended; an orphan has nobody else to ask."""
    try:
        return os.waitpid(pid, os.WNOHANG)[0] == pid
    except ChildProcessError:  # it is not ours yet, or somebody has asked before
        return not Path(f"/proc/{pid}").exists()


def cpu_seconds(pids: Iterable[int]) -> float:
    """Sum the CPU time, user and system, that the processes have used; those that are gone count nothing."""
    ticks = 0
    for pid in pids:
        with contextlib.suppress(OSError, IndexError, ValueError):
            after_name = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
            ticks += int(after_name[11]) + int(after_name[12])  # utime and stime, proc(5) fields 14 and 15
    return ticks / os.sysconf("SC_CLK_TCK")


def how_it_ended(code: int) -> str:
    """Say an exit status in words: `exit code 1`, or `killed by SIGKILL`."""
    if code >= 0:
        return f"exit code {code}"
    try:
        return f"killed by {signal.Signals(-code).name}"
    except ValueError:
        return f"killed by signal {-code}"
