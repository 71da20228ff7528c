"""Writes what commands print into a page: between `<!-- $ COMMAND -->` and `<!-- end -->`.

    python docs/update.py PAGE.md [WORD]

With a word only the commands that have it in them are run.
"""

from __future__ import annotations

import re
import shlex
import subprocess
import sys
from pathlib import Path

BLOCK = re.compile(r"(<!-- \$ (.*?) -->\n).*?(<!-- end -->)", re.DOTALL)


def main(page: Path, word: str = "") -> None:
    """Run the commands of a page, and let it have what they print; one that fails leaves the page as it was."""

    def run(block: re.Match[str]) -> str:
        if word not in block[2]:
            return block[0]
        program, *arguments = shlex.split(block[2])
        beside_python = Path(sys.executable).with_name(program)
        finished = subprocess.run([beside_python, *arguments], stdout=subprocess.PIPE, text=True, check=False)
        if finished.returncode:
            sys.exit(f"{finished.stdout}\n{block[2]}: exit {finished.returncode}, so {page} stays as it was")
        return f"{block[1]}{finished.stdout.rstrip()}\n\n{block[3]}"

    page.write_text(BLOCK.sub(run, page.read_text()))


if __name__ == "__main__":
    main(Path(sys.argv[1]), *sys.argv[2:])
