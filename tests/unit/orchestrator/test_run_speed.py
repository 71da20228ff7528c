"""`--speed`: what is refused before anything starts, and what is shown."""

from __future__ import annotations

from pathlib import Path

import pytest

from b2b import clock
from b2b.baresip import faketime
from b2b.cli.app import run

SK = """\
[topology.source]
sip_target = "sip:sink"
audio_file = "a.wav"
[topology.sink]
"""
DEVICE = """
[topology.pbx]
role = "external"
address = "127.0.0.1:5060"
command = ["sh"]
calls = "sink"
[topology.source]
sip_target = "sip:pbx"
audio_file = "a.wav"
[topology.sink]
"""


@pytest.fixture(autouse=True)
def _here(tmp_path, monkeypatch):
    """A folder with what is played, on a machine that has libfaketime."""
    (tmp_path / "a.wav").touch()
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(faketime, "library", lambda: Path("/lib/libfaketime.so.1"))


def tried(text: str, *flags: str) -> int:
    """Return the exit code of a try to run a plan."""
    Path("x.toml").write_text(text)
    return run(["--role", "orchestrator", "--plan", "x.toml", "--network", "host", "--dry-run", *flags])


@pytest.mark.parametrize(("text", "flags", "shown"), [
    (SK, (), ""),
    (SK, ("--speed", "1"), ""),
    (SK, ("--speed", "10"), "; speed 10"),
    (f"{SK}[run]\nspeed = 4", (), "; speed 4"),
    (f"{SK}[run]\nspeed = 4", ("--speed", "2.5"), "; speed 2.5"),
    (f"{SK}[run]\nspeed = 4", ("--speed", "1"), ""),
    (SK, ("--set", "run.speed=3"), "; speed 3"),
])  # fmt: skip
def test_the_flag_comes_before_the_plan(capsys, text, flags, shown):
    """And a dry run shows what is in effect, but lets no time go faster."""
    assert tried(text, *flags) == 0
    assert f"# network: as asked for{shown}\n" in capsys.readouterr().out
    assert clock.speed() == 1


@pytest.mark.parametrize(("text", "sentence"), [
    (DEVICE, "x.toml has others in its calls, whose time does not: run it at speed 1"),
    ('[topology.source]\nsip_target = "sip:pbx.example"\naudio_file = "a.wav"', "has others in its calls"),
    ('[topology.sink]\nsip_bind = "127.0.0.1:5062"', "has others in its calls"),
])  # fmt: skip
def test_only_our_own_roles_go_faster(capsys, text, sentence):
    """A device that we start, one that we call and a caller from outside live at the speed that they live at."""
    assert tried(text, "--speed", "10") == 64
    said = capsys.readouterr().err
    assert said.startswith("Error: speed 10: wanted a plan of b2b's own roles alone")
    assert sentence in said
    assert tried(text, "--speed", "1") == 0


def test_nobody_can_listen_to_it(capsys):
    """An ear has one speed."""
    assert tried(SK, "--speed", "2", "--listen") == 64
    assert "--listen: wanted a call at speed 1, which an ear can follow, came speed 2" in capsys.readouterr().err


def test_it_takes_libfaketime(capsys, monkeypatch):
    """Without it one sentence says how to get it; at speed 1 nobody misses it."""
    monkeypatch.setattr(faketime, "library", lambda: None)
    assert tried(SK, "--speed", "2") == 64
    assert "wanted libfaketime, which is not installed; `sudo apt-get install libfaketime`" in capsys.readouterr().err
    assert tried(SK) == 0


@pytest.mark.parametrize("speed", ["0.9", "0", "-1", "51", "nan", "inf", "fast"])
def test_a_speed_is_a_number_within_bounds(capsys, speed):
    """Slower than the sound, or faster than anything was tried, is refused."""
    assert tried(SK, "--speed", speed) == 64
    assert "--speed" in capsys.readouterr().err
