"""What a role counts while its call lasts: said every five seconds and once at the end."""

from __future__ import annotations

import contextlib
import os
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from b2b import child, clock
from b2b.audio import pcm
from b2b.baresip.agent import UserAgent
from b2b.baresip.config import Account
from b2b.logs import Log
from b2b.roles.tap import Tap

PERIOD_S = 5.0
LOOK_S = 1.0  # baresip needs as long to tell its counters as to send ten packets
COUNTERS = ("packets_tx", "packets_rx", "rtp_loss")
CARD_COUNTERS = ("tx_overruns", "tx_underruns", "rx_overruns", "rx_underruns", "rx_discards")


def percentile(values: list[float], share: float) -> float | None:
    """Return the value below which that share of the values lies (nearest rank); None where there are none."""
    if not values:
        return None
    ranked = sorted(values)
    return ranked[min(len(ranked) - 1, int(share * len(ranked)))]


@dataclass(slots=True)
class LegCount:
    """The counters of one leg, which never go down."""

    account: Account
    counters: dict[str, int] = field(default_factory=lambda: dict.fromkeys((*COUNTERS, *CARD_COUNTERS), 0))
    tap: Tap | None = None
    tap_refused: bool = False

    def raise_to(self, name: str, value: int) -> None:
        """Take a new reading of a counter."""
        self.counters[name] = max(self.counters[name], value)


class Metrics:
    """Samples the legs about once a second, and logs what came together.

    `hears` is the leg whose incoming RTP counts as the role's, `speaks` the one whose outgoing RTP does; `extra` gives
    the role's own counters, `meters` its levels. Jitter percentiles are over the RFC 3550 jitter after each packet
    received since the last report; without CAP_NET_RAW over baresip's own RTCP readings, one in five seconds. The
    final report is about the whole call.
    """

    def __init__(
        self,
        log: Log,
        agent: UserAgent,
        *,
        hears: Account,
        speaks: Account,
        meters: Mapping[str, pcm.Meter],
        extra: Callable[[], Mapping[str, int]],
    ) -> None:
        self._log, self._agent, self._meters, self._extra = log, agent, meters, extra
        self._legs = {account.user: LegCount(account) for account in (hears, speaks)}
        self._hears, self._speaks = self._legs[hears.user], self._legs[speaks.user]
        self._jitters: list[float] = []
        self._all_jitters: Counter[float] = Counter()
        self._rtcp_jitters: list[float] = []
        self._stack = contextlib.ExitStack()
        self._call_s = 0.0
        self._look_s, self._next_look = LOOK_S, clock.now()
        self._next = clock.now() + PERIOD_S
        self._cpu = self._first_cpu = self._cpu_seconds(), clock.machine_now()

    def tick(self) -> None:
        """Read every counter when that is due; report when five seconds are over."""
        now = clock.now()
        if now >= min(self._next_look, self._next):
            self._next_look = now + self._look_s
            self.look()
        if now >= self._next:
            self._next += PERIOD_S
            self._report(final=False)

    def look_often(self) -> None:
        """Read every counter at each tick from here on, for whoever waits for one of them."""
        self._look_s = 0.0
        self._next_look = clock.now()

    def rtcp_jitter(self, microseconds: float) -> None:
        """Take in the jitter of an RTCP report about what we hear."""
        self._rtcp_jitters.append(microseconds / 1e6)

    @property
    def packets_tx(self) -> int:
        """Packets sent so far."""
        return self._speaks.counters["packets_tx"]

    def finish(self, call_s: float) -> None:
        """Report for the last time, with the totals that baresip leaves when a call ends, and the call's length."""
        self._call_s = round(call_s, 3)
        self._read_taps()
        for leg in self._legs.values():
            if totals := self._agent.totals(leg.account):
                leg.raise_to("packets_tx", totals[0])
                leg.raise_to("packets_rx", totals[1])
        self._report(final=True)
        self._stack.close()

    def look(self) -> None:
        """Read every counter now."""
        for leg in self._legs.values():
            if not (stats := self._agent.sample(leg.account)):
                continue
            leg.raise_to("packets_tx", stats.packets_tx)
            leg.raise_to("packets_rx", stats.packets_rx)
            leg.raise_to("rtp_loss", stats.lost)
            for name in CARD_COUNTERS:
                leg.raise_to(name, getattr(stats, name))
            if leg is self._hears and not leg.tap and not leg.tap_refused:
                self._open_tap(leg, stats.local_port)
        self._read_taps()

    def _open_tap(self, leg: LegCount, port: int) -> None:
        try:
            leg.tap = self._stack.enter_context(Tap(port))
        except OSError:
            leg.tap_refused = True

    def _read_taps(self) -> None:
        if tap := self._hears.tap:
            seen = tap.read()
            self._jitters += seen
            self._all_jitters.update(round(jitter, 5) for jitter in seen)
            self._hears.raise_to("rtp_loss", tap.lost)

    def _report(self, *, final: bool) -> None:
        jitters = self._rtcp_jitters
        if self._hears.tap:
            jitters = sorted(self._all_jitters.elements()) if final else self._jitters
        values: dict[str, Any] = {
            "packets_tx": self.packets_tx,
            "packets_rx": self._hears.counters["packets_rx"],
            "rtp_loss": self._hears.counters["rtp_loss"],
            "jitter_ms_p50": _milliseconds(percentile(jitters, 0.50)),
            "jitter_ms_p95": _milliseconds(percentile(jitters, 0.95)),
            "cpu_pct": self._cpu_pct(final=final),
            **{name: sum(leg.counters[name] for leg in self._legs.values()) for name in CARD_COUNTERS},
            **{name: meter.read_all() if final else meter.read() for name, meter in self._meters.items()},
            **self._extra(),
        }
        if final:
            values["call_s"] = self._call_s
        words = " ".join(f"{name}={value}" for name, value in values.items() if value is not None)
        self._log.info(f"metrics {words}", event="metrics", final=final, jitter_from=self._jitter_source(), **values)
        self._jitters = []

    def _jitter_source(self) -> str:
        return "packets" if self._hears.tap else "rtcp"

    def _cpu_seconds(self) -> float:
        return child.cpu_seconds((os.getpid(), self._agent.pid))

    def _cpu_pct(self, *, final: bool) -> float:
        """Return the share of one core, in percent, that role and baresip took since the last report, or in all."""
        used, at = self._cpu_seconds(), clock.machine_now()
        before, since = self._first_cpu if final else self._cpu
        self._cpu = used, at
        return round(100 * max(0.0, used - before) / max(at - since, 1e-3), 1)


def _milliseconds(seconds: float | None) -> float | None:
    return None if seconds is None else round(seconds * 1000, 2)
