"""Loads what judges a call and makes its page while the call lasts, so that nobody waits for it afterwards."""

from __future__ import annotations

import os
import threading

LAST = 19  # of nice values: the call goes first


def load_beside(*, judged: bool) -> None:
    """Load it in a thread of its own; what judges only where the call is to be `judged`."""
    threading.Thread(target=_load, args=(judged,), name="warm", daemon=True).start()


def _load(judged: bool) -> None:
    os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), LAST)  # of this thread alone
    from harness.report import environment
    from harness.report.page import write

    environment.environment()
    write.warm()
    if judged:
        import harness.judging.run  # noqa: F401
