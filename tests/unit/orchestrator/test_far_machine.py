"""Roles on another machine as the run sees them: their paths there, their passwords, what of theirs belongs where."""

from __future__ import annotations

import datetime
from pathlib import Path

import pytest

from b2b.errors import ExitCode, UsageError
from b2b.orchestrator.elsewhere import Machine
from b2b.orchestrator.events import Exited, LogSeen, ReadySeen, Started, WordsSeen
from b2b.orchestrator.run import password_of
from b2b.plan.model import Node

EAR = Node("ear", "source", {"sip_bind": "192.0.2.2:0", "audio_file": "/here/a b.mp3", "password_file": "/here/secret",
                             "password_env": "B2B_PASSWORD"})  # fmt: skip
LOG = '{"ts": "2026-01-01T00:00:00.000+00:00", "level": "INFO", "role": "source", "msg": "hello"}'


@pytest.fixture
def machine(tmp_path):
    """A machine that nobody has connected to, and what it posts."""
    posted: list[object] = []
    made = Machine("me@lab2", [EAR], tmp_path, posted.append)
    made.link.folder = "/there"
    made._alive.add("ear")
    return made, posted


def test_paths_are_those_there(machine):
    """A password has none."""
    made, _ = machine
    there = made.as_there(EAR)
    assert there.settings["audio_file"] == "/there/.files/ear.mp3"
    assert "password_file" not in there.settings
    assert (str(made.node("ear")), str(made.recording("ear"))) == ("/there/ear", "/there/ear.wav")


def test_a_password_goes_by_the_environment(tmp_path, monkeypatch):
    """Out of its file, or of our own environment."""
    monkeypatch.setenv("B2B_PASSWORD", "from outside")
    (tmp_path / "secret").write_text("from a file\n")
    settings = {**EAR.settings, "password_file": str(tmp_path / "secret")}
    assert password_of(Node("ear", "source", settings)) == {"B2B_PASSWORD": "from a file"}
    del settings["password_file"]
    assert password_of(Node("ear", "source", settings)) == {"B2B_PASSWORD": "from outside"}
    monkeypatch.delenv("B2B_PASSWORD")
    assert password_of(Node("ear", "source", settings)) == {}
    with pytest.raises(UsageError, match="cannot read the password: No such file"):
        password_of(Node("ear", "source", {**settings, "password_file": str(tmp_path / "gone")}))


@pytest.mark.parametrize(("name", "place"), [
    ("ear.wav", "ear.wav"), ("ear/role.log", "ear/role.log"), (".host/capture.pcap", "hosts/me@lab2/capture.pcap"),
    ("other.wav", None), ("other/role.log", None), ("verdict.json", None), ("ear/../verdict.json", None),
    ("ear/.hidden", None), ("/ear.wav", None), ("../ear.wav", None), (".host/../../x", None), (".host/", None),
    ("ear/", None), ("", None), ("ear/a/b", None),
])  # fmt: skip
def test_what_comes_from_there_goes_where_it_belongs(machine, tmp_path, name, place):
    """And nowhere else."""
    made, _ = machine
    assert made._place(name) == (Path(tmp_path / place) if place else None)


def test_what_is_told_of_roles(machine):
    """In the words of the run; of one that is not there nothing is believed."""
    made, posted = machine
    for message in (
        {"is": "started", "node": "ear", "pid": 7},
        {"is": "line", "node": "ear", "text": "READY role=source sip=192.0.2.2:5060 codec=pcmu ptime=20ms"},
        {"is": "line", "node": "ear", "text": "\x1b[31m"},
        {"is": "line", "node": "other", "text": "READY role=source sip=192.0.2.2:5060 codec=pcmu ptime=20ms"},
        {"is": "exited", "node": "ear", "code": 0},
        {"is": "exited", "node": "ear", "code": 70},
    ):
        made._take(message)
    assert posted == [
        Started("ear", 7), ReadySeen("ear", "192.0.2.2:5060"), WordsSeen("ear", "�[31m"), Exited("ear", 0),
    ]  # fmt: skip


def test_a_log_line_has_the_time_of_here(machine):
    made, posted = machine
    made.clocks.add(asked_s=1_000_000.0, there_s=1_003_600.0, answered_s=1_000_000.0)
    made._take({"is": "line", "node": "ear", "text": LOG})
    made._take({"is": "line", "node": "ear", "text": LOG.replace("2026-01-01T", "some day ")})
    first, second = posted
    assert isinstance(first, LogSeen)
    assert isinstance(second, LogSeen)
    there = datetime.datetime.fromisoformat("2026-01-01T00:00:00+00:00")
    assert datetime.datetime.fromisoformat(first.line.ts) == there - datetime.timedelta(hours=1)
    assert second.line.ts.startswith("some day")


def test_roles_go_with_the_connection(machine):
    """Each is told why."""
    made, posted = machine
    made._lost("the connection was lost")
    assert posted == [WordsSeen("ear", "me@lab2: the connection was lost"), Exited("ear", ExitCode.SIP)]


def test_what_is_missing_is_told(machine):
    made, _ = machine
    made.link.over.set()
    made.link.ask = lambda *_: None  # type: ignore[method-assign]
    assert made.bring_home() == "me@lab2: the connection ended before all was here"
    made._take({"is": "trouble", "says": "no space\x07"})
    assert made.bring_home() == "me@lab2: no space�"
