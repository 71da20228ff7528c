"""A user agent: one stock baresip, started, driven over its control socket, and ended."""

from __future__ import annotations

import contextlib
import enum
import os
import re
import shutil
import socket
import subprocess
import tempfile
import threading
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TextIO

from b2b import child, clock
from b2b.baresip import config
from b2b.baresip.config import Account
from b2b.baresip.control import CallEvent, Control
from b2b.baresip.door import Door, free_port
from b2b.baresip.stats import LegStats, parse_audio_debug
from b2b.errors import SipError
from b2b.logs import printable

START_S = 5.0
START_TRIES = 3
POLL_S = 0.01
BYE_S = 0.5  # how long a BYE may take to be answered before the next SIGTERM
ANSI = re.compile(r"\x1b\[[0-9;]*[A-Za-z]")
IN_USE = "Address already in use"
PACKETS = re.compile(r"packets:\s+(\d+)\s+(\d+)")  # what a stream's end leaves in the log: sent, received


class CallState(enum.Enum):
    """Where a leg's call is; a leg makes or takes one call in its life."""

    NONE = enum.auto()
    RINGING = enum.auto()
    ESTABLISHED = enum.auto()
    CLOSED = enum.auto()


STATES = {
    "CALL_INCOMING": CallState.RINGING,
    "CALL_ESTABLISHED": CallState.ESTABLISHED,
    "CALL_CLOSED": CallState.CLOSED,
}


@dataclass(slots=True)
class Call:
    """A leg's call; `since` is when it came into its state, `reason` why it was closed."""

    state: CallState = CallState.NONE
    since: float = 0.0
    reason: str = ""
    answered_at: float | None = None


@dataclass(frozen=True, slots=True)
class AgentLost:
    """baresip is gone, or no longer ours, and we did not end it."""

    reason: str


