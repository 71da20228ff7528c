"""Legs of two calls that were swapped: on the wire by who sends, at the sink by whose file is heard."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from b2b.flags import SOURCE
from b2b.plan.model import Node
from harness.call import PCAP, Call
from harness.listener import Listener
from harness.verdict import Check, Outcome

if TYPE_CHECKING:
    from harness.wire.legs import Leg


def check_sender(call: Call, leg: Leg) -> Iterator[Check]:
    """Yield a failure where a leg carries what the sender of another call sends."""
    from harness.wire.legs import crossed

    if found := crossed(leg, call.legs):
        stream, other = found
        got = f"that of {other.src}, from {stream.flow.src}:{stream.flow.sport}"
        wanted = f"the sound of {leg.src}"
        yield Check(name="media", where=leg.name, outcome=Outcome.FAIL, wanted=wanted, got=got, file=PCAP)


def heard_instead(call: Call, listener: Listener) -> str:
    """Say which other source of the plan a listener hears; "" where it hears none."""
    others = {source.name: path for source in call.plan.with_role(SOURCE) if (path := _file_of(source, listener))}
    heard = {name: listener.against(path) for name, path in others.items()}
    name, hearing = max(heard.items(), key=lambda item: item[1].heard_s, default=("", None))
    if hearing is None or not hearing.matched:
        return ""
    return f"nothing of it, but {hearing.heard_s:.1f} s of {others[name].name}, which {name} plays"


def _file_of(source: Node, listener: Listener) -> Path | None:
    """Return what a source plays that ought not to be heard by this listener; None if it ought to be."""
    path = Path(source.settings["audio_file"])
    return path if source not in listener.chain and path.exists() else None
