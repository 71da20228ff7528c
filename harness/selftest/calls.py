"""Makes the calls of the selftest, a few at a time, and judges each by its run folder."""

from __future__ import annotations

import contextlib
import json
import shutil
import subprocess
import tempfile
from collections import deque
from collections.abc import Collection, Iterator
from dataclasses import asdict, dataclass, replace
from pathlib import Path

import numpy as np

from b2b import child, clock
from b2b.errors import UsageError
from harness.call import Call
from harness.errors import NoCallError
from harness.judging.run import judge
from harness.selftest.caller import DONE, JOB, RUN
from harness.selftest.fault import Finding, examine
from harness.selftest.in_calls import FAULTS, NAMES, Case
from harness.verdict import Outcome

ATTEMPTS = 6  # at a call during which this machine was stalled
STALL_S = 0.02  # that is heard, or makes a packet late
PATIENCE_S = 60.0  # for a call of a few seconds
STOPPING_S = (10.0,)
POLL_S = 0.05


@dataclass(frozen=True, slots=True)
class _Task:
    """A fault that is still to be made, or to be made once more."""

    name: str
    seed: int
    attempt: int = 1


@dataclass(frozen=True, slots=True)
class _Making:
    """A call that is being made."""

    task: _Task
    case: Case
    folder: Path
    process: subprocess.Popen[bytes]
    by: clock.Deadline


def findings(seeds: range, names: Collection[str] = NAMES, *, jobs: int = 2) -> Iterator[Finding]:
    """Yield what the checks say of each fault in a real call, as the calls end.

    Raises UsageError where no call can be made here, NoCallError where one went wrong.
    """
    if not shutil.which("baresip"):
        raise UsageError("real calls need baresip; `b2b doctor` tells how to install it")
    todo = deque(_Task(name, seed) for seed in seeds for name in FAULTS if name in names)
    with tempfile.TemporaryDirectory(prefix="b2b-selftest-") as scratch, contextlib.ExitStack() as stack:
        running: list[_Making] = []
        stack.callback(lambda: [child.stop(making.process, patience_s=STOPPING_S) for making in running])
        while todo or running:
            while todo and len(running) < jobs:
                running.append(_start(todo.popleft(), Path(scratch)))
            clock.sleep_until(clock.now() + POLL_S)
            for making in [one for one in running if _has_ended(one)]:
                running.remove(making)
                finding, stalled = _finish(making)
                if not finding.is_good and stalled and making.task.attempt < ATTEMPTS:
                    todo.appendleft(replace(making.task, attempt=making.task.attempt + 1))
                else:
                    yield finding


def _start(task: _Task, scratch: Path) -> _Making:
    folder = Path(tempfile.mkdtemp(dir=scratch))
    case = FAULTS[task.name](folder, np.random.default_rng((task.seed, NAMES.index(task.name))))
    job = {"tampering": asdict(case.tampering) if case.tampering else None}
    (folder / JOB).write_text(json.dumps(job))
    process = child.start([*child.python_command("harness.selftest.caller"), str(folder)])
    return _Making(task, case, folder, process, clock.Deadline.after(PATIENCE_S))


def _has_ended(making: _Making) -> bool:
    if making.by.passed:
        child.stop(making.process, patience_s=STOPPING_S)
    return making.process.poll() is not None


def _finish(making: _Making) -> tuple[Finding, bool]:
    """Judge a call that was made; return what was found, and whether this machine was stalled meanwhile."""
    assert making.process.stdout
    with making.process.stdout as pipe:
        said = pipe.read().decode(errors="replace").strip()
    if making.process.returncode == UsageError.code:
        raise UsageError(said)
    if making.process.returncode:
        raise NoCallError(f"{making.task.name}: {said or 'the call took too long'}")
    call = Call(making.folder / RUN, reference=making.case.reference)
    checks = judge(call, making.case.wanted).checks
    done = json.loads((making.folder / DONE).read_text()) if making.case.tampering else {"wall_s": 0, "length_ms": 0}
    fault = making.case.fault(done["wall_s"] - (call.answered_at_s or 0.0), done["length_ms"])
    stalled = any(check.outcome is Outcome.UNKNOWN for check in checks)
    stalled |= any(stall.length_s >= STALL_S for stall in call.stalls)
    shutil.rmtree(making.folder)
    return examine(fault, making.task.seed, checks), stalled