class UserAgent:
    """A baresip with one account for each leg. Entered it listens; left it has hung up and is gone.

    `on_message` gets every CallEvent and at most one AgentLost, from another thread.
    """

    def __init__(
        self,
        accounts: Sequence[Account],
        *,
        address: str,
        port: int,
        own_group: bool,
        work_dir: Path | None,
        on_message: Callable[[CallEvent | AgentLost], None],
    ) -> None:
        self.accounts, self.address, self.port = accounts, address, port
        self.weakness = ""
        self._asked_port = port
        self._own_group, self._work_dir = own_group, work_dir
        self._on_message = on_message
        self._leaving = False
        self._words: deque[str] = deque(maxlen=40)
        self._totals: dict[str, tuple[int, int]] = {}
        self._closing_leg = accounts[0].user
        self.calls = {account.user: Call() for account in accounts}

    def __enter__(self) -> UserAgent:
        """Start baresip and take its control socket. Raises SipError where it does not come up."""
        if not shutil.which("baresip"):
            raise SipError("baresip is not installed; `sudo apt-get install baresip-core` installs it")
        for attempt in range(START_TRIES):
            try:
                self._start()
                return self
            except _PortTaken as taken:
                self._end()
                if self._asked_port or attempt + 1 == START_TRIES:
                    raise SipError(str(taken)) from None
            except BaseException:
                self._end()
                raise
        raise AssertionError("unreachable")

    def __exit__(self, *error: object) -> None:
        """Hang up what is still up, and end baresip."""
        self._leaving = True
        with contextlib.suppress(SipError):
            self.hang_up()
        self._end()

    @property
    def pid(self) -> int:
        """The process number of baresip."""
        return self._process.pid

    @property
    def sip(self) -> str:
        """Where it listens for SIP, as ip:port."""
        return f"{self.address}:{self.port}"

    def state(self, account: Account) -> CallState:
        """Return where a leg's call is."""
        return self.calls[account.user].state

    def call_s(self, account: Account) -> float:
        """Return how long a leg's call has lasted, from its answer to its end or, while it is up, until now."""
        call = self.calls[account.user]
        ended = call.since if call.state is CallState.CLOSED else clock.now()
        return ended - call.answered_at if call.answered_at else 0.0

    def why_closed(self, account: Account) -> str:
        """Return why a leg's call has ended, with the real cause where baresip's log has one."""
        reason = self.calls[account.user].reason
        if device := self.last_words(r"could not (open|reset) (auplay|ausrc)|start_(player|source) failed"):
            return f"{reason} ({device})"
        return reason

    def dial(self, account: Account, uri: str) -> None:
        """Call somebody from one leg."""
        self.calls[account.user] = Call(CallState.RINGING, clock.now())
        self._command(account, f"dial {uri}")

    def answer(self, account: Account) -> None:
        """Answer the call that rings on one leg."""
        self._command(account, "accept")

    def hang_up(self) -> None:
        """End every call; when this returns, baresip has let go of their sound cards."""
        for account in self.accounts:
            if self.state(account) is CallState.NONE:
                continue
            self._closing_leg = account.user
            if self.state(account) is not CallState.CLOSED:
                self._command(account, "hangup")
            self._control.commands("listcalls")  # answered only when the call's threads have ended
            self.calls[account.user].state = CallState.CLOSED

    def sample(self, account: Account) -> LegStats | None:
        """Read the counters of a leg's call; None while it has none."""
        if self.state(account) is not CallState.ESTABLISHED:
            return None
        return parse_audio_debug(self._command(account, "audio_debug"))

    def totals(self, account: Account) -> tuple[int, int] | None:
        """Return the packets sent and received in a leg's whole call, once it has ended."""
        return self._totals.get(account.user)

    def last_words(self, pattern: str = "") -> str:
        """Return the newest line of baresip's log that holds the pattern; "" if none does."""
        return next((line for line in reversed(self._words) if re.search(pattern, line)), "")

    def _command(self, account: Account, command: str) -> str:
        return self._control.commands(f"uafind {account.uri(self.address)}", command)

    def _start(self) -> None:
        self.port = self._asked_port or free_port(self.address, socket.SOCK_DGRAM)
        control_port = free_port("127.0.0.1", socket.SOCK_STREAM)
        folder = self._work_dir or Path(tempfile.mkdtemp(prefix="b2b-"))
        try:
            self._write_configuration(folder, control_port)
            self._launch(folder, control_port)
            self._control = self._connect(control_port, clock.Deadline.after(START_S))
        finally:
            if not self._work_dir:  # baresip has read it; the sound card's file stays readable as long as it is open
                shutil.rmtree(folder, ignore_errors=True)

    def _write_configuration(self, folder: Path, control_port: int) -> None:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        cards = [account.card for account in self.accounts]
        text = config.config(
            address=self.address,
            port=self.port,
            control_port=control_port,
            card=cards[0].name,
            modules_in=config.modules_folder(),
        )
        (folder / "config").write_text(text)
        (folder / "accounts").write_text(config.accounts(self.accounts, self.address))
        (folder / "asound.conf").write_text(config.asound(cards))

    def _launch(self, folder: Path, control_port: int) -> None:
        door = Door(address=self.address, control_port=control_port)
        self._asound = (folder / "asound.conf").open("rb")
        self._process = child.start(
            ["baresip", "-f", str(folder)],
            own_group=self._own_group,
            env={**os.environ, "ALSA_CONFIG_PATH": f"/proc/{os.getpid()}/fd/{self._asound.fileno()}"},
            before_exec=door.install,
        )
        log = (folder / "baresip.log").open("w") if self._work_dir else None
        self._reader = threading.Thread(target=self._read_log, args=(log,), name="baresip-log", daemon=True)
        self._reader.start()
        door.serve(self._process.pid)
        self.weakness = door.refusal

    def _connect(self, port: int, deadline: clock.Deadline) -> Control:
        for _ in clock.every(POLL_S, deadline):
            if self._process.poll() is not None:
                self._reader.join(1)
                if self.last_words(IN_USE):
                    raise _PortTaken(f"cannot listen on {self.sip}: somebody else uses that port")
                words = self.last_words() or child.how_it_ended(self._process.returncode)
                raise SipError(f"baresip did not start: {words}")
            if self.last_words(f"ctrl_tcp.*{IN_USE}"):
                raise _PortTaken(f"cannot listen on 127.0.0.1:{port}: somebody else uses that port")
            with contextlib.suppress(ConnectionRefusedError):
                return Control(port, on_event=self._on_event, on_loss=self._on_loss)
        raise SipError(f"baresip opened no control socket within {START_S:g} s; it last said: {self.last_words()!r}")

    def _end(self) -> None:
        self._leaving = True
        if hasattr(self, "_control"):
            self._control.close()
            del self._control
        if hasattr(self, "_process"):
            child.stop(self._process, patience_s=(BYE_S, BYE_S))  # the second for an INVITE without an answer
            self._reader.join(1)
            self._asound.close()
            del self._process
        self._leaving = False

    def _read_log(self, log: TextIO | None) -> None:
        assert self._process.stdout
        with self._process.stdout as pipe, log or contextlib.nullcontext():
            for raw in pipe:
                line = printable(ANSI.sub("", raw.decode(errors="replace")))
                if line.strip():
                    self._words.append(line.strip())
                if found := PACKETS.match(line):
                    self._totals[self._closing_leg] = int(found[1]), int(found[2])
                if log:
                    log.write(line + "\n")
                    log.flush()

    def _on_event(self, event: CallEvent) -> None:
        if (state := STATES.get(event.type)) and (before := self.calls.get(event.user)):
            now = clock.now()
            answered_at = now if state is CallState.ESTABLISHED else before.answered_at
            self.calls[event.user] = Call(state, now, event.param, answered_at)
        self._on_message(event)

    def _on_loss(self, reason: str) -> None:
        if self._leaving:
            return
        with contextlib.suppress(subprocess.TimeoutExpired):
            code = self._process.wait(1)
            reason = child.how_it_ended(code)
            self._reader.join(1)
        self._on_message(AgentLost(f"lost baresip ({reason}); it last said: {self.last_words() or 'nothing'}"))


class _PortTaken(Exception):  # noqa: N818 - it may be mended
    """Another process was faster; where the port was not asked for, another one will do."""
