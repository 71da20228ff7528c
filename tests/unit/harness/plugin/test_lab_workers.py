"""What goes to other machines, and what comes from them."""

from __future__ import annotations

from pathlib import Path

import pytest
from execnet import XSpec

from harness.plugin.lab import ALLURE, RUN
from harness.plugin.lab.arguments import beside, is_away, not_below, patient, portable
from harness.plugin.lab.receive import Receiver
from harness.plugin.lab.send import PIECE, Sender


class Line:
    """A connection whose other end is in this process."""

    def __init__(self, places: dict[str, Path]) -> None:
        self.answers: list[str] = []
        self.largest = 0
        self.receiver = Receiver(places, self.answers.append)

    def send(self, message: object) -> None:
        """Take what the worker sends to where it belongs."""
        self.largest = max(self.largest, len(message) if isinstance(message, bytes) else 0)
        self.receiver(message)

    def receive(self) -> str:
        """Return what the controller answers."""
        return self.answers.pop(0)


@pytest.fixture
def away(tmp_path):
    """Return a run folder of another machine, with a text, a large file, a folder and a pipe in it."""
    folder = tmp_path / "far" / "runs" / "one"
    (folder / "sink").mkdir(parents=True)
    (folder / "run.log").write_text(f"audio_file {tmp_path}/far/speech.wav\n" * 3)
    (folder / "sink.wav").write_bytes(bytes(range(256)) * (3 * PIECE // 256 + 1))
    (folder / "sink" / "config").touch()
    return folder


def test_a_run_folder_moves_in_pieces_and_speaks_of_places_here(tmp_path, away):
    """All of it is here, nothing is left there, and no message is larger than a piece."""
    line = Line({RUN: tmp_path / "here" / "runs"})
    sound = (away / "sink.wav").read_bytes()
    assert Sender(line, f"{tmp_path}/far", f"{tmp_path}/here", None).bring_home(away)
    here = tmp_path / "here" / "runs" / "one"
    assert (here / "run.log").read_text() == f"audio_file {tmp_path}/here/speech.wav\n" * 3
    assert (here / "sink.wav").read_bytes() == sound
    assert (here / "sink" / "config").read_bytes() == b""
    assert here.stat().st_mode & 0o777 == 0o700
    assert line.largest == PIECE
    assert not away.exists()


def test_what_cannot_be_written_here_stays_there(tmp_path, away):
    """The worker is told, and the next folder is not blamed for it."""
    (tmp_path / "here").mkdir()
    (tmp_path / "here" / "runs").touch()
    line = Line({RUN: tmp_path / "here" / "runs"})
    sender = Sender(line, "/far", "/here", None)
    assert not sender.bring_home(away)
    assert (away / "sink.wav").exists()
    (tmp_path / "here" / "runs").unlink()
    assert sender.bring_home(away)


@pytest.mark.parametrize("name", ["../out", "/etc/out", "one/../../out", ""])
def test_another_machine_writes_nowhere_else(tmp_path, name):
    """Whatever it says the name is."""
    line = Line({RUN: tmp_path / "runs"})
    for message in (("file", RUN, name), b"bad", ("end",), ("done",)):
        line.send(message)
    assert "wanted the name of a file below" in line.receive()
    assert not list(tmp_path.rglob("*"))


def test_half_a_file_is_none(tmp_path):
    """A machine that goes away in the middle leaves what was whole."""
    line = Line({ALLURE: tmp_path})
    for message in (("file", ALLURE, "whole"), b"1", ("end",), ("file", ALLURE, "half"), b"1"):
        line.send(message)
    line.receiver.close()
    assert [path.name for path in tmp_path.iterdir()] == ["whole"]


@pytest.mark.parametrize(
    ("spec", "away"), [("popen", False), ("popen//python=python3", False), ("ssh=lab1", True), ("popen//chdir=x", True)]
)
def test_who_has_a_disk_of_its_own(spec, away):
    """As xdist sees it, which copies to those."""
    assert is_away(XSpec(spec)) == away


def test_ssh_asks_nobody_and_gives_up():
    """What the user says of it comes first."""
    assert patient("me@lab1") == "-o ConnectTimeout=10 -o BatchMode=yes -o ServerAliveInterval=15 me@lab1"
    assert patient("-o ConnectTimeout=3 lab1").startswith(
        "-o BatchMode=yes -o ServerAliveInterval=15 -o ConnectTimeout=3"
    )


def test_arguments_mean_the_same_in_a_copy_of_the_root(pytester):
    """Tests are absolute, which xdist makes relative; options whose value is there as a file stay options."""
    pytester.makeini("[pytest]")
    (pytester.path / "plans").mkdir()
    (pytester.path / "allure").mkdir()
    config = pytester.parseconfig("--alluredir", "allure", "-k", "plans", "plans/a.plan.toml::a", "-x")
    assert [word for word in portable(config, config.invocation_params).args if "basetemp" not in word] == [
        "--alluredir=allure", "-kplans", "-x", f"--rootdir={pytester.path.name}",
        f"{pytester.path}/plans/a.plan.toml::a",
    ]  # fmt: skip


def test_what_lies_outside_of_the_root_is_nowhere_else(tmp_path):
    """It is named, so that the user sees which."""
    assert not_below(tmp_path, ["plans", "x.py::test"], tmp_path) is None
    assert not_below(tmp_path, ["plans", "../x.py::test"], tmp_path) == str(tmp_path.parent / "x.py")
    assert beside(tmp_path / "out", tmp_path) == "out"
    assert beside(Path("/out"), tmp_path) == "/out"
