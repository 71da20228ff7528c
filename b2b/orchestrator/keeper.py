"""Keeps a device's process: passes on how it ends, and leaves nothing of it behind, whatever becomes of us.

It is started as `python -m b2b.orchestrator.keeper PROGRAM ARGUMENT…`. A line on its standard input names a signal for
the program; the end of its input means that all is to end at once. A device may start others in sessions of their own,
so the keeper adopts what they leave and sweeps that too.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
from collections.abc import Sequence

from b2b import child

CANNOT_START = 127  # as a shell has it
SIGNALLED = 128  # and this plus the signal's number


def main(argv: Sequence[str]) -> int:
    """Run the program and return its exit code, or 128 + the number of the signal that ended it."""
    for signum in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(signum, lambda *_: None)  # we end with the program; it would inherit it, were they ignored
    child.adopt_orphans()
    try:
        process = child.start(argv, own_group=False, dies_with_us=False, stdout=1, stderr=1)
    except OSError as error:
        print(f"cannot start {argv[0]}: {error.strerror}", flush=True)
        return CANNOT_START
    threading.Thread(target=_obey, args=(process,), daemon=True).start()
    code = process.wait()
    child.kill_descendants()
    return SIGNALLED - code if code < 0 else code


def _obey(process: subprocess.Popen[bytes]) -> None:
    heard = b""
    while data := os.read(0, 4096):
        *lines, heard = (heard + data).split(b"\n")
        for line in lines:
            child.signal_process(process, signal.Signals[f"SIG{line.decode()}"])
    child.kill_descendants()
    child.kill_own_group()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
