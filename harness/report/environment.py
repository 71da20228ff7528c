"""What the calls were made on: every version that matters, under names that a person understands."""

from __future__ import annotations

import importlib.metadata
import os
import platform
from functools import cache

from b2b import __version__, doctor


@cache
def environment() -> dict[str, str]:
    """Return names and versions; the same for all calls of a process."""
    return {
        "b2b": __version__,
        "baresip": doctor.baresip().came,
        "Python": platform.python_version(),
        "pytest": importlib.metadata.version("pytest"),
        "kernel": f"{platform.system()} {platform.release()}",
        "machine": f"{platform.machine()}, {os.cpu_count()} processors",
        "host": platform.node(),
    }
