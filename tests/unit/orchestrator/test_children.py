"""Roles as processes: the command line of a node, and what its process does as events."""

from __future__ import annotations

import queue
import time
from pathlib import Path

import pytest
from stories import node

from b2b.cli import roles
from b2b.flags import DEFAULT_APLAY, plan_flags
from b2b.orchestrator import children
from b2b.orchestrator.children import RoleProcess, relative, role_command
from b2b.orchestrator.events import Event, Exited, WordsSeen
from b2b.orchestrator.folder import RunFolder
from b2b.orchestrator.run import Wishes, extra_flags
from b2b.plan.load import load_plan
from b2b.plan.model import Node, Plan
from b2b.plan.resolve import resolve

PATIENCE_S = 20.0  # for a Python that starts in a third of a second
PLAN = """\
[topology.source]
sip_target = "sip:me@127.0.0.1:5063"
audio_file = "it's a file.wav"
{source}
[topology.via]
role = "mixer"
sip_bind = "127.0.0.1:5063"
sip_target = "sip:sink"
{via}
[topology.sink]
{sink}
"""
NOTHING = Wishes(duration_s=None, listen=False, kill_s=15.0)


@pytest.fixture
def planned(tmp_path):
    """Return a function that makes a resolved plan with more settings for some of its nodes."""
    (tmp_path / "it's a file.wav").touch()

    def make(*, source: str = "", via: str = "", sink: str = "") -> Plan:
        (tmp_path / "x.toml").write_text(PLAN.format(source=source, via=via, sink=sink))
        return resolve(load_plan(tmp_path / "x.toml", known_tables=()), host_ip="127.0.0.1")

    return make


def command(each: Node, extra: dict[str, str] | None = None) -> list[str]:
    """Return a node's command line with its own target."""
    return role_command(each, target=each.settings.get("sip_target"), extra=extra or {})


def test_defaults_are_left_out(planned, tmp_path):
    """The command line says what the plan says, and nothing that is so anyway."""
    plan = planned()
    sound = str(tmp_path / "it's a file.wav")
    assert command(plan.node("source")) == ["source", "--target", "sip:me@127.0.0.1:5063", "--audio-file", sound]
    assert command(plan.node("via")) == [
        "mixer", "--sip-bind", "127.0.0.1:5063", "--target", "sip:sink", "--sip-user", "me",
    ]  # fmt: skip
    assert command(plan.node("sink")) == ["sink"]


@pytest.mark.parametrize(("setting", "words"), {
    "prebuffer_ms = 1000": ["--prebuffer-ms", "1000"],
    "prebuffer_ms = 0": ["--prebuffer-ms", "0"],
    "duration_s = 10": ["--duration-s", "10.0"],
    "duration_s = 0.1": ["--duration-s", "0.1"],
    "loop = true": ["--loop"],
    "loop = false": [],
    "ptime_ms = 20": ["--ptime-ms", "20"],
}.items())
def test_what_is_given_is_kept(planned, setting, words):
    """Also a value that is the default anyway; a switch is said alone, or not at all."""
    plain = command(planned().node("source"))
    assert [word for word in command(planned(source=setting).node("source")) if word not in plain] == words


def test_the_player_that_was_asked_for_is_kept(planned):
    """A sink that records plays only where a player was said, so the default player must be said too."""
    sink = planned(sink=f'aplay_cmd = "{DEFAULT_APLAY}"').node("sink")
    assert command(sink) == ["sink", "--aplay-cmd", DEFAULT_APLAY]


def test_the_target_is_that_of_the_moment(planned):
    """The port that a READY has told replaces what the plan had."""
    assert role_command(planned().node("via"), target="sip:127.0.0.1:40001", extra={})[3:5] == [
        "--target", "sip:127.0.0.1:40001",
    ]  # fmt: skip


