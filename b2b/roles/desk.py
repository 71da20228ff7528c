"""Where everything that happens to a role arrives: one inbox, one loop, one way out."""

from __future__ import annotations

import os
import queue
import signal
import threading
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TextIO

from b2b import clock, host
from b2b.addresses import is_loopback
from b2b.baresip.agent import AgentLost, UserAgent
from b2b.baresip.config import Account
from b2b.baresip.control import CallEvent
from b2b.errors import B2bError, SipError
from b2b.logs import Log, Ready
from b2b.roles.credentials import credentials
from b2b.roles.legs import PTIME_MS, reached
from b2b.roles.settings import Common

STOP_SIGNALS = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP)
TICK_S = 0.25
LARGEST_JITTER_US = 1 << 32  # of what has 32 bits in RTCP
REGISTER_S = 8.0  # less than --ready-ms
TOLD = {
    "CALL_INCOMING": "incoming call from={peer}",
    "CALL_ESTABLISHED": "call established with={peer}",
    "CALL_DTMF_START": "heard digit={reason}",
    "CALL_CLOSED": "call closed with={peer} reason={reason}",
}


class Stopped(Exception):  # noqa: N818 - it is no error
    """Somebody asked us to stop, so we do; its text says who."""


@dataclass(frozen=True, slots=True)
class StopRequest:
    """A signal, or the end of a supervised role's standard input."""

    reason: str


@dataclass(frozen=True, slots=True)
class Started:
    """The orchestrator lets us dial."""


@dataclass(frozen=True, slots=True)
class Failed:
    """A thread of ours cannot go on."""

    error: B2bError


Message = CallEvent | AgentLost | StopRequest | Started | Failed


