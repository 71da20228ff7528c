"""The plan's table [expect]."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from b2b.errors import UsageError
from b2b.plan.load import load_plan
from b2b.plan.resolve import resolve
from harness.expect import SinkExpectation, expectations

TOPOLOGY = """[topology]
source.sip_target = "sip:sink"
source.audio_file = "a.wav"
sink = {}
"""


@pytest.fixture
def expected(tmp_path: Path):
    """Return a function that reads the expectations of a plan that ends with some lines."""
    (tmp_path / "a.wav").touch()

    def read(lines: str):
        (tmp_path / "x.plan.toml").write_text(TOPOLOGY + lines)
        return expectations(load_plan(tmp_path / "x.plan.toml", known_tables={"expect"}))

    return read


def test_a_plan_without_expectations(expected):
    """It is captured, but not judged."""
    assert expected("") is None


def test_defaults(expected):
    """An empty table asks for the 40 ms rule, nothing lost, PCMU, and the source's sound in every sink."""
    wanted = expected("[expect]\n")
    assert (wanted.max_gap_ms, wanted.max_lost, wanted.codec) == (40, 0, "PCMU")
    assert (wanted.max_duplicates, wanted.max_reordered) == (None, None)
    assert wanted.sinks == {"sink": SinkExpectation()}


def test_what_is_said(expected):
    """Of every leg, and of a sink by its name."""
    lines = ("duration_s = 60", "max_gap_ms = 80", 'codec = "pcma"', 'sink.dtmf = "+1 2"', "sink.level_db = -6")
    wanted = expected("\n".join(["[expect]", *lines, "max_duplicates = 0", "max_reordered = 2"]))
    assert (wanted.max_duplicates, wanted.max_reordered) == (0, 2)
    assert (wanted.duration_s, wanted.max_gap_ms, wanted.codec) == (60, 80, "PCMA")
    assert (wanted.sinks["sink"].dtmf, wanted.sinks["sink"].level_db) == ("12", -6)


def test_levels_may_be_below_zero(expected):
    """Against full scale, and of an echo; a limit of ppm may not."""
    limits = "max_echo_db = -30, max_residual_dbov = -45.5, min_active_dbov = -60, min_pesq = 3"
    sink = expected(f"[expect]\nsink = {{ {limits} }}").sinks["sink"]
    assert (sink.max_echo_db, sink.max_residual_dbov, sink.min_active_dbov, sink.min_pesq) == (-30, -45.5, -60, 3)


@pytest.mark.parametrize(
    ("lines", "says"),
    [
        ("max_gap = 40", "x.plan.toml:6: expect.max_gap: unknown key; did you mean max_gap_ms?"),
        ("max_gap_ms = true", "wanted a number of at least 0, came the boolean true"),
        ("max_lost = -1", "wanted a number of at least 0"),
        ("max_duplicates = -1", "wanted a number of at least 0"),
        ("codec = 8", "wanted text"),
        ("sink.max_drift_ppm = -1", "wanted a number of at least 0"),
        ('sink.max_echo_db = "low"', "wanted a number, came"),
        ("sink = 3", "wanted a table such as sink.dtmf"),
        ('sink.dtfm = "1"', "expect.sink.dtfm: unknown key; did you mean dtmf?"),
        ('sink.dtmf = "1x"', "came 'x'"),
        ('snik.dtmf = "1"', "did you mean sink?"),
    ],
)
def test_mistakes(expected, lines, says):
    """One sentence with file, line, key and what was meant."""
    with pytest.raises(UsageError) as caught:
        expected(f"[expect]\n{lines}\n")
    assert says in str(caught.value)


DEVICE = """[topology]
source = { sip_target = "sip:pbx", audio_file = "a.wav" }
pbx = { role = "external", address = "127.0.0.1:5060", command = ["x"], calls = "sink" }
sink = {}
"""


@pytest.mark.parametrize(("line", "says"), [
    ('source.hears = "snik"', "expect.source.hears: there is no such node 'snik'"),
    ('source.hears = "sink"', "expect.source.hears: there is no such node 'sink'; there is source"),
    ("source.hears = 5", "wanted the names of the nodes that are heard, came the integer 5"),
    ("source.level_db = 1", "expect.source.hears: wanted whom it hears, as in hears = 'source' for an echo"),
    ("pbx.max_ports = 1", "expect.pbx.max_ports: unknown key; did you mean max_more_ports?"),
    ("pbx = 5", "wanted a table such as pbx.max_more_ports = 0"),
    ("legs = 5", 'wanted a table such as legs."source -> pbx".codec'),
    ('legs."source to pbx".codec = "PCMA"', "wanted two nodes, as in"),
    ('legs."source -> pbxx".codec = "PCMA"', "there is no such node 'pbxx'; did you mean pbx?"),
    ('legs."source -> pbx".codek = "PCMA"', "unknown key; did you mean codec?"),
])  # fmt: skip
def test_what_is_refused_of_devices(tmp_path: Path, line: str, says: str) -> None:
    """With a suggestion where there is one."""
    (tmp_path / "a.wav").touch()
    path = tmp_path / "x.plan.toml"
    path.write_text(f"{DEVICE}[expect]\n{line}\n")
    with pytest.raises(UsageError, match=re.escape(says)):
        expectations(resolve(load_plan(path, known_tables={"expect"}), host_ip="127.0.0.1"))


def test_what_is_said_of_devices(tmp_path: Path) -> None:
    """Whom a source hears, what one leg is like, and what a device may keep."""
    (tmp_path / "a.wav").touch()
    path = tmp_path / "x.plan.toml"
    leg = 'legs."pbx -> sink" = { codec = "pcma", max_lost = 3 }'
    path.write_text("\n".join([DEVICE, "[expect]", 'source.hears = "source"', leg, "pbx.max_more_ports = 0"]))
    wanted = expectations(resolve(load_plan(path, known_tables={"expect"}), host_ip="127.0.0.1"))
    assert wanted.sinks["source"].hears == ("source",)
    own = wanted.of_leg("pbx", "sink")
    assert (own.codec, own.max_lost, own.max_gap_ms) == ("PCMA", 3, 40)
    assert wanted.of_leg("source", "pbx").codec == "PCMU"
    assert wanted.devices["pbx"].max_more_ports == 0
