"""Gives a target its inputs, in a process of its own, and tells what came of it."""

from __future__ import annotations

import hashlib
import itertools
import multiprocessing
import os
import time
import traceback
from dataclasses import dataclass
from multiprocessing.connection import Connection

from fuzz.limits import limit_memory, peak_mb, time_limited
from fuzz.mutate import inputs
from fuzz.targets import BY_NAME, CORPUS, Target

MOST_FINDINGS = 20  # of one target, each of them at another place in the code
WARM = 200  # inputs, after which what is loaded once is loaded
HEAD = ("target", "inputs", "CPU seconds", "per second", "peak MB", "grown MB", "findings")


@dataclass(frozen=True, slots=True, kw_only=True)
class Result:
    """What came of one target; seconds are of processors, its children's too; what grew is so since all was warm."""

    target: str
    inputs: int
    seconds: float
    peak_mb: float
    grown_mb: float
    findings: dict[str, str]  # place -> traceback

    def row(self) -> tuple[str, ...]:
        """Return it as the table has it."""
        rate = self.inputs / self.seconds if self.seconds else 0
        return (self.target, f"{self.inputs}", f"{self.seconds:.0f}", f"{rate:.0f}", f"{self.peak_mb:.0f}",
                f"{self.grown_mb:.0f}", f"{len(self.findings)}")  # fmt: skip


def campaign(target: Target, *, count: int, seconds: float, seed: int) -> Result:
    """Give a target its inputs, until they are all done, time is up or too much was found."""
    limit_memory()
    findings: dict[str, str] = {}
    began, used_s, done, warm_mb = time.monotonic(), _used_s(), 0, peak_mb()
    for data in itertools.islice(inputs(target.seeds(), target.words, seed), count):
        try:
            with time_limited():
                target.read(data)
        except BaseException as error:
            if isinstance(error, KeyboardInterrupt):
                raise
            if (place := _place(error)) not in findings:
                findings[place] = "".join(traceback.format_exception(error, limit=-6))
                _keep(target, data)
        done += 1
        if done == WARM:
            warm_mb = peak_mb()
        if len(findings) >= MOST_FINDINGS or time.monotonic() - began > seconds:
            break
    grown_mb = peak_mb() - warm_mb
    return Result(target=target.name, inputs=done, seconds=_used_s() - used_s, peak_mb=peak_mb(),
                  grown_mb=grown_mb, findings=findings)  # fmt: skip


def _used_s() -> float:
    return sum(os.times()[:4])


def _place(error: BaseException) -> str:
    frame = traceback.extract_tb(error.__traceback__)[-1]
    ours = [one for one in traceback.extract_tb(error.__traceback__) if "/fuzz/" not in one.filename]
    frame = ours[-1] if ours else frame
    return f"{type(error).__name__} at {frame.filename}:{frame.lineno}"


def _keep(target: Target, data: bytes) -> None:
    folder = CORPUS / target.name
    folder.mkdir(parents=True, exist_ok=True)
    (folder / hashlib.sha256(data).hexdigest()[:12]).write_bytes(data)


def campaign_in_a_process(target: Target, *, count: int, seconds: float, seed: int) -> Result:
    """Do the same in a process of its own. Raises EOFError where that came to an end."""
    ours, theirs = multiprocessing.Pipe(duplex=False)
    limits = {"count": count, "seconds": seconds, "seed": seed}
    process = multiprocessing.get_context("spawn").Process(target=_tell, args=(target.name, limits, theirs))
    process.start()
    theirs.close()
    try:
        return ours.recv()  # type: ignore[no-any-return]
    finally:
        process.join()


def _tell(name: str, limits: dict[str, float], to: Connection) -> None:
    to.send(campaign(BY_NAME[name], **limits))  # type: ignore[arg-type]
