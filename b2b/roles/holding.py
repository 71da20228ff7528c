"""Puts a call on hold and takes it up again (RFC 3264 section 8.4), with re-INVITEs of baresip's own."""

from __future__ import annotations

from b2b import clock
from b2b.baresip.agent import CallState, UserAgent
from b2b.baresip.config import Account
from b2b.hold import Hold
from b2b.roles.desk import Desk


class Holding:
    """Holds one leg for the stretch that was asked for, if any was; meanwhile baresip sends nothing on it."""

    def __init__(self, desk: Desk, agent: UserAgent, account: Account, hold: Hold | None) -> None:
        self._desk, self._agent, self._account = desk, agent, account
        self._due = [("hold", hold.from_ms / 1000), ("resume", hold.to_ms / 1000)] if hold else []

    def tick(self, since: float | None) -> None:
        """Do what is due; `since` is when the call was answered."""
        up = self._agent.state(self._account) is CallState.ESTABLISHED
        while up and since is not None and self._due and clock.now() >= since + self._due[0][1]:
            command, _ = self._due.pop(0)
            self._agent.hold(self._account, command)
            self._desk.log.info(f"asked for {command}", event=command)
