"""b2b on another machine, spoken to by hand: what it is started for, and what it does with anything else."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from b2b import __version__
from b2b.errors import ExitCode
from b2b.far.messages import encode

PATIENCE_S = 60
HELLO = encode("hello", version=__version__, addresses=["127.0.0.1"])


def there(said: bytes, folder: Path) -> tuple[int, list[dict[str, object]], str]:
    """Say something to it, and nothing more; return its exit code, what it told, and what it wrote for a person."""
    ran = subprocess.run([sys.executable, "-m", "b2b", "there"], input=said, capture_output=True, timeout=PATIENCE_S,
                         check=False, env={"TMPDIR": str(folder)})  # fmt: skip
    assert not list(folder.iterdir())
    assert b"Traceback" not in ran.stderr
    return ran.returncode, [json.loads(line) for line in ran.stdout.splitlines()], ran.stderr.decode()


@pytest.mark.parametrize("said", [b"", b"hello\n", b"[]\n", encode("finish"), encode("launch", node="x")])
def test_it_is_for_an_orchestrator(tmp_path, said):
    """Somebody who types it is told so."""
    code, told, words = there(said, tmp_path)
    assert code == ExitCode.USAGE
    assert not told
    assert words.startswith("Error: there: wanted the orchestrator of another machine")


def test_it_tells_who_it_is_and_the_time(tmp_path):
    """And, once it is told that all is over, what it has: of its own machine, for there was no role."""
    code, told, _ = there(HELLO + encode("ping", n=7) + encode("finish"), tmp_path)
    assert code == ExitCode.OK
    hello, pong, *files, done = told
    assert (hello["is"], hello["version"]) == ("hello", __version__)
    assert str(hello["folder"]).startswith(str(tmp_path))
    assert (pong["is"], pong["n"], type(pong["wall_s"])) == ("pong", 7, float)
    assert {one["file"] for one in files} >= {".host/host.jsonl", ".host/versions.json", ".host/capture.json"}
    assert done == {"is": "done"}


@pytest.mark.parametrize(("asked", "says"), [
    (encode("launch", node="x", command=["judge", "."]), "wanted a role's command line, came something else"),
    (encode("launch", node="x", command="sink"), "wanted a role's command line, came something else"),
    (encode("launch", node="x", command=[]), "wanted a role's command line, came something else"),
    (encode("launch", command=["sink"]), "wanted a text as node of 'launch', came None"),
    (encode("piece", file="../x", at=0, data=""), "wanted a file of the run, came '../x'"),
    (encode("ping", n="x"), "wanted a whole number as n of 'ping', came 'x'"),
    (encode("terminate"), "wanted a text as node of 'terminate', came None"),
])  # fmt: skip
def test_nonsense_ends_it(tmp_path, asked, says):
    """With what was wanted, for the other end to show."""
    code, told, _ = there(HELLO + asked + encode("finish"), tmp_path)
    assert code == ExitCode.OK
    assert told[-1] == {"is": "trouble", "says": says}


def test_an_orchestrator_that_goes_away_gets_nothing_more(tmp_path):
    """Nothing of it is left here."""
    code, told, _ = there(HELLO, tmp_path)
    assert code == ExitCode.OK
    assert [one["is"] for one in told] == ["hello"]


def test_a_role_that_nobody_knows_is_not_asked(tmp_path):
    code, told, _ = there(HELLO + encode("terminate", node="x") + encode("finish"), tmp_path)
    assert code == ExitCode.OK
    assert told[-1] == {"is": "done"}
