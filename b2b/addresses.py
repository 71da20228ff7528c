"""SIP addresses as plans and flags write them: where to listen, and whom to call."""

from __future__ import annotations

import ipaddress
import re
from dataclasses import dataclass

from b2b.errors import UsageError

DEFAULT_USER = "b2b"  # what we dial where a URI has no user part, for baresip 1.x makes nonsense of one without
YOUR_HOST_IP = "YOUR_HOST_IP"  # the requirements' placeholder for an address that we find ourselves
WILDCARD = "0.0.0.0"
SIP_PORT = 5060  # RFC 3261 section 19.1.2
USER = re.compile(r"[A-Za-z0-9_.!~*'%+=&$-]+")  # RFC 3261 section 25.1 without ( ) , ; ? /, which baresip splits at
TARGET = re.compile(rf"sip:(?:(?P<user>{USER.pattern})@)?(?P<host>[A-Za-z0-9._-]+)(?::(?P<port>[0-9]{{1,5}}))?")
SSH_HOST = re.compile(r"(?:[A-Za-z0-9_][A-Za-z0-9_.-]*@)?[A-Za-z0-9][A-Za-z0-9_.-]*")  # and no option of ssh's
BIND = re.compile(r"(?P<ip>[^:]+):(?P<port>[0-9]{1,5})")
OTHER_SCHEMES = {"sips:": "TLS is not supported", "tel:": "a phone number needs a host to send it to"}


@dataclass(frozen=True, slots=True)
class Bind:
    """An address to listen on; port 0 is a free one, not known before READY."""

    ip: str
    port: int

    def __str__(self) -> str:
        """Return the address as a plan writes it."""
        return f"{self.ip}:{self.port}"

    @property
    def open(self) -> bool:
        """Whether the address is left for us to choose."""
        return self.ip in (WILDCARD, YOUR_HOST_IP)

    def on(self, host_ip: str) -> Bind:
        """Return the address on a host: its own, or the host's where it is left to us."""
        return Bind(host_ip, self.port) if self.open else self

    def clashes(self, other: Bind) -> bool:
        """Whether two nodes cannot listen on both."""
        return 0 != self.port == other.port and (self.ip == other.ip or WILDCARD in (self.ip, other.ip))


@dataclass(frozen=True, slots=True)
class Target:
    """A SIP URI to call; its host is an address, a name, a node's name or YOUR_HOST_IP."""

    user: str | None
    host: str
    port: int | None

    def __str__(self) -> str:
        """Return the URI."""
        user = f"{self.user}@" if self.user else ""
        return f"sip:{user}{self.host}{f':{self.port}' if self.port else ''}"

    @property
    def place(self) -> str:
        """The host, with its port where the URI has one."""
        return f"{self.host}:{self.port}" if self.port else self.host

    def dialled(self) -> str:
        """Return the URI as it goes to baresip: with a user part and a port."""
        return str(Target(self.user or DEFAULT_USER, self.host, self.port or SIP_PORT))


def parse_bind(text: str) -> Bind:
    """Read `ip:port` with an IPv4 address."""
    found = BIND.fullmatch(text)
    if not found or not _is_host(found["ip"]) or int(found["port"]) > 0xFFFF:
        raise UsageError(f"wanted an IPv4 address and port like 127.0.0.1:5062, came {text!r}")
    return Bind(found["ip"], int(found["port"]))


def parse_target(text: str) -> Target:
    """Read `sip:[user@]host[:port]`."""
    for scheme, reason in OTHER_SCHEMES.items():
        if text.lower().startswith(scheme):
            raise UsageError(f"wanted sip:[user@]host[:port], came {text!r}; {reason}")
    found = TARGET.fullmatch(text)
    if not found or (_is_numeric(found["host"]) and not is_ipv4(found["host"])):
        raise UsageError(f"wanted sip:[user@]host[:port], came {text!r}")
    if found["host"] == WILDCARD:
        raise UsageError(f"wanted an address that can be called, came {text!r}; did you mean {YOUR_HOST_IP}?")
    if found["port"] and not 0 < int(found["port"]) <= 0xFFFF:
        raise UsageError(f"wanted a port from 1 to 65535, came {text!r}")
    return Target(found["user"], found["host"], int(found["port"]) if found["port"] else None)


def parse_user(text: str) -> str:
    """Read the user part of a SIP URI."""
    if not USER.fullmatch(text):
        raise UsageError(f"wanted the user part of a SIP URI, came {text!r}")
    return text


def parse_host(text: str) -> str:
    """Read the name of a machine as ssh takes it, `[user@]host`."""
    if not SSH_HOST.fullmatch(text):
        raise UsageError(f"wanted a machine that ssh reaches, as lab2 or user@lab2, came {text!r}")
    return text


def is_ipv4(text: str) -> bool:
    """Whether the text is an IPv4 address in full."""
    try:
        ipaddress.IPv4Address(text)
    except ValueError:
        return False
    return True


def is_loopback(ip: str) -> bool:
    """Whether nobody outside this machine can reach the address."""
    return is_ipv4(ip) and ipaddress.IPv4Address(ip).is_loopback


def _is_host(ip: str) -> bool:
    return ip == YOUR_HOST_IP or is_ipv4(ip)


def _is_numeric(host: str) -> bool:
    return not re.search("[A-Za-z]", host)
