"""A network of the run's own, and which network a run gets."""

from __future__ import annotations

import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest
from stories import SK, SMK, node

from b2b.errors import ExitCode, UsageError
from b2b.orchestrator import network
from b2b.orchestrator.main import choose_network
from b2b.plan.model import Plan

REFUSED = "Operation not permitted"
NOBODY = 65534
CHECKOUT = Path(__file__).parents[3]
ORDINARY = f"""
import ctypes
os.setgroups([])
os.setresgid({NOBODY}, {NOBODY}, {NOBODY})
os.setresuid({NOBODY}, {NOBODY}, {NOBODY})
ctypes.CDLL(None).prctl(4, 1, 0, 0, 0)  # PR_SET_DUMPABLE: as if this process had been his from the start
"""
LOOK = """
try:
    network.enter_private()
except OSError as error:
    print(error.strerror)
    sys.exit(3)
interfaces = [name for _index, name in socket.if_nameindex()]
with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as ear, socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as mouth:
    ear.bind(("127.0.0.1", 5062))
    ear.settimeout(5)
    mouth.sendto(b"heard", ("127.0.0.1", 5062))
    heard = ear.recv(9).decode()
capture = "import socket; socket.socket(socket.AF_PACKET, socket.SOCK_RAW).close()"
may_capture = subprocess.run(["/usr/bin/python3", "-c", capture], stderr=subprocess.DEVNULL).returncode == 0
print(interfaces, heard, os.geteuid(), may_capture)
"""
TRY = """
before = os.readlink("/proc/self/ns/net")
why = network.private_works()
print(repr(why))
assert os.readlink("/proc/self/ns/net") == before, "the try has moved us"
try:
    os.waitpid(-1, os.WNOHANG)
except ChildProcessError:
    print("no child left")
"""


def python(script: str) -> subprocess.CompletedProcess[str]:
    """Run a script in a process of its own, which has one thread."""
    script = f"import os, socket, subprocess, sys; from b2b.orchestrator import network\n{script}"
    return subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, cwd=CHECKOUT)


def refused(tried: subprocess.CompletedProcess[str]) -> None:
    """Skip a test where the system forbids such a network."""
    if tried.returncode == 3:
        pytest.skip(f"this system allows no private network: {tried.stdout.strip()}")


def test_a_private_network_has_nothing_but_loopback():
    """It is up, whatever anybody else binds, and whoever runs it keeps his number and may capture in it."""
    tried = python(LOOK)
    refused(tried)
    assert (tried.stdout, tried.stderr) == (f"['lo'] heard {os.geteuid()} True\n", "")


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can try it as somebody else")
def test_an_ordinary_user_has_it_too():
    """Without any privilege it is the same network, and what is started in it may capture."""
    tried = python(ORDINARY + LOOK)
    refused(tried)
    assert (tried.stdout, tried.stderr) == (f"['lo'] heard {NOBODY} True\n", "")


def test_the_try_leaves_nothing_behind():
    """private_works() says None or why not; whoever asks stays where he is, and no child is left."""
    answer, rest = python(TRY).stdout.splitlines()
    assert answer == "None" or answer.strip("'\"")
    assert (answer == "None") == (python(LOOK).returncode == 0)
    assert rest == "no child left"


@pytest.mark.parametrize(("why", "told"), [
    (PermissionError(1, REFUSED), REFUSED),
    (OSError("no such luck"), "no such luck"),
    (FileNotFoundError(2, "No such file or directory", "/proc/self/setgroups"), "No such file or directory"),
])
@pytest.mark.filterwarnings("ignore:.*fork:DeprecationWarning")  # of the threads of whoever runs the tests
def test_a_system_that_refuses_is_quoted(monkeypatch, why, told):
    """What the system says is the answer."""

    def refuse() -> None:
        raise why

    monkeypatch.setattr(network, "enter_private", refuse)
    assert network.private_works() == told


@pytest.mark.filterwarnings("ignore:.*fork:DeprecationWarning")
def test_a_try_that_dies_is_no_success(monkeypatch):
    """Some systems kill whoever tries; that is an answer as well."""
    monkeypatch.setattr(network, "enter_private", lambda: os._exit(1))
    assert network.private_works() == "the attempt died"


def plan(nodes) -> Plan:
    """Return a plan of these nodes."""
    return Plan(Path("x.plan.toml"), tuple(nodes))


CONTAINED = plan([node("source", "source", "sink", port=0), node("sink", "sink", port=5062)])
OPEN = {
    "a sink alone": plan([node("sink", "sink")]),
    "somebody else's target": plan([replace(node("source", "source", "192.0.2.1", port=0), calls=None), SK[1]]),
    "a mixer that nobody calls": plan([node("mixer", "mixer", "sink", port=5063), SMK[2]]),
}


@pytest.mark.parametrize(("wanted", "refusal", "kind"), [
    ("auto", None, "private"), ("private", None, "private"), ("host", None, "host"),
    ("auto", REFUSED, "host"), ("host", REFUSED, "host"),
])  # fmt: skip
def test_the_network_of_a_plan_of_its_own(monkeypatch, wanted, refusal, kind):
    """It is private unless the user or the system does not want that, and why is told."""
    monkeypatch.setattr(network, "private_works", lambda: refusal)
    got, why = choose_network(wanted, CONTAINED)
    assert got == kind
    assert why
    assert (REFUSED in why) == (wanted == "auto" and refusal is not None)


@pytest.mark.parametrize("outside", OPEN.values(), ids=OPEN)
def test_the_network_of_a_plan_with_others_in_it(monkeypatch, outside):
    """`auto` is the host's, as nobody else could take part in a private one; that would not even be tried."""
    monkeypatch.setattr(network, "private_works", lambda: pytest.fail("tried"))
    assert choose_network("auto", outside) == ("host", "the plan reaches beyond itself")
    assert choose_network("host", outside) == ("host", "as asked for")


def test_a_private_network_that_cannot_be_had(monkeypatch):
    """Who insists on it is told why not, and what else there is."""
    monkeypatch.setattr(network, "private_works", lambda: REFUSED)
    with pytest.raises(UsageError, match=rf"--network private: .*\({REFUSED}\); use --network host") as told:
        choose_network("private", CONTAINED)
    assert told.value.code is ExitCode.USAGE
