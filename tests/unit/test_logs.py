"""The lines that roles write: READY, text and JSON."""

from __future__ import annotations

import io
import json
import os
import select
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, TextIO

import pytest

from b2b import clock
from b2b.logs import Log, LogLine, Ready, printable

NOW = "2025-09-28T12:00:00.123+02:00"
READY = Ready(role="sink", sip="127.0.0.1:5062", codec="pcmu", ptime_ms=20)
READY_LINE = "READY role=sink sip=127.0.0.1:5062 codec=pcmu ptime=20ms"


@pytest.fixture(autouse=True)
def _stopped_clock(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let every line be of the same moment."""
    monkeypatch.setattr(clock, "timestamp", lambda: NOW)


MakeLog = Callable[..., Log]


@pytest.fixture
def log_to(monkeypatch: pytest.MonkeyPatch) -> Iterator[MakeLog]:
    """Return a function that makes a role's log on another standard output than ours."""
    made = []

    def make(stream: TextIO, *, as_json: bool = False, copy: TextIO | None = None) -> Log:
        monkeypatch.setattr(sys, "stdout", stream)
        made.append(Log("source", as_json=as_json, copy=copy))
        return made[-1]

    yield make
    for log in made:
        log._stream.close()


@pytest.mark.parametrize(("level", "write"), [("INFO", Log.info), ("WARNING", Log.warning), ("ERROR", Log.error)])
def test_a_text_line_has_time_level_role_and_message(
    capsys: pytest.CaptureFixture[str], level: str, write: Callable[..., None]
) -> None:
    """As the requirements fix it: `<ts> <level> <role> <msg>`; the fields are for machines."""
    write(Log("mixer", as_json=False), "dialing target=sip:x", event="dialing", target="sip:x")
    assert capsys.readouterr().out == f"{NOW} {level} mixer dialing target=sip:x\n"


@pytest.mark.parametrize(
    ("level", "write"), [("DEBUG", Log.debug), ("INFO", Log.info), ("WARNING", Log.warning), ("ERROR", Log.error)]
)
def test_a_json_line_has_them_and_the_events_own_fields(
    capsys: pytest.CaptureFixture[str], level: str, write: Callable[..., None]
) -> None:
    """One object in one line."""
    write(Log("source", as_json=True), "played é", event="x", count=3, share=0.5, nothing=None, yes=True)
    [line] = capsys.readouterr().out.splitlines()
    own = {"ts": NOW, "level": level, "role": "source", "msg": "played é"}
    assert json.loads(line) == {**own, "event": "x", "count": 3, "share": 0.5, "nothing": None, "yes": True}


def test_the_text_format_leaves_out_what_only_a_machine_wants(capsys: pytest.CaptureFixture[str]) -> None:
    """DEBUG lines are in JSON alone."""
    Log("sink", as_json=False).debug("CALL_RTCP", event="CALL_RTCP")
    assert capsys.readouterr().out == ""


def test_a_field_never_hides_what_every_line_has(capsys: pytest.CaptureFixture[str]) -> None:
    """Even if it is called so."""
    Log("sink", as_json=True).info("said", ts="x", level="y", role="z")
    line = json.loads(capsys.readouterr().out)
    assert (line["ts"], line["level"], line["role"]) == (NOW, "INFO", "sink")


@pytest.mark.parametrize("as_json", [False, True], ids=["text", "json"])
def test_ready_is_the_same_in_both_formats(capsys: pytest.CaptureFixture[str], as_json: bool) -> None:
    """One line, as the requirements fix it."""
    Log("sink", as_json=as_json).ready(READY)
    assert capsys.readouterr().out == READY_LINE + "\n"


@pytest.mark.parametrize("line", [READY_LINE, READY_LINE + "\n", READY_LINE + "\r\n", f"  {READY_LINE}"])
def test_ready_is_read_as_it_was_written(line: str) -> None:
    """With or without its end of line."""
    assert Ready.parse(line) == READY


@pytest.mark.parametrize(
    "line",
    [
        "",
        "READY",
        "READY role=sink",
        f"{NOW} INFO sink {READY_LINE}",
        READY_LINE + " and more",
        READY_LINE.replace("20ms", "20"),
        READY_LINE.replace("20ms", "xms"),
        READY_LINE.lower(),
    ],
)
def test_no_other_line_is_taken_for_ready(line: str) -> None:
    """Not even one that talks of it."""
    assert Ready.parse(line) is None


@pytest.mark.parametrize(
    ("said", "shown"),
    [
        ("plain", "plain"),
        ("ä € ✓ 声", "ä € ✓ 声"),
        ("two\nlines", "two lines"),
        ("tab\there", "tab here"),
        ("end\r\n", "end"),
        ("\x1b[31mred\x1b[0m", "�[31mred�[0m"),
        ("\x9b31mred", "�31mred"),
        ("bell\x07 null\x00 delete\x7f", "bell� null� delete�"),
        ("back\rspace\x08", "back�space�"),
        ("", ""),
    ],
)
def test_control_characters_reach_no_terminal(said: str, shown: str) -> None:
    """They come in other people's words: a SIP reason, a player's last line."""
    assert printable(said) == shown


@pytest.mark.parametrize("as_json", [False, True], ids=["text", "json"])
def test_a_message_is_always_one_line(capsys: pytest.CaptureFixture[str], as_json: bool) -> None:
    """Or it could pretend to be another one."""
    Log("sink", as_json=as_json).info(f"first\n{READY_LINE}\r\n\x1b[2J")
    out = capsys.readouterr().out
    assert out.count("\n") == 1
    assert "\x1b" not in out
    assert not [line for line in out.splitlines() if Ready.parse(line)]


def test_control_characters_in_a_json_field_reach_no_terminal(capsys: pytest.CaptureFixture[str]) -> None:
    """A caller chooses its own name; JSON has an escape for every character."""
    Log("sink", as_json=True).info("incoming", peer="sip:\x1b[31m\x7f\x9b31m@x")
    out = capsys.readouterr().out
    assert json.loads(out)["peer"] == "sip:\x1b[31m\x7f\x9b31m@x"
    assert out.rstrip("\n").isprintable()


@pytest.mark.parametrize("as_json", [False, True], ids=["text", "json"])
def test_a_role_s_own_log_gets_every_line(capsys: pytest.CaptureFixture[str], as_json: bool) -> None:
    """The same as standard output."""
    copy = io.StringIO()
    log = Log("sink", as_json=as_json, copy=copy)
    log.info("one", count=1)
    log.ready(READY)
    log.error("two")
    assert copy.getvalue() == capsys.readouterr().out
    assert copy.getvalue().count("\n") == 3


def test_a_line_is_there_as_soon_as_it_was_said(log_to: MakeLog, tmp_path: Path) -> None:
    """The orchestrator waits for READY at the other end; and a role that is killed leaves its whole log."""
    reading, writing = os.pipe()
    with (tmp_path / "role.log").open("w") as copy:
        log = log_to(os.fdopen(writing, "w"), copy=copy)
        log.ready(READY)
        assert (tmp_path / "role.log").read_text() == READY_LINE + "\n"
        assert select.select([reading], [], [], 0)[0]
        assert os.read(reading, 4096).decode() == READY_LINE + "\n"
    os.close(reading)


class Broken(io.StringIO):
    """Standard output whose reader is gone, or which is closed."""

    def __init__(self, error: Exception) -> None:
        super().__init__()
        self._broken_by = error

    def write(self, _text: str) -> int:
        """Fail."""
        raise self._broken_by


@pytest.mark.parametrize("error", [BrokenPipeError(), OSError(28, "No space left"), ValueError("closed file")])
def test_a_broken_standard_output_ends_no_call(log_to: MakeLog, error: Exception) -> None:
    """Whoever read our lines is gone; the role's own log still gets them all."""
    copy = io.StringIO()
    log = log_to(Broken(error), copy=copy)
    log.info("one")
    log.ready(READY)
    log.info("two")
    assert copy.getvalue().splitlines() == [f"{NOW} INFO source one", READY_LINE, f"{NOW} INFO source two"]


@pytest.mark.parametrize("as_json", [False, True], ids=["text", "json"])
def test_a_file_name_in_another_encoding_does_not_silence_the_log(log_to: MakeLog, as_json: bool) -> None:
    """Python carries its bytes as characters that UTF-8 has no code for."""
    raw = io.BytesIO()
    log = log_to(io.TextIOWrapper(raw, encoding="utf-8", errors="strict", line_buffering=True), as_json=as_json)
    log.error(f"audio file {os.fsdecode(b'caf' + bytes([0xE9]) + b'.mp3')} does not exist")
    log.info("exit code=66")
    assert raw.getvalue().count(b"\n") == 2
    assert b"caf" in raw.getvalue()


@pytest.mark.parametrize("length", [10, 9000])
def test_a_role_without_a_reader_keeps_its_exit_code(length: int) -> None:
    """Python itself would say 120, for it could not write out what was left."""
    reading, writing = os.pipe()
    os.close(reading)
    script = (
        "import sys; from b2b.logs import Log\nLog('sink', as_json=False).info('x' * int(sys.argv[1])); sys.exit(66)"
    )
    command = [sys.executable, "-c", script, str(length)]
    process = subprocess.run(command, stdout=writing, stderr=subprocess.PIPE, check=False)
    os.close(writing)
    assert (process.returncode, process.stderr) == (66, b"")


def test_lines_of_several_threads_stay_whole(capsys: pytest.CaptureFixture[str]) -> None:
    """The media thread, the log reader and the desk write at once."""
    log = Log("mixer", as_json=True)

    def write(name: int) -> None:
        for count in range(100):
            log.info("x" * 50, name=name, count=count)

    threads = [threading.Thread(target=write, args=(name,)) for name in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    lines = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert sorted((line["name"], line["count"]) for line in lines) == [(n, c) for n in range(4) for c in range(100)]


@pytest.mark.parametrize(
    "line",
    [
        LogLine(ts=NOW, level="INFO", role="sink", msg="heard é"),
        LogLine(ts=NOW, level="ERROR", role="sink", msg="", fields={"code": 66, "nested": {"a": [1, None]}}),
    ],
)
def test_a_json_line_is_read_as_it_was_written(line: LogLine) -> None:
    """The orchestrator gets back what the role said."""
    assert LogLine.parse(line.json()) == line


@pytest.mark.parametrize(
    "line",
    ["", "text", f"{NOW} INFO sink text", "5", "null", "[]", '"text"', "{}", '{"ts": "x"}', '{"ts": "x", "level"', "{"],
)
def test_what_is_no_json_line_is_none(line: str) -> None:
    """A role's child may write anything."""
    assert LogLine.parse(line) is None


def test_values_of_other_types_are_read_as_text() -> None:
    """The four that every line has are always text."""
    values: dict[str, Any] = {"ts": 1, "level": None, "role": True, "msg": 2.5}
    assert LogLine.parse(json.dumps(values)) == LogLine(ts="1", level="None", role="True", msg="2.5")


def test_a_copy_that_cannot_be_written(capsys):
    """A disk that is full is no reason to lose the call."""
    with open("/dev/full", "w", buffering=1) as copy:  # noqa: PTH123
        Log("sink", as_json=False, copy=copy).info("hello")
        assert "INFO sink hello" in capsys.readouterr().out
        os.dup2(os.open(os.devnull, os.O_WRONLY), copy.fileno())
