"""Whether memory that was freed is used again, without the kernel filling it with zeros each time."""

from __future__ import annotations

import subprocess
import sys

SCRIPT = """
import resource, sys
import numpy as np
from harness.memory import keep_freed
if sys.argv[1] == "keep":
    keep_freed()
for _ in range(10):
    np.ones(40 << 20, np.uint8)
print(resource.getrusage(resource.RUSAGE_SELF).ru_minflt)
"""


def faults(word: str) -> int:
    """Return how many pages the kernel had to find for a process that makes large arrays and forgets them."""
    ran = subprocess.run([sys.executable, "-c", SCRIPT, word], capture_output=True, text=True, check=True,
                         env={"NUMPY_MADVISE_HUGEPAGE": "0", "OMP_NUM_THREADS": "1"})  # fmt: skip
    return int(ran.stdout)


def test_what_is_freed_is_used_again():
    """Of ten arrays of 40 MB nine need no new page."""
    assert faults("") - faults("keep") > 7 * (40 << 20) // 4096
