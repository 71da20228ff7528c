"""Whether a device is there: it answers OPTIONS, or has a port open. (A line of its output is seen by who reads it.)"""

from __future__ import annotations

import contextlib
import re
import socket
import uuid
from collections.abc import Callable
from pathlib import Path

from b2b.addresses import Bind
from b2b.plan.device import Ready

ANSWER_S = 0.2
UNAVAILABLE = 503  # what a device says while it is starting
STATUS = re.compile(rb"SIP/2\.0 (\d{3}) ?([^\r\n]*)")
TCP_LISTENS = "0A"  # the state in /proc/net/tcp
TABLES = ("tcp", "tcp6", "udp", "udp6")

OPTIONS = """\
OPTIONS sip:{to} SIP/2.0\r
Via: SIP/2.0/UDP {me};branch=z9hG4bK{id};rport\r
Max-Forwards: 70\r
From: <sip:b2b@{me}>;tag={id}\r
To: <sip:{to}>\r
Call-ID: {id}@b2b\r
CSeq: 1 OPTIONS\r
Contact: <sip:b2b@{me}>\r
Accept: application/sdp\r
Content-Length: 0\r
\r
"""


def probe(ready: Ready, device: Bind, *, is_ours: bool) -> Callable[[], str] | None:
    """Return what looks whether the device is ready, and says why not; "" means that it is. None: nothing to look at.

    The ports of a process of ours are seen without touching them, those of others only by connecting.
    """
    if ready.options:
        return lambda: ask_options(device)
    if ready.port is not None:
        port = Bind(device.ip, ready.port)
        return lambda: _ours_is_open(port) if is_ours else _is_reachable(port)
    return None


def ask_options(device: Bind) -> str:
    """Send OPTIONS (RFC 3261 section 11) and return why nothing good came back; any answer but 503 is good."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        try:
            sock.connect((device.ip, device.port))
            me = "{}:{}".format(*sock.getsockname())
            sock.send(OPTIONS.format(to=device, me=me, id=uuid.uuid4().hex).encode())
            sock.settimeout(ANSWER_S)
            answer = STATUS.match(sock.recv(65535))
        except TimeoutError:
            return "OPTIONS got no answer"
        except OSError as error:
            return f"OPTIONS got no answer ({error.strerror})"
    if answer is None:
        return "OPTIONS was answered by what is no SIP"
    status, reason = int(answer[1]), answer[2].decode(errors="replace")
    return f"OPTIONS got {status} {reason}".rstrip() if status == UNAVAILABLE else ""


def _ours_is_open(port: Bind) -> str:
    for table in TABLES:
        with contextlib.suppress(OSError):
            for line in Path(f"/proc/net/{table}").read_text().splitlines()[1:]:
                _slot, local, _remote, state = line.split()[:4]
                if int(local.rpartition(":")[2], 16) == port.port and (table.startswith("udp") or state == TCP_LISTENS):
                    return ""
    return f"port {port.port} is not open"


def _is_reachable(port: Bind) -> str:
    try:
        socket.create_connection((port.ip, port.port), timeout=1).close()
    except OSError as error:
        return f"port {port} cannot be reached ({error.strerror or error})"
    return ""
