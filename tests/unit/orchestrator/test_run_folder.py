"""The run folder: whose it is, and that it can be read at any moment."""

from __future__ import annotations

import datetime
import json
import os
import re
import stat
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from stories import SK, node

from b2b import clock
from b2b.errors import ExitCode, UsageError
from b2b.orchestrator.folder import EVENTS, RunFolder, default_folder, is_going_on
from b2b.plan.model import Plan

SUMMARY: dict[str, Any] = {"exit_code": None, "nodes": {}, "reason": "größer"}


@pytest.fixture
def run(tmp_path):
    """Return an open run folder."""
    with RunFolder(tmp_path / "runs" / "one") as folder:
        yield folder


def lines(path) -> list[dict[str, Any]]:
    """Return a file's JSON lines."""
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


def mode(path) -> int:
    """Return a file's permissions."""
    return stat.S_IMODE(path.stat().st_mode)


@pytest.mark.parametrize("umask", [0o000, 0o022, 0o077])
def test_the_folder_is_the_users_alone(tmp_path, umask):
    """Whatever the umask, nobody else gets in, and so nobody else reads a file in it; the user does."""
    before = os.umask(umask)
    try:
        with RunFolder(tmp_path / "a" / "b") as folder:
            folder.write_summary(SUMMARY)
    finally:
        os.umask(before)
    assert mode(folder.path) == 0o700
    files = {path.name: path for path in folder.path.iterdir()}
    assert set(files) == {"run.log", "events.jsonl", "metrics.jsonl", "summary.json"}
    assert all(mode(path) & 0o600 == 0o600 for path in files.values())


def test_an_empty_folder_becomes_the_users_alone(tmp_path):
    """A folder that was made beforehand, for all to read, is closed to others."""
    (tmp_path / "run").mkdir(mode=0o755)
    with RunFolder(tmp_path / "run") as folder:
        assert mode(folder.path) == 0o700


@pytest.mark.parametrize("inside", ["summary.json", ".hidden", "folder/"])
def test_a_folder_that_is_not_empty_is_refused(tmp_path, inside):
    """No run is written over another, or between somebody's files; what is there stays."""
    path = tmp_path / inside
    path.mkdir() if inside.endswith("/") else path.write_text("mine")
    with pytest.raises(UsageError) as told:
        RunFolder(tmp_path).__enter__()
    assert told.value.code is ExitCode.USAGE
    assert str(told.value) == f"--run-dir: wanted a new or empty folder, {tmp_path} has something in it"
    assert [entry.name for entry in tmp_path.iterdir()] == [path.name]


def test_a_folder_that_is_refused_is_left_alone(tmp_path):
    """A folder that we do not use keeps its permissions."""
    (tmp_path / "shared").mkdir()
    (tmp_path / "shared").chmod(0o755)
    (tmp_path / "shared" / "file").touch()
    with pytest.raises(UsageError):
        RunFolder(tmp_path / "shared").__enter__()
    assert mode(tmp_path / "shared") == 0o755


@pytest.mark.parametrize("name", ["file", "file/run", "x" * 300])
def test_a_folder_that_cannot_be_made(tmp_path, name):
    """What is in the way is told in one sentence."""
    (tmp_path / "file").touch()
    with pytest.raises(UsageError, match=r"--run-dir: cannot write to .*: (File exists|Not a dir|File name too long)"):
        RunFolder(tmp_path / name).__enter__()


def test_names_inside(tmp_path):
    """Each node has its folder and each sink its recording, after the node's name, wherever we go later."""
    folder = RunFolder(tmp_path / "run")
    assert folder.node("ear") == tmp_path / "run" / "ear"
    assert folder.recording("ear") == tmp_path / "run" / "ear.wav"


def test_a_relative_folder_stays_where_it_was(tmp_path, monkeypatch):
    """The roles get its full path, so that it does not matter where they work."""
    monkeypatch.chdir(tmp_path)
    folder = RunFolder(Path("run"))
    monkeypatch.chdir("/")
    assert folder.path == tmp_path / "run"


def test_events_have_two_times(run, monkeypatch):
    """Wall time tells when it was, monotonic time how long after another one; each event is on disk at once."""
    monkeypatch.setattr(clock, "wall", lambda: 1759053600.1234567)
    monkeypatch.setattr(clock, "now", lambda: 17.0000004)
    run.event("sink", "started", pid=7, command=["sink", "--sip-bind", "127.0.0.1:5062"])
    monkeypatch.setattr(clock, "now", lambda: 17.5)
    run.event("sink", "exited", code=-9)
    assert lines(run.path / "events.jsonl") == [
        {"wall_s": 1759053600.123457, "mono_s": 17.0, "node": "sink", "event": "started", "pid": 7,
         "command": ["sink", "--sip-bind", "127.0.0.1:5062"]},
        {"wall_s": 1759053600.123457, "mono_s": 17.5, "node": "sink", "event": "exited", "code": -9},
    ]  # fmt: skip


def test_metrics_have_two_times_too(run, monkeypatch):
    """They are on disk at once, in a file of their own."""
    monkeypatch.setattr(clock, "wall", lambda: 1.0)
    monkeypatch.setattr(clock, "now", lambda: 2.0)
    run.metrics("sink", {"packets_rx": 250, "jitter_ms_p95": 0.4})
    wanted = {"wall_s": 1.0, "mono_s": 2.0, "node": "sink", "packets_rx": 250, "jitter_ms_p95": 0.4}
    assert lines(run.path / "metrics.jsonl") == [wanted]
    assert (run.path / "events.jsonl").read_text() == ""


