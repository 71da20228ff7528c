"""The merged log as it is shown: tags, colours, marks, JSON, and an audience that leaves."""

from __future__ import annotations

import io
import json
import sys

import pytest
from stories import PAIRS, SK, SMK, node

from b2b.logs import LogLine
from b2b.orchestrator.console import COLOURS, PLAIN, Console, style_for

ANY = "2025-09-28T10:00:00.000+00:00"


class Terminal(io.StringIO):
    """A stream that says of itself that somebody sits before it."""

    def isatty(self) -> bool:
        """Say so."""
        return True


class Gone(io.StringIO):
    """A pipe whose reader has left."""

    def write(self, text: str) -> int:
        """Fail as the kernel does."""
        raise BrokenPipeError(32, "Broken pipe")


def line(msg: str, *, level: str = "INFO", **fields) -> LogLine:
    """Return a role's log line."""
    return LogLine(ts=ANY, level=level, role="any", msg=msg, fields=fields)


def console(nodes=SMK, *, color: str = "never", as_json: bool = False, run_log=None) -> Console:
    """Return a console on what is standard output now."""
    return Console(nodes, color=color, as_json=as_json, run_log=run_log)


@pytest.fixture(autouse=True)
def _no_wishes(monkeypatch):
    """Let nobody's own environment ask for colours or none."""
    monkeypatch.delenv("NO_COLOR", raising=False)
    monkeypatch.delenv("FORCE_COLOR", raising=False)


def test_the_tags_are_those_of_the_requirements(capsys):
    """All four are four letters wide, and lines come out in the order in which they are shown."""
    shown = console()
    shown.say("started sink pid=1234", mark="✓")
    shown.show("sink", line("listening sip=127.0.0.1:5062"))
    shown.show("mixer", line("dialing target=sip:127.0.0.1:5062"))
    shown.show("source", line("streaming file=sample.mp3 ptime=20ms"))
    assert capsys.readouterr().out == (
        "[ORCH] ✓ started sink pid=1234\n"
        "[SINK] listening sip=127.0.0.1:5062\n"
        "[MIX ] dialing target=sip:127.0.0.1:5062\n"
        "[SRC ] streaming file=sample.mp3 ptime=20ms\n"
    )


@pytest.mark.parametrize(("nodes", "tags"), [
    (PAIRS, ["[ORCH ]", "[a    ]", "[ear_a]", "[b    ]", "[ear_b]"]),
    ((node("x", "source"), node("y", "sink")), ["[ORCH]", "[x   ]", "[y   ]"]),
    ((*SK, node("loudspeaker", "sink")), ["[ORCH       ]", "[SRC        ]", "[SINK       ]", "[loudspeaker]"]),
    ((node("mixer", "sink"), node("sink", "mixer")), ["[ORCH ]", "[mixer]", "[sink ]"]),
])  # fmt: skip
def test_other_nodes_have_their_own_names(capsys, nodes, tags):
    """A node that is not named after its role has its own name for a tag; all tags are equally wide."""
    shown = console(nodes)
    shown.say("x")
    for each in nodes:
        shown.show(each.name, line("x"))
    assert capsys.readouterr().out.splitlines() == [f"{tag} x" for tag in tags]


def test_the_colours_are_those_of_the_requirements(capsys):
    """Yellow, green, magenta and blue, by role whatever the name, and nothing of the message is coloured."""
    nodes = (*SMK, node("ear", "sink"), node("voice", "source"), node("via", "mixer"))
    shown = console(nodes, color="always")
    shown.say("x")
    for name in ("source", "voice", "mixer", "via", "sink", "ear"):
        shown.show(name, line("x"))
    assert capsys.readouterr().out.splitlines() == [
        "\x1b[33m[ORCH ]\x1b[0m x",
        "\x1b[32m[SRC  ]\x1b[0m x", "\x1b[32m[voice]\x1b[0m x",
        "\x1b[35m[MIX  ]\x1b[0m x", "\x1b[35m[via  ]\x1b[0m x",
        "\x1b[34m[SINK ]\x1b[0m x", "\x1b[34m[ear  ]\x1b[0m x",
    ]  # fmt: skip


@pytest.mark.parametrize(("level", "mark"), [("DEBUG", ""), ("INFO", ""), ("WARNING", "! "), ("ERROR", "✗ ")])
def test_what_matters_is_marked(capsys, level, mark):
    """Warnings and errors catch the eye without colours, too; a mark of one's own goes first."""
    shown = console()
    shown.show("sink", line("x", level=level))
    shown.say("y", node="sink", level=level, mark="✓")
    assert capsys.readouterr().out == f"[SINK] {mark}x\n[SINK] ✓ y\n"


def test_marks_are_coloured(capsys):
    """Green, yellow and red say at a glance how it goes."""
    shown = console(color="always")
    shown.say("x", mark="✓")
    shown.say("x", level="WARNING")
    shown.say("x", level="ERROR")
    marks = [line.removeprefix("\x1b[33m[ORCH]\x1b[0m ") for line in capsys.readouterr().out.splitlines()]
    assert marks == ["\x1b[32m✓\x1b[0m x", "\x1b[33m!\x1b[0m x", "\x1b[31m✗\x1b[0m x"]


