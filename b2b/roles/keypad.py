"""Digits that baresip signals, by telephone-events (RFC 4733) or SIP INFO, rather than as tones in the sound."""

from __future__ import annotations

from b2b import clock
from b2b.baresip.agent import CallState, UserAgent
from b2b.baresip.config import Account
from b2b.roles.desk import Desk

INBAND, RFC4733, INFO = "inband", "rfc4733", "info"


class Keypad:
    """Presses a sequence on one leg: `first_s` after the call's answer, and again every `period_s`, if there is one."""

    def __init__(
        self,
        desk: Desk,
        agent: UserAgent,
        account: Account,
        digits: str,
        *,
        mode: str,
        first_s: float,
        period_s: float | None = None,
    ) -> None:
        self._desk, self._agent, self._account = desk, agent, account
        self._digits = digits if mode != INBAND else ""
        self._mode, self._due_s, self._period_s = mode, first_s, period_s

    def tick(self, since: float | None) -> None:
        """Press what is due; `since` is when the call began whose time counts."""
        up = self._agent.state(self._account) is CallState.ESTABLISHED
        if not (up and self._digits and since is not None) or clock.now() < since + self._due_s:
            return
        self._agent.press(self._account, self._digits)
        self._desk.log.info(f"sent digits={self._digits} by={self._mode}", event="digits", digits=self._digits)
        if self._period_s is None:
            self._digits = ""
        else:
            self._due_s += self._period_s
