"""What this machine is called and can reach."""

from __future__ import annotations

import socket
from pathlib import Path

import pytest

from b2b import host
from b2b.addresses import Target, is_ipv4
from b2b.baresip.door import free_port


def test_the_hosts_address_is_one_of_its_own() -> None:
    """One can listen there."""
    ip = host.host_ip()
    assert is_ipv4(ip)
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        sock.bind((ip, 0))


def test_a_host_that_reaches_nobody_is_at_home(monkeypatch: pytest.MonkeyPatch) -> None:
    """As in a private network, where there is no way out."""

    class Unconnected(socket.socket):
        def connect(self, _address: object, /) -> None:
            raise OSError(101, "Network is unreachable")

    monkeypatch.setattr(socket, "socket", Unconnected)
    assert host.host_ip() == "127.0.0.1"


def test_a_program_where_only_root_looks(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It is found there too, but one in the PATH comes first."""
    for folder in ("bin", "sbin"):
        (tmp_path / folder).mkdir()
    monkeypatch.setenv("PATH", str(tmp_path / "bin"))
    monkeypatch.setattr(host, "ROOTS_FOLDERS", str(tmp_path / "sbin"))
    assert host.program("nft") is None
    for folder in ("sbin", "bin"):
        (tmp_path / folder / "nft").touch(0o755)
        assert host.program("nft") == str(tmp_path / folder / "nft")


def test_somebody_who_listens_can_be_reached() -> None:
    """And gets nothing but what SIP receivers skip."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as listener:
        listener.bind(("127.0.0.1", 0))
        target = Target(None, "127.0.0.1", listener.getsockname()[1])
        assert host.why_unreachable(target, from_ip="127.0.0.1") == ""
        assert listener.recv(100) == b"\r\n\r\n"


def test_somebody_who_answers_can_be_reached(monkeypatch: pytest.MonkeyPatch) -> None:
    """Some servers do; then there is nothing to wait for."""
    monkeypatch.setattr(host, "REFUSAL_S", 20)
    monkeypatch.setattr(host, "KEEP_ALIVE", b"to myself")
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as listener:
        listener.bind(("127.0.0.1", 0))

        class Answered(socket.socket):
            def settimeout(self, value: float | None, /) -> None:
                data, sender = listener.recvfrom(100)
                listener.sendto(data, sender)
                super().settimeout(value)

        monkeypatch.setattr(socket, "socket", Answered)
        target = Target(None, "127.0.0.1", listener.getsockname()[1])
        assert host.why_unreachable(target, from_ip="127.0.0.1") == ""


def test_nobody_who_listens_shows_at_once() -> None:
    """The kernel says so, where baresip would repeat its INVITE for half a minute."""
    target = Target(None, "127.0.0.1", free_port("127.0.0.1", socket.SOCK_DGRAM))
    assert host.why_unreachable(target, from_ip="127.0.0.1") == "nobody is listening there"


@pytest.mark.parametrize(
    ("to", "from_ip"),
    [("127.0.0.1", "192.0.2.1"), ("192.0.2.1", "127.0.0.1")],
    ids=["from an address that is not ours", "out of this machine from within"],
)
def test_an_address_to_call_from_that_cannot_is_said(to: str, from_ip: str) -> None:
    """With the flag that says from where to call."""
    why = host.why_unreachable(Target(None, to, 5060), from_ip=from_ip)
    assert why.startswith(f"it cannot be reached from {from_ip} (")
    assert why.endswith("); --sip-bind says from where to call")


def test_a_name_that_nobody_has_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    """A misspelt host is the likeliest mistake."""

    class Nameless(socket.socket):
        def connect(self, _address: object, /) -> None:
            raise socket.gaierror(-2, "Name or service not known")

    monkeypatch.setattr(socket, "socket", Nameless)
    assert host.why_unreachable(Target(None, "nosuch.example", 5060), from_ip="127.0.0.1") == (
        "there is no host nosuch.example"
    )


def test_without_a_port_sips_own_is_meant(monkeypatch: pytest.MonkeyPatch) -> None:
    """5060, RFC 3261 section 19.1.2."""
    called: list[object] = []

    class Watched(socket.socket):
        def connect(self, address: object, /) -> None:
            called.append(address)
            raise ConnectionRefusedError

    monkeypatch.setattr(socket, "socket", Watched)
    host.why_unreachable(Target(None, "127.0.0.1", None), from_ip="127.0.0.1")
    assert called == [("127.0.0.1", 5060)]
