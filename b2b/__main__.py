"""`b2b`, and `python -m b2b`."""

from __future__ import annotations

import gc
import io
import os
import sys


def main() -> None:
    """Run the command line; every exit code is one of ExitCode's, never click's own 2."""
    from b2b.cli.app import run

    for name in ("stdout", "stderr"):
        if (stream := getattr(sys, name)) is None:  # the shell has closed it
            setattr(sys, name, open(os.devnull, "w"))  # noqa: SIM115, PTH123
        elif isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="replace")  # a terminal that has no ✓ shows something else
    os.umask(0o077)  # recordings, captures and pages of calls are their user's alone
    code = run(sys.argv[1:])
    gc.freeze()  # at its end Python would look through all that was loaded for what it could free
    sys.exit(code)


if __name__ == "__main__":
    main()
