"""Loads what judges a call and makes its page while the call lasts, so that nobody waits for it afterwards.

So is the sound that its sources play: decoding it takes longer than judging a short call.
"""

from __future__ import annotations

import contextlib
import importlib
import os
import threading
from pathlib import Path

from b2b.errors import B2bError

LAST = 19  # of nice values: the call goes first
LARGEST = 8 << 20  # octets of a sound file that is decoded beside a call: half an hour of speech in MP3


def load_beside(*modules: str, pages: bool, run: Path) -> None:
    """Import modules, read what makes `pages`, and decode what is played in a run, in a thread of its own."""
    threading.Thread(target=_load, args=(modules, pages, run), name="warm", daemon=True).start()


def _load(modules: tuple[str, ...], pages: bool, run: Path) -> None:
    os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), LAST)  # of this thread alone
    if pages:
        from harness.report import environment
        from harness.report.page import write

        environment.environment()
        write.warm()
    for module in modules:
        importlib.import_module(module)
    with contextlib.suppress(B2bError, OSError):  # whoever judges the call will say so
        _decode(run)


def _decode(run: Path) -> None:
    from harness.call import Call
    from harness.sound.files import decode

    for node in Call(run).plan.nodes:
        file = Path(node.settings.get("audio_file", ""))
        if not node.is_device and file.is_file() and file.stat().st_size <= LARGEST:
            decode(file)
