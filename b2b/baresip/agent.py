"""A user agent: one stock baresip, driven over its control socket, with a leg for each of its accounts."""

from __future__ import annotations

import contextlib
import enum
import re
import shutil
import socket
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from b2b import clock
from b2b.baresip import config, versions
from b2b.baresip.clients import listens
from b2b.baresip.config import Account
from b2b.baresip.control import CLOSED, CallEvent, Control, Lost, Refused
from b2b.baresip.door import free_port
from b2b.baresip.process import Baresip
from b2b.baresip.stats import LegStats, parse_audio_debug
from b2b.errors import SipError, UsageError

START_S = 5.0
START_TRIES = 3
POLL_S = 0.01
REGISTERED = "REGISTER_OK"
REGISTERED_SIGN = "\x1b[32mOK"  # what `reginfo` has beside an account that is
REFUSED = re.compile(r"reg: \S+?:? .*?(\d{3} [^(]+?) \(")  # what a registrar's refusal leaves in the log
IN_USE = "Address already in use"
PACKETS = re.compile(r"packets:\s+(\d+)\s+(\d+)")  # what a stream's end leaves in the log: sent, received
DEVICE_FAILED = r"could not (open|reset) (auplay|ausrc)|start_(player|source) failed"


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
    id: str = ""
    described_at: float | None = None  # when the other side's SDP came
    early: bool = False  # and whether that was before its answer


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
        self.calls = {account.user: Call() for account in accounts}
        self._registered: tuple[bool, str] | None = None
        self._asked_port = port
        self._own_group, self._work_dir = own_group, work_dir
        self._on_message = on_message
        self._leaving = self._loss_told = False
        self._totals: dict[str, tuple[int, int]] = {}
        self._closing_leg = accounts[0].user
        self._control: Control | None = None

    def __enter__(self) -> UserAgent:
        """Start baresip and take its control socket. Raises SipError where it does not come up."""
        if not shutil.which("baresip"):
            raise SipError("baresip is not installed; `sudo apt-get install baresip-core` installs it")
        try:
            self._dialect = versions.installed()
        except OSError as error:
            raise SipError(f"baresip cannot be started: {error.strerror}") from error
        if any(account.dtmf_mode for account in self.accounts) and not self._dialect.sends_info:
            raise UsageError(f"--dtmf-mode info: baresip {self._dialect} sends no SIP INFO, wanted 1.1 or later")
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
        return self._baresip.pid

    @property
    def sip(self) -> str:
        """Where it listens for SIP, as ip:port."""
        return f"{self.address}:{self.port}"

    @property
    def weakness(self) -> str:
        """Why baresip listens on more than it should; "" where it does not."""
        return self._baresip.weakness

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
        reason, device = self.calls[account.user].reason, self._baresip.last_words(DEVICE_FAILED)
        return f"{reason} ({device})" if device else reason

    def dial(self, account: Account, uri: str) -> None:
        """Call somebody from one leg."""
        self.calls[account.user] = Call(CallState.RINGING, clock.now())
        place = self.accounts.index(account)
        self._command(*self._dialect.dial(account, place, self.address, uri))

    def answer(self, account: Account) -> None:
        """Answer the call that rings on one leg."""
        self._about(account, "accept")

    def registration(self) -> tuple[bool, str] | None:
        """Return whether the registrar has accepted the account that registers, and its answer; None before that.

        It may have answered before there was a control connection that could tell.
        """
        if self._registered is None and REGISTERED_SIGN in self._command("reginfo"):
            self._registered = True, ""
        return self._registered

    def press(self, account: Account, digits: str) -> None:
        """Signal digits on one leg, one after the other, as the account's DTMF mode has it."""
        self._in_call(account, f"sndcode {digits}")

    def hold(self, account: Account, command: str) -> None:
        """Put one leg's call on `hold`, or `resume` it, where it is still there.

        Versions 1.1 to 2.5 say that they refuse to resume a call when they do; what came of it is seen on the wire.
        """
        with contextlib.suppress(Refused):
            self._about(account, command)

    def hang_up(self) -> None:
        """End every call; when this returns, baresip has let go of their sound cards."""
        for account in self.accounts:
            if self.state(account) is CallState.NONE:
                continue
            self._closing_leg = account.user
            if self.state(account) is not CallState.CLOSED:
                with contextlib.suppress(Refused):  # the other side was faster
                    self._about(account, "hangup")
            self._command("listcalls")  # answered only when the call's threads have ended
            self.calls[account.user].state = CallState.CLOSED

    def sample(self, account: Account) -> LegStats | None:
        """Read the counters of a leg's call; None while it has none."""
        if self.state(account) is not CallState.ESTABLISHED:
            return None
        try:
            return parse_audio_debug(self._in_call(account, "audio_debug"))
        except Refused:  # the call is being closed
            return None

    def totals(self, account: Account) -> tuple[int, int] | None:
        """Return the packets sent and received in a leg's whole call, once it has ended."""
        return self._totals.get(account.user)

    def _about(self, account: Account, command: str) -> None:
        call_id = self.calls[account.user].id
        self._command(*self._dialect.about(account, self.address, call_id, command))

    def _in_call(self, account: Account, command: str) -> str:
        call_id = self.calls[account.user].id
        return self._command(*self._dialect.of_call(account, self.address, call_id, command))

    def _command(self, *commands: str) -> str:
        if not self._control:
            raise SipError("baresip is gone")
        try:
            return self._control.commands(*commands)
        except Lost:
            raise SipError(self._why_lost(CLOSED)) from None

    def _start(self) -> None:
        any_port = free_port(self.address, socket.SOCK_DGRAM)  # where there is none the address is not ours
        self.port = self._asked_port or any_port
        self._baresip = Baresip(
            address=self.address,
            own_group=self._own_group,
            work_dir=self._work_dir,
            on_line=self._on_line,
            on_stranger=self._on_stranger,
        )
        cards = [account.card for account in self.accounts]
        text = config.config(
            address=self.address,
            port=self.port,
            control_port=self._baresip.control_port,
            card=cards[0].name,
            max_calls=self._dialect.max_calls(len(self.accounts)),
            modules_in=config.modules_folder(),
            version=self._dialect.version,
        )
        self._baresip.start(
            {"config": text, "asound.conf": config.asound(cards)},
            secrets={"accounts": config.accounts(self.accounts, self.address, secret=True)},
            over_tcp=self.port if any(account.transport == "tcp" for account in self.accounts) else None,
        )
        self._control = self._connect(clock.Deadline.patience(START_S))
        self._baresip.forget_secrets({"accounts": config.accounts(self.accounts, self.address)})
        self._baresip.forget_folder()

    def _connect(self, deadline: clock.Deadline) -> Control:
        baresip, port = self._baresip, self._baresip.control_port
        for _ in clock.every(POLL_S, deadline):
            if ended := baresip.how_it_ended():
                if baresip.last_words(IN_USE):
                    raise _PortTaken(f"cannot listen on {self.sip}: somebody else uses that port")
                raise SipError(f"baresip did not start: {baresip.last_words() or ended}")
            if baresip.last_words(f"ctrl_tcp.*{IN_USE}"):
                raise _PortTaken(f"cannot listen on 127.0.0.1:{port}: somebody else uses that port")
            with contextlib.suppress(ConnectionRefusedError):
                control = Control(port, on_event=self._on_event, on_loss=self._on_loss)
                if listens(baresip.pid, port):
                    return control
                control.close()
                raise _PortTaken(f"cannot listen on 127.0.0.1:{port}: somebody else uses that port")
        raise SipError(f"baresip opened no control socket within {START_S:g} s; it last said: {baresip.last_words()!r}")

    def _end(self) -> None:
        self._leaving = True
        if self._control:
            self._control.close()
            self._control = None
        if hasattr(self, "_baresip"):
            self._baresip.stop()
        self._leaving = False

    def _on_line(self, line: str) -> None:
        if self._registered is None and (refused := REFUSED.search(line)):
            self._registered = False, refused[1]
        if found := PACKETS.match(line):
            self._totals[self._closing_leg] = int(found[1]), int(found[2])

    def _on_event(self, event: CallEvent) -> None:
        if event.type.startswith("REGISTER_"):
            self._registered = event.type == REGISTERED, event.param
        elif before := self.calls.get(event.user):
            before.id = event.call_id or before.id
            before.early = before.early or event.type == "CALL_PROGRESS"
            if event.type == "CALL_REMOTE_SDP":
                before.described_at = clock.now()
            if state := STATES.get(event.type):
                now = clock.now()
                answered_at = now if state is CallState.ESTABLISHED else before.answered_at
                self.calls[event.user] = replace(
                    before, state=state, since=now, reason=event.param, answered_at=answered_at
                )
        self._on_message(event)

    def _on_loss(self, reason: str) -> None:
        if not self._leaving and not self._loss_told:
            self._tell_loss(self._why_lost(reason))

    def _on_stranger(self) -> None:
        if not self._leaving and not self._loss_told:
            self._tell_loss(self._stranger())

    def _tell_loss(self, reason: str) -> None:
        self._loss_told = True
        self._on_message(AgentLost(reason))

    def _why_lost(self, reason: str) -> str:
        ended = self._baresip.how_it_ended(patience_s=1)
        if not ended and listens(self._baresip.pid, self._baresip.control_port):  # it has hung up on us for another
            return self._stranger()
        return f"lost baresip ({ended or reason}); it last said: {self._baresip.last_words() or 'nothing'}"

    def _stranger(self) -> str:
        door = f"127.0.0.1:{self._baresip.control_port}"
        return (
            f"somebody else has connected to baresip's control socket, {door}, and could steer the call, so it is "
            "ended; look for who that is, say with `ss -tnp`"
        )


class _PortTaken(Exception):  # noqa: N818 - it may be mended
    """Another process was faster; where the port was not asked for, another one will do."""