@pytest.mark.parametrize("text", ["two\nlines", "größer ✓", '"quoted"', "\x1b[31m", "\u2028"])
def test_an_event_is_one_line(run, text):
    """Whatever is said, one event is one line, and reads back as it was."""
    run.event("sink", "words", msg=text)
    content = (run.path / "events.jsonl").read_bytes()
    assert content.count(b"\n") == 1
    assert json.loads(content)["msg"] == text


def test_the_summary_is_never_half_written(run):
    """Who has opened the old one reads it to its end; the next one to open reads the new one; no other file is left."""
    run.write_summary({**SUMMARY, "filler": "x" * 100_000})
    with (run.path / "summary.json").open(encoding="utf-8") as old:
        begin = old.read(10)
        run.write_summary(SUMMARY | {"exit_code": 0})
        assert json.loads(begin + old.read())["exit_code"] is None
    assert json.loads((run.path / "summary.json").read_text(encoding="utf-8")) == {**SUMMARY, "exit_code": 0}
    assert not [path for path in run.path.iterdir() if path.name.startswith("summary.json.")]


def test_a_summary_that_cannot_be_written_leaves_the_old_one(run):
    """A value that is none in JSON does not cost us what was there."""
    run.write_summary(SUMMARY)
    with pytest.raises(TypeError):
        run.write_summary({"exit_code": object()})
    assert json.loads((run.path / "summary.json").read_text(encoding="utf-8")) == SUMMARY


def test_the_files_are_closed_in_the_end(tmp_path):
    """After the run nothing is held open."""
    with RunFolder(tmp_path / "run") as folder:
        assert not folder.run_log.closed
    assert folder.run_log.closed
    with pytest.raises(ValueError, match="closed file"):
        folder.event("sink", "late")


@pytest.mark.parametrize(("file", "end"), [
    ("plans/smk.plan.toml", "smk"),
    ("smk.toml", "smk"),
    ("/else/where/night.call.plan.toml", "night.call"),
    ("call", "call"),
])
def test_the_default_name(file, end):
    """Below reports/runs/, by time and then by plan, so that a listing is in order."""
    named = default_folder(Plan(Path(file), (node("sink", "sink"),)))
    assert named.parent == Path("reports/runs")
    assert re.fullmatch(rf"\d{{8}}-\d{{6}}-\d{{3}}-{re.escape(end)}", named.name)


def test_the_default_name_is_of_now(monkeypatch):
    """It has the local time to the millisecond, cut and not rounded, which would give next second's 000."""
    moment = datetime.datetime(2025, 9, 28, 23, 59, 59, 999_900)
    monkeypatch.setattr(clock, "wall", moment.timestamp)
    plan = Plan(Path("sk.plan.toml"), SK)
    assert default_folder(plan).name == "20250928-235959-999-sk"


def test_files_are_utf8_in_every_locale(tmp_path):
    """summary.json and plan.toml are UTF-8, as JSON and TOML are, whatever the user's locale."""
    script = (
        "import sys; from pathlib import Path; from b2b.orchestrator.folder import RunFolder\n"
        "from b2b.orchestrator.hooks import verdict; from b2b.plan.model import Plan\n"
        "with RunFolder(Path(sys.argv[1])) as run: run.write_summary({}); run.write_plan(Plan(Path('x'), ()))\n"
        "(run.path / 'verdict.json').write_bytes(b'{\"outcome\": \"pass\"}'); verdict(run.path)\n"
    )
    watched = [sys.executable, "-X", "warn_default_encoding", "-W", "error::EncodingWarning", "-c", script]
    subprocess.run([*watched, tmp_path / "run"], check=True, stderr=subprocess.DEVNULL)


def test_a_folder_goes_on_until_it_is_closed(tmp_path):
    """Whoever reads it meanwhile, and as often as they ask."""
    with RunFolder(tmp_path / "run") as run:
        run.event("orchestrator", "begun")
        assert is_going_on(run.path)
        assert is_going_on(run.path)
        assert lines(run.path / EVENTS)[0]["event"] == "begun"
    assert not is_going_on(run.path)
    assert not is_going_on(tmp_path / "nowhere")


def test_a_folder_whose_writer_was_killed_does_not_go_on(tmp_path):
    """The kernel takes its lock away."""
    script = (
        "import os, sys; from pathlib import Path; from b2b.orchestrator.folder import RunFolder\n"
        "with RunFolder(Path(sys.argv[1])): print('open', flush=True); sys.stdin.read()\n"
    )
    command = [sys.executable, "-c", script, tmp_path / "run"]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as writer:
        assert writer.stdout
        assert writer.stdout.readline() == b"open\n"
        assert is_going_on(tmp_path / "run")
        writer.kill()
        writer.wait()
        assert not is_going_on(tmp_path / "run")


def test_a_disk_that_is_full(tmp_path):
    """The run goes on, and the folder remembers why something is not in it."""
    folder = RunFolder(tmp_path / "run")
    with folder:
        assert not folder.trouble
        folder._events.close()
        folder._events = open("/dev/full", "w")  # noqa: SIM115, PTH123
        folder.event("sink", "ready")
        folder.metrics("sink", {"packets_rx": 1})
        assert folder.trouble == f"cannot write to {tmp_path / 'run'}: No space left on device"
    assert "packets_rx" in (tmp_path / "run" / "metrics.jsonl").read_text()
