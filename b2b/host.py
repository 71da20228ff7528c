"""What this machine is called and can reach."""

from __future__ import annotations

import shutil
import socket

from b2b.addresses import SIP_PORT, Target
from b2b.errors import UsageError

ELSEWHERE = ("192.0.2.1", 9)  # TEST-NET-1, RFC 5737: only routed to, nothing is sent
KEEP_ALIVE = b"\r\n\r\n"  # what SIP receivers skip, RFC 3261 section 7.5
REFUSAL_S = 0.05
CONNECT_S = 1.0
ROOTS_FOLDERS = "/usr/sbin:/sbin"


def program(name: str) -> str | None:
    """Return where a program is; Debian keeps some where only root's PATH leads, and others may run them too."""
    return shutil.which(name) or shutil.which(name, path=ROOTS_FOLDERS)


def host_ip() -> str:
    """Return the address from which this machine reaches others; 127.0.0.1 where it reaches none."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        try:
            probe.connect(ELSEWHERE)
        except OSError:
            return "127.0.0.1"
        return str(probe.getsockname()[0])


def free_port(ip: str) -> int:
    """Return a UDP port that nobody has on that address just now. Raises UsageError where the address is not ours."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        try:
            sock.bind((ip, 0))
        except OSError as error:
            raise UsageError(f"cannot listen on {ip}: {error.strerror}") from error
        return int(sock.getsockname()[1])


def why_unreachable(target: Target, *, from_ip: str, over_tcp: bool = False) -> str:
    """Return why no SIP message can reach the target just now; "" where nothing speaks against it.

    Nobody listening shows at once on this machine (ICMP port unreachable); baresip itself would only repeat its
    INVITE for half a minute.
    """
    if over_tcp:
        return _why_no_connection(target, from_ip)
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        try:
            probe.bind((from_ip, 0))
            probe.connect((target.host, target.port or SIP_PORT))
            probe.send(KEEP_ALIVE)
            probe.settimeout(REFUSAL_S)
            probe.recv(1)
        except TimeoutError:
            return ""
        except ConnectionRefusedError:
            return "nobody is listening there"
        except socket.gaierror:
            return f"there is no host {target.host}"
        except OSError as error:
            return f"it cannot be reached from {from_ip} ({error.strerror}); --sip-bind says from where to call"
    return ""


def _why_no_connection(target: Target, from_ip: str) -> str:
    try:
        place = (target.host, target.port or SIP_PORT)
        socket.create_connection(place, timeout=CONNECT_S, source_address=(from_ip, 0)).close()
    except ConnectionRefusedError:
        return "nobody is listening there"
    except socket.gaierror:
        return f"there is no host {target.host}"
    except OSError as error:
        return f"it cannot be reached from {from_ip} ({error.strerror or error}); --sip-bind says from where to call"
    return ""
