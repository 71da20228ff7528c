"""What differs between the versions of baresip."""

from __future__ import annotations

import re
from dataclasses import dataclass

from b2b import child
from b2b.baresip.config import Account

BANNER = re.compile(r"baresip v(\d+)\.(\d+)\.(\d+)")
ANSWER_S = 5.0
BY_CALL_FROM = (1, 1, 0)
UNKNOWN = (99,)


@dataclass(frozen=True, slots=True)
class Dialect:
    """How a version is told which leg a command is about.

    1.0 has a current account, which `uafind` chooses, and counts calls per account. From 1.1 on commands take a call's
    id, `dial` the place of an account in the list, and calls are counted all together.
    """

    version: tuple[int, ...]

    def __str__(self) -> str:
        """Return the version as baresip says it."""
        return ".".join(map(str, self.version)) if self.version != UNKNOWN else "unknown version"

    @property
    def by_call(self) -> bool:
        """Whether commands name a call."""
        return self.version >= BY_CALL_FROM

    def max_calls(self, legs: int) -> int:
        """Return the `call_max_calls` with which a second call to the same leg is busy."""
        return legs if self.by_call else 1

    def dial(self, account: Account, place: int, address: str, uri: str) -> tuple[str, ...]:
        """Return the commands that call somebody from one leg."""
        return (f"dial {uri} {place}",) if self.by_call else (f"uafind {account.uri(address)}", f"dial {uri}")

    def about(self, account: Account, address: str, call_id: str, command: str) -> tuple[str, ...]:
        """Return the commands that do something, `accept` or `hold`, with one leg's call."""
        return (f"{command} {call_id}",) if self.by_call else (f"uafind {account.uri(address)}", command)

    @property
    def sends_info(self) -> bool:
        """Whether digits can go by SIP INFO."""
        return self.version >= BY_CALL_FROM

    def of_call(self, account: Account, address: str, call_id: str, command: str) -> tuple[str, ...]:
        """Return the commands that make one leg's call the current one, and do something with that."""
        return (f"callfind {call_id}" if self.by_call else f"uafind {account.uri(address)}"), command


def installed() -> Dialect:
    """Ask the installed baresip for its version; one that does not tell is taken for the newest.

    Raises OSError where it cannot be started.
    """
    found = BANNER.search(child.ask(["baresip", "-h"], patience_s=ANSWER_S))
    return Dialect(tuple(map(int, found.groups())) if found else UNKNOWN)
