"""Makes one call of the selftest in a network of its own, and tampers with its packets there.

    python -m harness.selftest.caller FOLDER

FOLDER has the plan and `job.json`; the run goes into FOLDER/run, and into `done.json` what was done to the packets.
"""

from __future__ import annotations

import json
import signal
import sys
import threading
from dataclasses import asdict
from pathlib import Path

from b2b.errors import B2bError, ExitCode
from b2b.orchestrator.network import enter_private
from harness.errors import NoCallError
from harness.selftest.tamper import Tampering, tamper
from harness.topology import make_call

PLAN, JOB, DONE, RUN = "call.plan.toml", "job.json", "done.json", "run"


def main(folder: Path) -> int:
    """Make the call; the exit code is 0 when it was made and tampered with as the job says."""
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(int(ExitCode.UNEXPECTED)))
    try:
        enter_private()  # before anything starts a thread
    except OSError as error:
        print(f"this system lets nobody make a private network: {error.strerror}; `b2b doctor` tells how to allow it")
        return int(ExitCode.USAGE)
    try:
        _call(folder, json.loads((folder / JOB).read_text()))
    except B2bError as error:
        print(error)
        return int(ExitCode.UNEXPECTED)
    return int(ExitCode.OK)


def _call(folder: Path, job: dict[str, dict[str, object]]) -> None:
    ending, failures = threading.Event(), list[B2bError]()
    wanted = Tampering(**job["tampering"]) if job["tampering"] else None  # type: ignore[arg-type]

    def do() -> None:
        try:
            if wanted and (done := tamper(wanted, ending)):
                (folder / DONE).write_text(json.dumps(asdict(done)))
        except B2bError as error:
            failures.append(error)

    tampering = threading.Thread(target=do, name="tamper", daemon=True)
    tampering.start()
    try:
        make_call(folder / PLAN, folder / RUN, network="host")
    finally:
        ending.set()
        tampering.join()
    if failures:
        raise failures[0]
    if wanted and not (folder / DONE).exists():
        raise NoCallError("the call ended before its packets could be tampered with")


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1])))
