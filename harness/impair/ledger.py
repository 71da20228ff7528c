"""`impair.jsonl`: everything that was done to a run's packets, one line each as they went on or did not.

Packets to which nothing was done are only counted, in a last line for each direction.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass, fields
from functools import cached_property
from pathlib import Path
from typing import Any

from harness.canary import Stall
from harness.jsonl import fits, made, read_lines
from harness.wire.rtp import seq_after, seq_plus

FILE = "impair.jsonl"
DEED, STALL, TOTAL, GONE = "packet", "stall", "total", "gone"
INJECTED = "injected by the plan"
CYCLE_S = 655.36  # in which sequence numbers come round at 10 ms a packet, or later


@dataclass(frozen=True, slots=True, kw_only=True)
class Deed:
    """What was done to one packet, which came from its sender at that time, in seconds since the epoch."""

    at_s: float
    direction: str
    kind: str  # rtp or sip
    number: int | None = None  # within its direction and kind, from 1; None for RTCP
    ssrc: int | None = None
    seq: int | None = None
    message: str = ""  # of SIP
    lost: str = ""  # asked, burst, random, rate, cut or end
    delay_ms: float = 0  # on purpose
    late_ms: float = 0  # beyond it, by no will of ours
    copies: int = 1
    overtaken: bool = False
    flipped_bit: int | None = None  # of the IP packet


@dataclass(frozen=True, slots=True, kw_only=True)
class Total:
    """How much of one direction and kind came by, impaired or not."""

    direction: str
    kind: str
    packets: int
    others: int = 0  # RTCP


@dataclass(frozen=True, slots=True, kw_only=True)
class Gone:
    """When in the run what impairs the packets ended, in seconds since the epoch, and how."""

    at_s: float
    why: str


@dataclass(frozen=True)
class Ledger:
    """What the file holds; without totals it was cut off."""

    deeds: Sequence[Deed] = ()
    totals: Sequence[Total] = ()
    stalls: Sequence[Stall] = ()
    drops: int = 0  # packets that the kernel had no room for and that nobody ever saw
    gone: Gone | None = None

    @classmethod
    def read(cls, path: Path) -> Ledger:
        """Read a run's file; empty where there is none. A line that was cut off is left out."""
        deeds, totals, stalls, drops = list[Deed](), list[Total](), list[Stall](), 0
        gone: Gone | None = None
        for values in read_lines(path):
            what = values.pop("what", "")
            lost = values.pop("drops", 0) if what == TOTAL else 0
            if what == DEED and (deed := made(Deed, values)):
                deeds.append(deed)
            elif what == TOTAL and fits(lost, int) and (total := made(Total, values)):
                drops += lost
                totals.append(total)
            elif what == STALL and (stall := made(Stall, values)):
                stalls.append(stall)
            elif what == GONE:
                gone = made(Gone, values)
        return cls(deeds, totals, stalls, drops, gone)

    def of(self, direction: str, kind: str = "rtp") -> list[Deed]:
        """Return what was done to the packets of a direction that have a number."""
        return [deed for deed in self.deeds if (deed.direction, deed.kind) == (direction, kind) and deed.number]

    def lost_between(self, ssrc: int, after: int, before: int, *, near_s: float) -> str:
        """Say what was lost on purpose between two sequence numbers of a stream, at about that time; or ""."""
        seqs = (seq_plus(after, step) for step in range(1, (before - after) & 0xFFFF))
        return injected(deed for seq in seqs for deed in self._of_packet(ssrc, seq, near_s))

    def lost_outside(self, ssrc: int, *, before: int | None = None, after: int | None = None) -> str:
        """Say what was lost on purpose before the first sequence number of a stream, or after the last; or ""."""
        return injected(
            deed
            for deed in self.deeds
            if deed.ssrc == ssrc and deed.seq is not None
            and (after is None or seq_after(deed.seq, after))
            and (before is None or seq_after(before, deed.seq))
        )  # fmt: skip

    def doubled(self, ssrc: int) -> str:
        """Say how many packets of a stream were sent on twice on purpose; or ""."""
        return _injected(sum(deed.copies > 1 for deed in self.deeds if deed.ssrc == ssrc), "doubled")

    def overtaken(self, ssrc: int) -> str:
        """Say how many packets of a stream were held back behind the next one on purpose; or ""."""
        return _injected(sum(deed.overtaken for deed in self.deeds if deed.ssrc == ssrc), "overtaken")

    def delayed(self, ssrc: int, seq: int, *, near_s: float) -> str:
        """Say by how much a packet was delayed on purpose; "" where it was not, or was lost."""
        ms = max((deed.delay_ms for deed in self._of_packet(ssrc, seq, near_s)), default=0)
        return f"{INJECTED}: delayed by {ms:.1f} ms" if ms else ""

    def _of_packet(self, ssrc: int, seq: int, near_s: float) -> Iterator[Deed]:
        for deed in self._by_seq.get((ssrc, seq), ()):
            if abs(deed.at_s - near_s) < CYCLE_S / 2:
                yield deed

    @cached_property
    def _by_seq(self) -> dict[tuple[int | None, int | None], list[Deed]]:
        found: dict[tuple[int | None, int | None], list[Deed]] = {}
        for deed in self.deeds:
            found.setdefault((deed.ssrc, deed.seq), []).append(deed)
        return found

    def summary(self) -> Iterator[str]:
        """Yield a sentence for each direction to which something was done."""
        for total in self.totals:
            deeds = self.of(total.direction, total.kind)
            if deeds:
                what = " SIP" if total.kind == "sip" else ""
                yield f"impaired {total.direction}{what}: {', '.join(_sum(total, deeds))}"


def injected(deeds: Iterable[Deed]) -> str:
    """Say how many of the packets were lost on purpose, and why; "" for none."""
    lost = Counter(deed.lost for deed in deeds if deed.lost)
    counts = ", ".join(f"{count} {cause}" for cause, count in lost.items())
    return f"{INJECTED}: {counts}" if lost else ""


def _injected(count: int, done: str) -> str:
    return f"{INJECTED}: {count} {done}" if count else ""


def line(what: str, **values: Any) -> str:
    """Return a line of the file."""
    return json.dumps({"what": what, **values}) + "\n"


def deed_line(deed: Deed) -> str:
    """Return a packet's line; what did not happen to it is left out."""
    usual = {item.name: item.default for item in fields(Deed)}
    return line(DEED, **{key: value for key, value in asdict(deed).items() if value != usual[key]})


def _sum(total: Total, deeds: Sequence[Deed]) -> Iterator[str]:
    lost = Counter(deed.lost for deed in deeds if deed.lost)
    why = ", ".join(f"{count} {cause}" for cause, count in lost.items())
    yield f"{lost.total()} of {total.packets} lost{f' ({why})' if why else ''}"
    counts = {
        "doubled": sum(deed.copies > 1 for deed in deeds),
        "overtaken": sum(deed.overtaken for deed in deeds),
        "corrupted": sum(deed.flipped_bit is not None for deed in deeds),
    }
    yield from (f"{count} {done}" for done, count in counts.items() if count)
    if delays := [deed.delay_ms for deed in deeds if deed.delay_ms and not deed.overtaken]:
        late = max(deed.late_ms for deed in deeds)
        yield f"{len(delays)} delayed by {min(delays):.1f} to {max(delays):.1f} ms (and by at most {late:.2f} more)"
