"""How a run looks in a terminal: at every width, without colours, and whatever the log says."""

from __future__ import annotations

import io
import json
import re

import pytest
from rich.console import Console

from calls.synthetic import ANSWERED_S, check, make_run
from harness.watch.state import Role
from harness.watch.view import log_line, view
from harness.watch.watched import Watched

ESCAPE = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]")


@pytest.fixture
def watched(tmp_path):
    """Return a run that is over: two packets were lost, and the host was stalled."""
    make_run(tmp_path, lost=(50, 51), checks=[check("gap", "fail")])
    add(tmp_path / "events.jsonl", wall_s=ANSWERED_S + 4, event="CALL_CLOSED", node="source")
    add(tmp_path / "metrics.jsonl", node="sink", packets_rx=198, rtp_loss=2, jitter_ms_p95=1.25, cpu_pct=2.0)
    add(tmp_path / "host.jsonl", start_s=ANSWERED_S, length_s=0.033)
    summary = json.loads((tmp_path / "summary.json").read_text()) | {"exit_code": 1}
    (tmp_path / "summary.json").write_text(json.dumps(summary))
    (tmp_path / "run.log").write_text("2026 [ORCH] begun\n2026 [ORCH] 00:05  sink rx=198\n")
    watched = Watched(tmp_path)
    while not watched.ended:
        watched.read()
    return watched


def add(path, **values):
    """Add a line of JSON."""
    with path.open("a") as file:
        file.write(json.dumps(values) + "\n")


def drawn(thing, width, **more):
    """Return what is drawn, as written to a terminal of that width."""
    out = io.StringIO()
    console = Console(file=out, force_terminal=True, color_system="standard", width=width, legacy_windows=False, **more)
    console.print(thing)
    return out.getvalue()


def test_everything_that_is_known_of_a_run_is_there(watched):
    """Its end, each role, each leg, what the sink heard, and that the host was stalled."""
    text = ESCAPE.sub("", drawn(view(watched, now_s=ANSWERED_S + 60, width=120), 120))
    assert re.search(rf"^{re.escape(watched.name)}  failed  00:04$", text, re.MULTILINE)
    assert re.search(r"^sink +ready +– +198 +2 +1\.25 ms +2\.0 %$", text, re.MULTILINE)
    assert re.search(r"^source +call over +", text, re.MULTILINE)
    assert re.search(r"^source → sink +198 +2 +60\.0 ms at 00:00 +1 +-96\.0", text, re.MULTILINE)
    assert re.search(r"^sink +-\d\d\.\d +━+.* 1  \(1\)$", text, re.MULTILINE)
    assert "this machine held up the call, for 33 ms at most" in text


@pytest.mark.parametrize("width", [24, 30, 36, 43, 52, 60, 72, 80, 100, 250])
def test_no_line_is_wider_than_the_terminal(watched, width):
    """Where there is no room the less important columns go, never the name nor the worst gap."""
    text = ESCAPE.sub("", drawn(view(watched, now_s=ANSWERED_S + 60, width=width), width))
    assert max(map(len, text.splitlines())) <= width
    assert "source" in text
    assert ("60.0 ms" in text) or width < 40


def test_no_colours_where_none_are_wanted(watched):
    """NO_COLOR leaves bold and dim."""
    picture = view(watched, now_s=ANSWERED_S + 60, width=80)
    assert re.search(r"\x1b\[[0-9;]*3[0-7]m", drawn(picture, 80))
    assert not re.search(r"\x1b\[[0-9;]*[349][0-7]m", drawn(picture, 80, no_color=True))


def test_a_leg_that_falls_silent_in_a_call_that_goes_on_says_so(watched):
    """At once, for the gap has no end yet."""
    watched.going_on, watched.state.ended_at_s = True, None
    assert "silent for 9 s" in drawn(view(watched, now_s=ANSWERED_S + 12.98, width=120), 120)
    assert "silent for" not in drawn(view(watched, now_s=ANSWERED_S + 4.2, width=120), 120)


@pytest.mark.parametrize(
    ("line", "shown"),
    [
        ("[SRC ] streaming file=a.mp3", "\x1b[32m[SRC ]\x1b[0m streaming file=a.mp3"),
        ("[ORCH       ] ✓ done", "\x1b[33m[ORCH       ]\x1b[0m\x1b[32m ✓\x1b[0m done"),
        ("[ear_a] ✗ gone", "\x1b[34m[ear_a]\x1b[0m\x1b[31m ✗\x1b[0m gone"),
        ("[SINK] \x1b[2J\x1b]0;t\x07 [bold]no[/bold]", "\x1b[34m[SINK]\x1b[0m �[2J�]0;t� [bold]no[/bold]"),
        ("[stranger] \x9b2J", "[stranger] �2J"),
        ("nonsense", "nonsense"),
        ("", ""),
    ],
)
def test_a_line_of_the_log_has_our_colours_and_no_escapes_of_its_own(line, shown):
    """They could do anything to a terminal."""
    roles = {"ear_a": Role("ear_a", "sink")}
    assert drawn(log_line(line, roles), 200, markup=False, highlight=False).rstrip("\n") == shown


def test_a_run_is_read_only_once(watched):
    """A reading after the end brings nothing new."""
    before = [(leg.packets, leg.gaps, leg.lost) for leg in watched.legs]
    assert watched.read() == []
    assert [(leg.packets, leg.gaps, leg.lost) for leg in watched.legs] == before == [(198, 1, 2)]
