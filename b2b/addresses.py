"""SIP URIs and listening addresses, as users write them."""

from __future__ import annotations

import ipaddress
import re
from dataclasses import dataclass

from b2b.errors import UsageError

SIP_PORT = 5060
WILDCARD = "0.0.0.0"
DEFAULT_USER = "b2b"  # baresip 1.x turns a URI without a user part into nonsense

_TARGET = re.compile(r"sip:(?:(?P<user>[^@\s<>;:]+)@)?(?P<host>[A-Za-z0-9._-]+)(?::(?P<port>\d{1,5}))?")
_BIND = re.compile(r"(?P<ip>[0-9.]+):(?P<port>\d{1,5})")


@dataclass(frozen=True, slots=True)
class Bind:
    """Where a role listens; port 0 is any free one."""

    ip: str
    port: int

    @property
    def is_wildcard(self) -> bool:
        """Whether it means every address of the machine."""
        return self.ip == WILDCARD

    @property
    def is_loopback(self) -> bool:
        """Whether only this machine can reach it."""
        return ipaddress.IPv4Address(self.ip).is_loopback

    def __str__(self) -> str:
        """Return it as ip:port."""
        return f"{self.ip}:{self.port}"


@dataclass(frozen=True, slots=True)
class Target:
    """Whom to call; an empty user is none, port 0 is not known yet."""

    user: str
    host: str
    port: int

    def __str__(self) -> str:
        """Return it as a SIP URI, with the user part only if there is one."""
        user = f"{self.user}@" if self.user else ""
        return f"sip:{user}{self.host}:{self.port}"

    def dialled(self) -> str:
        """Return the URI as it goes to baresip, which needs a user part."""
        return f"sip:{self.user or DEFAULT_USER}@{self.host}:{self.port}"


def parse_bind(text: str) -> Bind:
    """Read ip:port. Raises UsageError for anything else."""
    found = _BIND.fullmatch(text)
    try:
        if not found:
            raise ValueError
        ip, port = str(ipaddress.IPv4Address(found["ip"])), int(found["port"])
    except ValueError:
        raise UsageError(f"wanted an IPv4 address and a port such as 127.0.0.1:5062, got {text!r}") from None
    if port > 65535:
        raise UsageError(f"wanted a port from 0 to 65535, got {port} in {text!r}")
    return Bind(ip, port)


def parse_target(text: str) -> Target:
    """Read sip:[user@]host[:port]. Raises UsageError for anything else."""
    if not (found := _TARGET.fullmatch(text)):
        raise UsageError(f"wanted a SIP URI such as sip:127.0.0.1:5062 or sip:user@host:port, got {text!r}")
    port = int(found["port"] or SIP_PORT)
    if not 0 < port <= 65535:
        raise UsageError(f"wanted a port from 1 to 65535, got {port} in {text!r}")
    return Target(found["user"] or "", found["host"], port)
