"""Diverting a network, and what is said where that is not possible; only a new network is really diverted here."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from b2b import host
from b2b.errors import UsageError
from harness.impair import network


@pytest.fixture
def nft(tmp_path, monkeypatch):
    """Return a function that makes a shell script the only nft there is."""
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr(host, "ROOTS_FOLDERS", "")
    monkeypatch.setattr(network, "DEFAULT_TTL", tmp_path / "ip_default_ttl")

    def install(script: str) -> Path:
        (tmp_path / "nft").write_text(f"#!/bin/sh\n{script}\n")
        (tmp_path / "nft").chmod(0o755)
        return tmp_path / "ip_default_ttl"

    return install


@pytest.mark.usefixtures("nft")
def test_no_nft():
    """One sentence with the command that installs it."""
    with pytest.raises(UsageError, match=r"^\[impair\] wants nft, .* sudo apt-get install nftables$"):
        network.divert()


def test_an_nft_that_is_refused(nft):
    """Its own first words, and nothing has been changed."""
    ttl = nft("echo 'Error: Operation not permitted'; echo more; exit 1")
    with pytest.raises(UsageError, match=r"does not allow: Error: Operation not permitted$"):
        network.divert()
    assert not ttl.exists()


def test_a_kernel_that_is_read_only(nft, monkeypatch, tmp_path):
    """As /proc/sys is in some containers."""
    nft("exit 0")
    monkeypatch.setattr(network, "DEFAULT_TTL", tmp_path / "none" / "ip_default_ttl")
    with pytest.raises(UsageError, match="ip_default_ttl: No such file or directory"):
        network.divert()


def test_an_nft_that_succeeds(nft):
    """Then everything is sent with a time to live of its own."""
    ttl = nft("exit 0")
    network.divert()
    assert int(ttl.read_text()) == 66


DIVERTED = """
import socket
from b2b.orchestrator.network import enter_private
from b2b.sniffer import LARGEST, Sniffer
from harness.impair.network import divert
from harness.impair.packets import onward
EVERYTHING = ((0x06, 0, 0, LARGEST),)
try:
    enter_private()
except OSError as error:
    raise SystemExit(f"no private network: {error}")
with (
    Sniffer(EVERYTHING) as before, Sniffer(EVERYTHING, as_sent=True) as unused,
    socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as ear, socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as mouth,
):
    ear.bind(("127.0.0.1", 0))
    mouth.bind(("127.0.0.1", 0))
    mouth.sendto(b"before", ear.getsockname())
    assert ear.recv(99) == b"before"
    assert len(list(before.queued())) == 1 and not list(unused.queued())
    divert()
    with (
        Sniffer(EVERYTHING) as arriving, Sniffer(EVERYTHING, as_sent=True) as sending,
        socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_RAW) as raw,
    ):
        mouth.sendto(b"after", ear.getsockname())
        ((_, packet),) = sending.queued()
        assert not list(arriving.queued())
        ear.settimeout(0.2)
        try:
            print("came", ear.recv(99))
        except TimeoutError:
            pass
        raw.sendto(onward(packet), ("127.0.0.1", 0))
        ear.settimeout(10)
        assert ear.recvfrom(99) == (b"after", mouth.getsockname()), "not from its sender"
        assert len(list(arriving.queued())) == 1 and not list(sending.queued())
        with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as server:
            server.bind(("127.0.0.1", 0))
            server.listen()
            with socket.create_connection(server.getsockname(), timeout=10):
                print("tcp passes")
        mouth.connect(("127.0.0.1", 9))
        mouth.settimeout(10)
        mouth.send(b"nobody")
        ((_, packet),) = sending.queued()
        raw.sendto(onward(packet), ("127.0.0.1", 0))
        try:
            mouth.recv(1)
        except ConnectionRefusedError:
            print("icmp passes")
"""


@pytest.mark.skipif(host.program("nft") is None, reason="nft is not installed")
def test_what_is_sent_arrives_only_if_we_send_it_on():
    """As its sender's, and once; what looks before sees it before, what looks behind behind. UDP alone is diverted."""
    done = subprocess.run([sys.executable, "-c", DIVERTED], capture_output=True, text=True, timeout=60, check=False)
    if done.stderr.startswith("no private network"):
        pytest.skip(done.stderr)
    assert (done.stdout, done.stderr) == ("tcp passes\nicmp passes\n", "")