def test_extra_flags_come_last(planned):
    """What the run adds wins over the plan; an option without a value is a switch."""
    extra = {"--log-format": "json", "--supervised": ""}
    assert command(planned().node("sink"), extra) == ["sink", "--log-format", "json", "--supervised"]


EVERYTHING = {
    "nothing more": {},
    "all of a source": {"source": 'sip_bind = "127.0.0.1:5070"\nprebuffer_ms = 0\nptime_ms = 40\ncodec = "pcmu"\n'
                                  "loop = true\nduration_s = 1e-3\ndial_timeout_ms = 1"},
    "all of a mixer": {"via": 'dtmf_seq = "+1 23*#ABCD"\ndtmf_period_ms = 100000\ndtmf_tone_ms = 40\n'
                              "dtmf_pause_ms = 500\nmix_gain_in = 0\nmix_gain_dtmf = 1e-07\ndial_timeout_ms = 99999\n"
                              'sip_user = "+44.x"'},
    "no digits": {"via": 'dtmf_seq = ""\nmix_gain_in = 123456789.123456789'},
    "all of a sink": {"sink": "sip_user = 'a$b&c'\naplay_cmd = '''sh -c \"cat > /dev/null\"'''"},
    "no player": {"sink": "aplay_cmd = ''"},
    "a player like a flag": {"sink": "aplay_cmd = '--help'"},
    "a user like a flag": {"sink": "sip_user = '-h'"},
}  # fmt: skip


@pytest.mark.parametrize("more", EVERYTHING.values(), ids=EVERYTHING)
@pytest.mark.parametrize("wishes", [NOTHING, Wishes(duration_s=10.5, listen=True, kill_s=0.0)], ids=["plain", "listen"])
def test_what_is_written_is_read(planned, tmp_path, more, wishes):
    """The command line that role_command() writes gives the role the very settings that the plan has."""
    plan = planned(**more)
    for each in plan.nodes:
        line = command(each, extra_flags(each, wishes, RunFolder(tmp_path / "run")))
        read = getattr(roles, line[0]).make_context(line[0], line[1:]).params
        assert line[0] == each.role
        assert read["supervised"] is True
        assert read["log_format"] == "json"
        assert read["work_dir"] == tmp_path / "run" / each.name
        assert read["kill_after_s"] == wishes.kill_s
        changed = {"duration_s"} if wishes.duration_s else set()
        changed |= {"aplay_cmd"} if wishes.listen else set()
        for key in plan_flags(each.role).keys() - changed:
            got = read["target" if key == "sip_target" else key]
            assert got == each.settings.get(key) or str(got) == each.settings[key], key


@pytest.mark.parametrize(("wishes", "sink", "player"), [
    (NOTHING, "", None),
    (Wishes(None, listen=True, kill_s=15), "", DEFAULT_APLAY),
    (Wishes(None, listen=True, kill_s=15), "aplay_cmd = 'mine'", None),
])
def test_what_a_sink_is_told(planned, tmp_path, wishes, sink, player):
    """Each sink records after its name; it plays besides with --listen, where the plan has no player of its own."""
    told = extra_flags(planned(sink=sink).node("sink"), wishes, RunFolder(tmp_path))
    assert told["--capture"] == str(tmp_path / "sink.wav")
    assert told.get("--aplay-cmd") == player


@pytest.mark.parametrize("name", ["via", "sink"])
def test_only_the_source_is_told_the_duration(planned, tmp_path, name):
    """The others end with its call."""
    wishes = Wishes(duration_s=10.0, listen=False, kill_s=15)
    assert "--duration-s" not in extra_flags(planned().node(name), wishes, RunFolder(tmp_path))


def test_the_length_that_the_plan_expects(planned, tmp_path):
    """It holds where neither the command line nor the source itself has another."""
    wishes = Wishes(duration_s=None, listen=False, kill_s=15, expected_s=5.0)
    silent, own = planned().node("source"), planned(source="duration_s = 9").node("source")
    assert extra_flags(silent, wishes, RunFolder(tmp_path))["--duration-s"] == "5.0"
    assert "--duration-s" not in extra_flags(own, wishes, RunFolder(tmp_path))


