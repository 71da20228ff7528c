"""The process that a run's packets pass through:

    python -m harness.impair.process RUN

It sees each packet as it is sent, with the kernel's time, and sends it on, later, twice, changed or not at all.
"""

from __future__ import annotations

import gc
import select
import signal
import socket
import sys
from dataclasses import replace
from pathlib import Path
from types import FrameType

from b2b import child, clock
from b2b.sniffer import AS_SENT_TTL, LARGEST, Sniffer
from harness.call import Call
from harness.impair.decide import END
from harness.impair.lane import RTP, Parcel, Schedule
from harness.impair.ledger import FILE, STALL, TOTAL, Deed, deed_line, line
from harness.impair.packets import ends, onward
from harness.impair.router import Router
from harness.impair.running import READY
from harness.impair.table import impairments
from harness.wire.rtp import parse_rtp

WORTH_TELLING_S = 0.005  # what we are late by, as with the canary
WRITING_S = 0.1
CALM_S = 0.003  # when nothing is due for so long there is time to write
OLDEST_S = 10.0  # that a packet can be when we see it; more is a clock that was set

UDP_AS_SENT = (
    (0x30, 0, 0, 0),  # the version
    (0x54, 0, 0, 0xF0),
    (0x15, 0, 5, 0x40),
    (0x30, 0, 0, 8),  # time to live
    (0x15, 0, 3, AS_SENT_TTL),
    (0x30, 0, 0, 9),  # the protocol
    (0x15, 0, 1, socket.IPPROTO_UDP),
    (0x06, 0, 0, LARGEST),
    (0x06, 0, 0, 0),
)


class Impairer:
    """Lets packets through until it is told to stop."""

    def __init__(self, folder: Path, router: Router) -> None:
        self._router, self._schedule = router, Schedule()
        self._path = folder / FILE
        self._pending: list[str] = []
        self._stopped = False

    def stop(self, _signum: int, _frame: FrameType | None) -> None:
        """Stop soon."""
        self._stopped = True

    def run(self) -> None:
        """Take packets and send them on."""
        raw = socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_RAW)
        with Sniffer(UDP_AS_SENT, as_sent=True) as sniffer, raw, self._path.open("w", encoding="utf-8") as file:
            print(READY, flush=True)
            next_writing_s = clock.now() + WRITING_S
            while not self._stopped:
                due_s = self._schedule.next_s
                until_s = min(next_writing_s, due_s if due_s is not None else next_writing_s)
                select.select([sniffer], [], [], clock.on_machine(max(0.0, until_s - clock.now())))
                self._take(sniffer)
                for parcel in self._schedule.due(clock.now()):
                    self._send(raw, parcel)
                if clock.now() >= next_writing_s and self._is_calm():
                    file.writelines(self._pending)
                    file.flush()
                    self._pending.clear()
                    next_writing_s = clock.now() + WRITING_S
            for parcel in self._schedule.due(float("inf")):
                self._tell(replace(parcel, copies=0, lost=END, due_s=parcel.came_s))
            file.writelines([*self._pending, *self._totals(sniffer.drops())])

    def _take(self, sniffer: Sniffer) -> None:
        for sent_s, packet in sniffer.queued():
            age_s = min(max(0.0, clock.wall() - sent_s), OLDEST_S)
            for parcel in self._router.take(packet, clock.now() - age_s):
                self._schedule.add(parcel)

    def _send(self, raw: socket.socket, parcel: Parcel) -> None:
        if parcel.copies:
            packet, to = onward(parcel.packet, parcel.flipped_bit), (socket.inet_ntoa(parcel.packet[16:20]), 0)
            for _ in range(parcel.copies):
                raw.sendto(packet, to)
        self._tell(parcel)

    def _tell(self, parcel: Parcel) -> None:
        late_s = clock.now() - parcel.due_s if parcel.copies else 0.0
        if late_s > WORTH_TELLING_S:
            start_s = clock.wall() - late_s
            self._pending.append(line(STALL, start_s=round(start_s, 6), length_s=round(late_s, 6)))
        if parcel.lane and parcel.touched:
            self._pending.append(deed_line(_deed(parcel, late_s)))

    def _is_calm(self) -> bool:
        due_s = self._schedule.next_s
        return due_s is None or due_s - clock.now() > CALM_S

    def _totals(self, drops: int) -> list[str]:
        lanes = self._router.lanes.values()
        totals = [
            {"direction": lane.name, "kind": lane.kind, "packets": lane.packets, "others": lane.others}
            for lane in lanes
        ]
        return [line(TOTAL, **total, **({"drops": drops} if not at else {})) for at, total in enumerate(totals)]


def _deed(parcel: Parcel, late_s: float) -> Deed:
    assert parcel.lane
    found = ends(parcel.packet)
    rtp = parse_rtp(0, parcel.packet[found.content_at :]) if found and parcel.lane.kind == RTP else None
    return Deed(
        at_s=round(clock.wall() - (clock.now() - parcel.came_s), 6),
        direction=parcel.lane.name,
        kind=parcel.lane.kind,
        number=parcel.decision.number if parcel.decision else None,
        ssrc=rtp.ssrc if rtp and parcel.decision else None,
        seq=rtp.seq if rtp and parcel.decision else None,
        message=parcel.label,
        lost=parcel.lost,
        delay_ms=round(1000 * (parcel.due_s - parcel.came_s), 3),
        late_ms=round(1000 * late_s, 3),
        copies=parcel.copies or 1,
        overtaken=parcel.overtaken,
        flipped_bit=parcel.flipped_bit,
    )


def main(folder: Path) -> None:
    """Impair the network that we are in as the run's plan wants it."""
    call = Call(folder)
    wanted = impairments(call.plan)
    assert wanted
    impairer = Impairer(folder, Router(wanted, lambda: Call(folder).addresses))
    signal.signal(signal.SIGTERM, impairer.stop)
    child.run_first()  # a router does not wait for the machines behind it
    gc.freeze()  # or the collector would look at all the modules now and then, for as long as that takes
    impairer.run()


if __name__ == "__main__":
    main(Path(sys.argv[1]))
