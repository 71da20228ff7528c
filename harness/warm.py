"""Loads what judges a call and makes its page while the call lasts, so that nobody waits for it afterwards."""

from __future__ import annotations

import importlib
import os
import threading

LAST = 19  # of nice values: the call goes first


def load_beside(*modules: str, pages: bool) -> None:
    """Import modules, and read what makes `pages`, in a thread of its own."""
    threading.Thread(target=_load, args=(modules, pages), name="warm", daemon=True).start()


def _load(modules: tuple[str, ...], pages: bool) -> None:
    os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), LAST)  # of this thread alone
    if pages:
        from harness.report import environment
        from harness.report.page import write

        environment.environment()
        write.warm()
    for module in modules:
        importlib.import_module(module)