class Desk:
    """The main thread's place: it waits for conditions, and every message may make one true."""

    def __init__(self, role: str, settings: Common) -> None:
        self.role, self.settings = role, settings
        self.log = Log(role, as_json=settings.log_format == "json", copy=self._own_log(settings.work_dir))
        self.on_tick: Callable[[], None] = lambda: None
        self.on_rtcp: Callable[[float], None] = lambda jitter_us: None
        self._inbox: queue.SimpleQueue[Message] = queue.SimpleQueue()
        self.orphaned = False
        self._started = self._reported = False

    def open(self) -> None:
        """Start listening to signals and, where somebody supervises us, to standard input."""
        for signum in STOP_SIGNALS:
            signal.signal(signum, lambda number, _frame: self.post(StopRequest(signal.Signals(number).name)))
        if self.settings.supervised:
            threading.Thread(target=self._watch_stdin, name="stdin", daemon=True).start()
        for note in self.settings.notes:
            self.log.warning(note)

    def close(self) -> None:
        """Ignore signals from here on: how the role ended is decided."""
        for signum in STOP_SIGNALS:
            signal.signal(signum, signal.SIG_IGN)

    def report(self, error: B2bError) -> None:
        """Log the error that ends the role; the first report counts, and it comes before the hang-up that follows."""
        if not self._reported:
            self._reported = True
            self.log.error(str(error), event="failed", code=int(error.code))

    def post(self, message: Message) -> None:
        """Put something into the inbox, from any thread or signal handler."""
        self._inbox.put(message)

    def wait_until(self, condition: Callable[[], bool], *, by: clock.Deadline | None = None) -> bool:
        """Handle messages until the condition holds; return False if the deadline passes first.

        Raises Stopped when asked to stop, and the error that ends the role when there is one.
        """
        next_tick = clock.now() + TICK_S
        while not condition():
            if by and by.passed:
                return False
            patience = min(next_tick - clock.now(), by.left if by else TICK_S)
            try:
                self._handle(self._inbox.get(timeout=clock.on_machine(max(0.0, patience))))
                while True:
                    self._handle(self._inbox.get_nowait())
            except queue.Empty:
                pass
            if clock.now() >= next_tick:
                self.on_tick()
                next_tick = clock.now() + TICK_S
        return True

    def tell_the_rest(self) -> None:
        """Log the call events that have come since the last wait; nothing else matters any more."""
        while True:
            try:
                message = self._inbox.get_nowait()
            except queue.Empty:
                return
            if isinstance(message, CallEvent):
                self._tell(message)

    def reached(self, *legs: Account, dtmf_mode: str = "inband") -> tuple[Account, ...]:
        """Return the role's sides with its registrar, its proxy and its password. Raises UsageError."""
        settings = self.settings
        return reached(
            legs,
            register=settings.register,
            outbound=settings.outbound,
            transport=settings.transport,
            credentials=credentials(settings),
            dtmf_mode=dtmf_mode,
        )

    def agent(self, *accounts: Account) -> UserAgent:
        """Return the role's user agent, to be entered."""
        bind = self.settings.sip_bind.on(host.host_ip())
        if not is_loopback(bind.ip):
            self.log.warning(
                f"listening on {bind.ip}, beyond this machine: anybody who reaches it can call; "
                "there is no authentication and no TLS"
            )
        return UserAgent(
            accounts,
            address=bind.ip,
            port=bind.port,
            own_group=not self.settings.supervised,
            work_dir=self.settings.work_dir,
            on_message=self.post,
        )

    def ready(self, agent: UserAgent, *, ptime_ms: int = PTIME_MS) -> None:
        """Say READY, and wait for the start where an orchestrator gives it."""
        if agent.weakness:
            self.log.warning(
                f"baresip also listens on TCP, and its RTP on every address ({agent.weakness}); "
                "let the SIP ports of two roles be two apart"
            )
        self.log.info(f"listening sip={agent.sip}", event="listening", sip=agent.sip)
        self._wait_registered(agent)
        self.log.ready(Ready(role=self.role, sip=agent.sip, codec=self.settings.codec, ptime_ms=ptime_ms))
        if self.settings.supervised:
            self.wait_until(lambda: self._started)

    def _wait_registered(self, agent: UserAgent) -> None:
        """Return once whoever is to register has. Raises SipError where the registrar does not want that."""
        for account in (account for account in agent.accounts if account.registers):
            place = f"sip:{account.domain}"
            by = clock.Deadline.after(REGISTER_S)
            if not self.wait_until(lambda: agent.registration() is not None, by=by):
                raise SipError(f"no answer to REGISTER from {place} within {REGISTER_S:g} s")
            accepted, answer = agent.registration() or (False, "")
            if not accepted:
                raise SipError(f"{place} did not register {account.user}: {answer}")
            self.log.info(f"registered with={place} user={account.user}", event="registered", registrar=place)

    @staticmethod
    def _own_log(work_dir: Path | None) -> TextIO | None:
        if not work_dir:
            return None
        work_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
        return (work_dir / "role.log").open("w", encoding="utf-8")

    def _handle(self, message: Message) -> None:
        if isinstance(message, StopRequest):
            raise Stopped(message.reason)
        if isinstance(message, Failed):
            raise message.error
        if isinstance(message, AgentLost):
            raise SipError(message.reason)
        if isinstance(message, Started):
            self._started = True
        elif isinstance(message, CallEvent):
            self._tell(message)

    def _tell(self, event: CallEvent) -> None:
        heard = (event.rtcp or {}).get("rx")
        jitter_us = heard.get("jit") if isinstance(heard, dict) else None
        if isinstance(jitter_us, int | float) and 0 <= jitter_us < LARGEST_JITTER_US:
            self.on_rtcp(float(jitter_us))
        tell = self.log.info if event.type in TOLD else self.log.debug
        words = TOLD[event.type].format(peer=event.peer, reason=event.param) if event.type in TOLD else event.type
        tell(words, event=event.type, leg=event.user, peer=event.peer, param=event.param)

    def _watch_stdin(self) -> None:
        heard = b""
        while data := os.read(0, 4096):
            heard += data
            if b"start\n" in heard:
                self.post(Started())
                heard = b""
        # The orchestrator is gone. SIGALRM ends us for sure, should the way out be blocked.
        self.orphaned = True
        signal.setitimer(signal.ITIMER_REAL, self.settings.kill_after_s)
        self.post(StopRequest("the orchestrator is gone"))
