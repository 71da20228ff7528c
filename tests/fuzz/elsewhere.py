"""The target that is another machine: it says all it likes over a run's connection to it."""

from __future__ import annotations

import atexit
import io
import os
import shutil
from functools import cache
from pathlib import Path

from b2b.far.messages import NonsenseError, encode, piece, read_messages
from b2b.orchestrator.elsewhere import Machine
from b2b.orchestrator.events import Event, LogSeen, WordsSeen
from b2b.plan.model import Node
from fuzz.places import harmless

EAR = Node("ear", "sink", {"sip_bind": "192.0.2.2:5062", "host": "lab1"})
GREETINGS = 3


@cache
def _run() -> Path:
    """Return the folder of a run, in a folder that has nothing else in it."""
    above = Path(f"/dev/shm/b2b-fuzz-far-{os.getpid()}")
    (above / "run").mkdir(mode=0o700, parents=True)
    atexit.register(shutil.rmtree, above, ignore_errors=True)
    return above / "run"


def machine(data: bytes) -> None:
    """Hear another machine to the end: its roles' lines, and files that belong nowhere but to them."""
    run, posted = _run(), list[Event]()
    other = Machine("lab1", [EAR], run, posted.append)
    other.link.ask = lambda *_what, **_more: None  # type: ignore[method-assign]
    other.launch(EAR, [], {})
    try:
        for message in read_messages(io.BytesIO(data), skip=GREETINGS):
            other.link._understand(message)
    except NonsenseError as error:
        other.link.over.set()
        other._lost(f"it sent what it should not: {error}")
    other.link.over.set()
    harmless(other.bring_home() + other.link.calls_itself + str(other.as_json()))
    for event in posted:
        if isinstance(event, WordsSeen):
            harmless(event.words)
        elif isinstance(event, LogSeen):
            harmless(event.line.json())
    assert [path.name for path in run.parent.iterdir()] == ["run"]
    for path in run.iterdir():
        assert path.name in ("ear", "ear.wav", "hosts")
        shutil.rmtree(path) if path.is_dir() else path.unlink()


def conversations() -> tuple[bytes, ...]:
    """Return what a machine says in a call that goes well, and in one that does not."""
    hello = encode("hello", version="0.1.0", folder="/tmp/b2b-far-1", host="lab1")
    log = '{"ts": "2026-01-01T00:00:00.000+00:00", "level": "INFO", "role": "sink", "msg": "hi", "event": "x"}'
    ready = "READY role=sink sip=192.0.2.2:5062 codec=pcmu ptime=20ms"
    lines = [encode("line", node="ear", text=text) for text in (log, ready)]
    started = [encode("started", node="ear", pid=7), encode("pong", n=0, wall_s=1e9), *lines]
    files = [piece("ear.wav", 0, b"RIFF" * 9), piece("ear.wav", 36, b"x" * 99), piece(".host/capture.pcap", 0, b"\xa1"),
             piece("ear/role.log", 0, b"log"), encode("whole", file="ear.wav", size=135)]  # fmt: skip
    ended = [encode("exited", node="ear", code=0), encode("done")]
    return (
        b"".join([b"Welcome\n", hello, *started, *files, *ended]),
        b"".join([hello, *started, encode("trouble", says="no space"), encode("exited", node="ear", code=66)]),
    )
