"""A call that has been made: everything that is known of it is read from its run folder, on any machine."""

from __future__ import annotations

from collections import defaultdict
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from b2b.errors import UsageError
from b2b.flags import SINK
from b2b.plan.load import load_plan
from b2b.plan.model import Plan
from b2b.plan.resolve import LOOPBACK, resolve
from harness import canary, evidence, runqueue
from harness.expect import TABLE
from harness.fault.host import Host
from harness.heard_by import heard_by
from harness.impair.table import TABLE as IMPAIR
from harness.listener import Listener
from harness.machines import Machine, machines_of
from harness.verdict import FILE, Verdict

if TYPE_CHECKING:
    from harness.impair.ledger import Ledger
    from harness.wire.audio import Audio
    from harness.wire.collect import Wire
    from harness.wire.legs import Leg
    from harness.wire.streams import Flow

PCAP, NOTES, RESOLVED = "capture.pcap", evidence.NOTES, "plan.toml"
IN_CALL = "CALL_ESTABLISHED"  # the event
SENT = "sent.pcap"  # of a run whose plan impairs it: the packets before that


class Call:
    """A run folder, read when it is asked for."""

    def __init__(self, folder: Path, *, reference: Path | None = None) -> None:
        self.folder, self._reference = folder, reference

    @cached_property
    def plan(self) -> Plan:
        """The plan as it was resolved."""
        return resolve(load_plan(self.folder / RESOLVED, known_tables={TABLE, IMPAIR}, to_run=False), host_ip=LOOPBACK)

    @cached_property
    def summary(self) -> dict[str, Any]:
        """What the orchestrator said of the run; nothing but emptiness where it had no time to.

        Raises UsageError where the file is damaged.
        """
        return evidence.summary(self.folder)

    @property
    def speed(self) -> float:
        """How many times as fast as the machine's the run's time went; all times of the run are its own."""
        return float(self.summary.get("speed", 1))

    @property
    def was_made(self) -> bool:
        """Whether the call that the plan is about was answered."""
        return bool(self.summary["duration_s"])

    @cached_property
    def verdict(self) -> Verdict | None:
        """What the call was judged to be; None where its plan expects nothing. Raises UsageError for a damaged file."""
        return Verdict.read(self.folder) if (self.folder / FILE).exists() else None

    @cached_property
    def events(self) -> list[dict[str, Any]]:
        """Every event of the run; a line that was cut off or is damaged is left out."""
        return evidence.events(self.folder)

    @cached_property
    def metrics(self) -> list[dict[str, Any]]:
        """Every line of metrics; one that was cut off or is damaged is left out."""
        return evidence.metrics(self.folder)

    @cached_property
    def capture(self) -> dict[str, Any]:
        """What the capture came to: packets, drops, refusal."""
        refusal = self.unreadable if (self.folder / PCAP).exists() else "there was no capture"
        return evidence.notes(self.folder, refusal=refusal)

    @cached_property
    def stalls(self) -> list[canary.Stall]:
        """When this machine let nobody run, or not what a run that is impaired sends its packets on with."""
        elsewhere = (stall for machine in self.machines for stall in machine.stalls)
        return [*canary.read(self.folder / canary.FILE), *self.impaired.stalls, *elsewhere]

    @cached_property
    def machines(self) -> list[Machine]:
        """The other machines that roles of the run were on. Raises UsageError where the note of them is damaged."""
        return machines_of(self.folder)

    @cached_property
    def clock_set(self) -> str:
        """That somebody set a machine's clock in the run, and by how much; "" where nobody did."""
        said = [canary.clock_set(self.folder / canary.FILE), *(machine.clock_set for machine in self.machines)]
        return "; ".join(filter(None, said))

    @cached_property
    def impaired(self) -> Ledger:
        """What the plan had done to the packets."""
        from harness.impair.ledger import FILE, Ledger

        return Ledger.read(self.folder / FILE)

    @cached_property
    def groups(self) -> dict[int, str]:
        """The process of each node that the run started here, which leads a group of all that belongs to it."""
        return self._groups_on(None)

    def _groups_on(self, machine: str | None) -> dict[int, str]:
        started = (event for event in self.events if event["event"] == "started" and event.get("host") == machine)
        return {event["pid"]: event["node"] for event in started if "pid" in event}

    @cached_property
    def host(self) -> Host:
        """What the machines of the run kept from running, and when."""
        waits = defaultdict(list)
        for wait in runqueue.read(self.folder / canary.FILE):
            waits[self.groups.get(wait.group, "")].append(wait)
        for machine in self.machines:
            there = self._groups_on(machine.name)
            for wait in machine.waits:
                waits[there.get(wait.group, "")].append(wait)
        blind = [canary.blind(self.folder / canary.FILE), *(machine.blind for machine in self.machines)]
        return Host(stalls=self.stalls, waits=waits, blind="; ".join(filter(None, blind)))

    @cached_property
    def wire(self) -> Wire:
        """All that was captured as it arrived, without the payloads of its sound."""
        return self._captured[0]

    @cached_property
    def sent(self) -> Wire:
        """The same as it was sent; empty for a run that its plan did not impair."""
        return self._collected(SENT)[0]

    @property
    def damage(self) -> list[str]:
        """Where what was captured cannot be read any further."""
        return self._captured[1]

    @cached_property
    def _captured(self) -> tuple[Wire, list[str]]:
        return self._collected(PCAP)

    def _collected(self, name: str) -> tuple[Wire, list[str]]:
        from harness.wire.bulk import collect_file
        from harness.wire.collect import Wire

        return collect_file(self.folder / name) if self._is_readable(name) else (Wire(), [])

    def _is_readable(self, name: str) -> bool:
        return (self.folder / name).exists() and not self._objection(name)

    @property
    def unreadable(self) -> str:
        """Why what should be the capture is none; "" where it is one, or there is none."""
        return self._objection(PCAP) if (self.folder / PCAP).exists() else ""

    def _objection(self, name: str) -> str:
        from harness.wire.read import CaptureError, read_datagrams

        try:
            with read_datagrams(self.folder / name):
                return ""
        except CaptureError as error:
            return str(error)

    @cached_property
    def legs(self) -> list[Leg]:
        """Each direction of each call that was captured."""
        from harness.wire.legs import legs_of

        return legs_of(self.wire, self.addresses)

    def ended_at_s(self, leg: Leg) -> float | None:
        """Return when the BYE of a leg's call was sent, which in a run that is impaired may be long before it came."""
        from harness.wire.legs import legs_of

        for sent in legs_of(self.sent, self.addresses):
            if (sent.name, sent.call_id) == (leg.name, leg.call_id):
                return sent.ended_at_s
        return leg.ended_at_s

    def audio(self, leg: Leg) -> Audio | None:
        """Return the sound that crossed a leg; None where there was none, or none in G.711."""
        return self._audio.get((leg.stream.flow, leg.stream.ssrc)) if leg.stream else None

    @cached_property
    def _audio(self) -> dict[tuple[Flow, int], Audio]:
        """The sound of every stream; its packets' payloads are kept only while it is put together."""
        from harness.wire.audio import audio_in

        return audio_in(self.folder / PCAP) if self._is_readable(PCAP) else {}

    @cached_property
    def addresses(self) -> dict[str, str]:
        """Where each node listened for SIP."""
        return {event["node"]: event["sip"] for event in self.events if event["event"] == "ready" and "sip" in event}

    @property
    def answered_at_s(self) -> float | None:
        """When the first call was answered, in seconds since the epoch."""
        answered = (event["wall_s"] for event in self.events if event["event"] == IN_CALL)
        return next(answered, None)

    def leg(self, src: str, dst: str) -> Leg:
        """Return the leg from one node to another. Raises LookupError where there was none."""
        for leg in self.legs:
            if (leg.src, leg.dst) == (src, dst):
                return leg
        there = ", ".join(leg.name for leg in self.legs) or "none"
        raise LookupError(f"no leg {src} -> {dst} was captured; there is {there}")

    @cached_property
    def listeners(self) -> list[Listener]:
        """Every node that has a recording: sinks, and sources that hear a device."""
        if not (self.folder / RESOLVED).exists():
            return []
        return [
            Listener(node, heard_by(node, self.plan), wav, self._reference)
            for node in self.plan.nodes
            if not node.is_device and (wav := self.folder / f"{node.name}.wav").exists()
        ]

    @property
    def sink(self) -> Listener:
        """The plan's only sink. Raises UsageError where there are several."""
        sinks = [listener for listener in self.listeners if listener.node.role == SINK]
        if len(sinks) != 1:
            raise UsageError(f"{self.folder}: wanted one recording, has {len(sinks)}; use listener(name)")
        return sinks[0]

    def listener(self, name: str) -> Listener:
        """Return a sink, or a source that hears a device, by name. Raises LookupError where it recorded nothing."""
        for listener in self.listeners:
            if listener.node.name == name:
                return listener
        raise LookupError(f"{name} recorded nothing")
