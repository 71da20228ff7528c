"""`b2b`, and `python -m b2b`."""

from __future__ import annotations

import sys


def main() -> None:
    """Run the command line; every exit code is one of ExitCode's, never click's own 2."""
    from b2b.cli.app import run

    sys.exit(run(sys.argv[1:]))


if __name__ == "__main__":
    main()