@pytest.mark.parametrize("duration_s", [
    10.0, 0.25, 3600.5,
    86400.25,
    1000001.0,
])
def test_the_duration_is_told_exactly(planned, tmp_path, duration_s):
    """A soak test of days lasts what was asked for."""
    wishes = Wishes(duration_s=duration_s, listen=False, kill_s=15)
    assert float(extra_flags(planned().node("source"), wishes, RunFolder(tmp_path))["--duration-s"]) == duration_s


def test_the_duration_of_the_command_line_wins(planned, tmp_path):
    """--duration-s, else the plan's."""
    wishes = Wishes(duration_s=5.0, listen=False, kill_s=15)
    each = planned(source="duration_s = 60").node("source")
    line = command(each, extra_flags(each, wishes, RunFolder(tmp_path)))
    assert roles.source.make_context("source", line[1:]).params["duration_s"] == 5.0


def played(arguments: list[str], name: str = "ear") -> tuple[RoleProcess, list[Event]]:
    """Run `b2b …` under a node's name and return it with its events, up to its end."""
    inbox: queue.SimpleQueue[Event] = queue.SimpleQueue()
    process = RoleProcess(node(name, "sink"), arguments, inbox.put)
    events = [inbox.get(timeout=PATIENCE_S)]
    while not isinstance(events[-1], Exited):
        events.append(inbox.get(timeout=PATIENCE_S))
    assert process._process.stdin
    process._process.stdin.close()
    return process, events


def test_output_and_end_arrive_as_events():
    """Every line of a process is an event with the node's name, in order, and its exit code comes last."""
    _process, events = played(["sink", "--help"])
    text = [event.words for event in events[:-1] if isinstance(event, WordsSeen)]
    assert len(text) == len(events) - 1
    assert text[0] == "Usage: b2b sink [OPTIONS]"
    assert any("--aplay-cmd COMMAND" in line for line in text)
    assert events[-1] == Exited("ear", 0)
    assert {event.node for event in events if isinstance(event, WordsSeen)} == {"ear"}


def test_the_last_words_come_before_the_end(monkeypatch):
    """Why a role has failed is known when its end is, however slowly we read."""

    def read_slowly(text: str) -> str:
        time.sleep(0.004)
        return text

    monkeypatch.setattr(children, "printable", read_slowly)
    _process, events = played(["sink", "--help"])
    assert "no TLS" in str(events[-2])


def test_a_command_line_that_is_refused_arrives_as_events():
    """What a role says to a flag that it does not have is heard, and so is its 64."""
    _process, events = played(["sink", "--audio-file", "x"])
    assert events[-1] == Exited("ear", 64)
    assert any("--audio-file" in event.words for event in events if isinstance(event, WordsSeen))


def test_what_is_done_to_the_gone_is_no_error():
    """Between its end and our hearing of it somebody may want to stop, kill or release a process."""
    process, _events = played(["--version"])
    process.terminate()
    process.kill()
    process.terminate()


@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
def test_a_release_that_comes_too_late_is_forgotten():
    """Nothing of the `start` for a role that has just died is left to be complained about."""
    inbox: queue.SimpleQueue[Event] = queue.SimpleQueue()
    process = RoleProcess(node("ear", "sink"), ["--version"], inbox.put)
    while not isinstance(inbox.get(timeout=PATIENCE_S), Exited):
        pass
    process.release()
    assert process._process.stdin
    process._process.stdin.close()


def test_a_path_is_told_as_short_as_it_can_be(tmp_path, monkeypatch):
    """Below where we are it is relative, elsewhere it is whole."""
    monkeypatch.chdir(tmp_path)
    assert relative(tmp_path / "a" / "b") == str(Path("a/b"))
    assert relative(tmp_path.parent) == str(tmp_path.parent)