@pytest.mark.parametrize(("color", "stream", "environment", "coloured"), [
    ("auto", Terminal, {}, True),
    ("auto", io.StringIO, {}, False),
    ("auto", Terminal, {"NO_COLOR": "1"}, False),
    ("auto", Terminal, {"NO_COLOR": ""}, True),
    ("auto", io.StringIO, {"FORCE_COLOR": "1"}, True),
    ("auto", io.StringIO, {"FORCE_COLOR": ""}, False),
    ("always", io.StringIO, {}, True),
    ("always", io.StringIO, {"NO_COLOR": "1"}, True),
    ("never", Terminal, {}, False),
    ("never", Terminal, {"FORCE_COLOR": "1"}, False),
])  # fmt: skip
def test_when_there_are_colours(monkeypatch, color, stream, environment, coloured):
    """A flag decides; without one NO_COLOR and FORCE_COLOR do, where they are not empty; and then the terminal."""
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    assert style_for(color, stream()) is (COLOURS if coloured else PLAIN)


def test_json_lines(capsys):
    """Each line is an object with the node, and with what the role's line had; no tag, no mark, no colour."""
    shown = console((*SK, node("ear", "sink")), color="always", as_json=True)
    fields = {"event": "failed", "code": 66}
    shown.show("ear", LogLine(ts=ANY, level="ERROR", role="sink", msg="no “sound”", fields=fields))
    shown.say("started ear pid=1", mark="✓")
    lines = capsys.readouterr().out.splitlines()
    first, second = map(json.loads, lines)
    assert first == {"ts": ANY, "level": "ERROR", "role": "sink", "msg": "no “sound”", "node": "ear", **fields}
    assert second == {"ts": second["ts"], "level": "INFO", "role": "orchestrator", "msg": "started ear pid=1",
                      "node": "orchestrator"}  # fmt: skip
    assert "\x1b" not in "".join(lines)


@pytest.mark.parametrize("as_json", [False, True])
@pytest.mark.parametrize("color", ["always", "never"])
def test_the_run_log_has_no_colours(capsys, as_json, color):
    """Whatever is shown, run.log is text with times, tags and marks, complete at any moment."""
    kept = io.StringIO()
    shown = console(color=color, as_json=as_json, run_log=kept)
    shown.show("mixer", line("no digit", level="WARNING"))
    assert kept.getvalue() == f"{ANY} [MIX ] ! no digit\n"
    shown.say("started", mark="✓")
    stamp, rest = kept.getvalue().splitlines()[1].split(" ", 1)
    assert rest == "[ORCH] ✓ started"
    assert len(stamp) == len(ANY)
    assert "\x1b" in capsys.readouterr().out or color == "never" or as_json


def test_the_run_log_is_there_at_any_moment(tmp_path, capsys):
    """Whoever reads run.log while the run goes on sees the last line, whole."""
    with (tmp_path / "run.log").open("w") as kept:
        console(run_log=kept).show("sink", line("x"))
        assert (tmp_path / "run.log").read_text() == f"{ANY} [SINK] x\n"
    capsys.readouterr()


@pytest.mark.filterwarnings("ignore::ResourceWarning")  # of the file that nobody reads
@pytest.mark.parametrize("stream", ["closed", "broken"])
def test_the_audience_may_leave(monkeypatch, stream):
    """Nobody reads us any more: the run goes on, and its log is complete."""
    output = Gone() if stream == "broken" else io.StringIO()
    monkeypatch.setattr(sys, "stdout", output)
    kept = io.StringIO()
    shown = console(run_log=kept)
    if stream == "closed":
        output.close()
    for word in ("one", "two", "three"):
        shown.say(word)
    assert [text.split()[-1] for text in kept.getvalue().splitlines()] == ["one", "two", "three"]


@pytest.mark.filterwarnings("ignore::ResourceWarning")
@pytest.mark.parametrize("color", ["auto", "never"])
def test_there_may_be_no_output_at_all(monkeypatch, color):
    """`b2b … >&-` runs as well, and keeps its log."""
    monkeypatch.setattr(sys, "stdout", None)
    kept = io.StringIO()
    console(color=color, run_log=kept).say("one")
    assert kept.getvalue().endswith(" [ORCH] one\n")


@pytest.mark.filterwarnings("ignore::ResourceWarning")
def test_a_terminal_without_ticks(monkeypatch):
    """Where the encoding has no ✓ something stands in for it, and the output goes on."""
    seen = io.BytesIO()
    monkeypatch.setattr(sys, "stdout", io.TextIOWrapper(seen, encoding="latin-1"))
    shown = console()
    shown.say("started", mark="✓")
    shown.say("stopped")
    assert [text.split()[-1] for text in seen.getvalue().splitlines()] == [b"started", b"stopped"]


def test_no_escapes_from_a_plan(capsys):
    """A key of the plan that is quoted in a warning brings neither colours nor lines of its own."""
    kept = io.StringIO()
    console(run_log=kept).say("unknown table [\x1b[31mred\n] ignored", level="WARNING")
    shown = capsys.readouterr().out + kept.getvalue()
    assert "\x1b" not in shown
    assert shown.count("\n") == 2


def test_what_is_shown_elsewhere_is_not_printed(capsys):
    """It is kept all the same, and printed again as soon as nobody else shows it."""
    run_log, elsewhere = io.StringIO(), [True]
    shown = Console(SK, color="never", as_json=False, run_log=run_log, shown_elsewhere=lambda: elsewhere[0])
    shown.say("one")
    elsewhere[0] = False
    shown.say("two")
    assert capsys.readouterr().out == "[ORCH] two\n"
    assert [line.partition(" ")[2] for line in run_log.getvalue().splitlines()] == ["[ORCH] one", "[ORCH] two"]
