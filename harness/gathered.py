"""One capture of what several machines captured: each packet from where it arrived, at the time that it was here then.

One that arrived at no machine of ours, or at one that captured nothing, is taken from where it was sent.
"""

from __future__ import annotations

import heapq
import socket
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path

from b2b.plan.model import Plan
from harness.capture import DLT_RAW, Capture
from harness.machines import Machine
from harness.wire.containers import CaptureError, DamagedError, open_capture, read_frames

PCAP, HERE = "capture.pcap", "capture-here.pcap"
END_OF_TIME_S = 1 << 32  # since the epoch, of what classic pcap can say
OURS = ""  # in place of a machine's name

Packet = tuple[float, bytes]


def gather(folder: Path, plan: Plan, here: Capture, machines: Sequence[Machine]) -> Capture:
    """Put a run's own capture and those of other machines together; what was its own alone stays beside it.

    Returns what it all came to; where a part is missing it says so as a refusal. Raises OSError where it cannot be
    written.
    """
    from dpkt.pcap import Writer  # here, because it takes as long to load as a role to start

    own, made = folder / PCAP, folder / f"{PCAP}.new"
    there = [machine for machine in machines if (machine.folder / PCAP).exists()]
    owners = {address: machine.name for machine in there for address in machine.addresses}
    if own.exists():
        owners |= {node.bind.ip: OURS for node in plan.nodes if not node.host}
    at = {socket.inet_aton(address): name for address, name in owners.items()}
    sources = [_kept(own, at, OURS, lambda time_s: time_s)] if own.exists() else []
    sources += [_kept(machine.folder / PCAP, at, machine.name, machine.here_s) for machine in there]
    packets = 0
    with made.open("wb") as file:
        writer = Writer(file, linktype=DLT_RAW, nano=True)
        for time_s, packet in heapq.merge(*sources):
            if 0 <= time_s < END_OF_TIME_S:  # of what is damaged
                writer.writepkt(packet, ts=time_s)
                packets += 1
    if own.exists():
        own.replace(folder / HERE)
    made.replace(own)
    parts = {OURS: (here.drops, here.refusal)}
    parts |= {f"{machine.name}: ": (machine.capture["drops"], machine.capture["refusal"]) for machine in machines}
    refusals = [f"{name}{refusal}" for name, (_, refusal) in parts.items() if refusal]
    return Capture(packets, sum(drops for drops, _ in parts.values()), "; ".join(refusals))


def _kept(path: Path, owners: Mapping[bytes, str], whose: str, here_s: Callable[[float], float]) -> Iterator[Packet]:
    """Yield the packets of a capture that no other one has better, up to where it is damaged."""
    try:
        file = open_capture(path)
    except CaptureError:  # its connection was lost before there was anything in it
        return
    with file:
        try:
            for time_s, _link_type, packet in read_frames(file, path):
                if owners.get(packet[16:20], owners.get(packet[12:16], OURS)) == whose:
                    yield here_s(time_s), packet
        except (CaptureError, DamagedError):
            return
