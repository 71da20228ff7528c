"""`python -m fuzz.guided TARGET…`: targets by atheris, which goes where the code has not been yet.

Options, such as -max_total_time=60, are libFuzzer's. What it learned stays in build/fuzz/TARGET/; it stops at the first
finding and leaves that there as crash-….
"""

from __future__ import annotations

import os
import shutil
import sys

import atheris

with atheris.instrument_imports(include=["b2b", "harness"]):
    from calls.places import REPOSITORY
    from fuzz import folders
    from fuzz.targets import BY_NAME, Target

LIMITS = ("-timeout=10", "-rss_limit_mb=1024")


def main() -> int:
    """Run each target until libFuzzer has enough of it; 1 where something was found."""
    options = [word for word in sys.argv[1:] if word.startswith("-")]
    names = [word for word in sys.argv[1:] if not word.startswith("-")] or list(BY_NAME)
    if unknown := set(names) - set(BY_NAME):
        sys.exit(f"no target {', '.join(sorted(unknown))}; there is {', '.join(BY_NAME)}")
    found = [name for name in names if _ends_badly(BY_NAME[name], options)]
    print(f"findings: {', '.join(found) or 'none'}")
    return int(bool(found))


def _ends_badly(target: Target, options: list[str]) -> bool:
    """Run a target in a process of its own, which libFuzzer ends without any clearing up."""
    corpus = REPOSITORY / "build" / "fuzz" / target.name
    corpus.mkdir(parents=True, exist_ok=True)
    child = os.fork()
    if not child:
        for number, data in enumerate(target.seeds()):
            (corpus / f"seed-{number}").write_bytes(data)
        atheris.Setup([sys.argv[0], *options, *LIMITS, f"-artifact_prefix={corpus}/", str(corpus)], target.read)
        atheris.Fuzz()
    status = os.waitpid(child, 0)[1]
    shutil.rmtree(folders.place(child), ignore_errors=True)
    return status != 0


if __name__ == "__main__":
    sys.exit(main())
