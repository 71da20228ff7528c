"""What a good plan is read as."""

from __future__ import annotations

import pytest

from b2b.plan.load import load_plan
from b2b.plan.resolve import speed_of

GOOD = """\
[topology]
source.sip_target = "sip:127.0.0.1:5062"
source.audio_file = "a.wav"
sink.sip_bind = "127.0.0.1:5062"
"""


def test_settings_are_those_given_and_the_defaults(read_plan):
    """A node has every key that has a value, and knows which of them the user gave."""
    sink = read_plan(GOOD).node("sink")
    assert sink.settings == {
        "sip_bind": "127.0.0.1:5062", "codec": "pcmu", "transport": "udp",
        "password_env": "B2B_PASSWORD", "sip_user": "b2b", "aplay_cmd": "aplay -f S16_LE -r 8000 -c 1",
    }
    assert sink.given == {"sip_bind"}


def test_a_key_without_value_or_default_is_absent(read_plan):
    """A source that does not say how long it talks has no duration at all."""
    assert "duration_s" not in read_plan(GOOD).node("source").settings


def test_audio_file_is_found_beside_the_plan(read_plan, tmp_path):
    """The path in the plan is relative to the plan and absolute once it is loaded."""
    assert read_plan(GOOD).node("source").settings["audio_file"] == str(tmp_path / "a.wav")


def test_audio_file_is_found_beside_a_plan_elsewhere(read_plan, tmp_path):
    """The folder of the plan counts, not the one that we are in, and '..' is gone afterwards."""
    (tmp_path / "plans").mkdir()
    (tmp_path / "plans" / "up.toml").write_text(GOOD.replace("a.wav", "../a.wav"))
    plan = load_plan("plans/up.toml", known_tables=())
    assert plan.node("source").settings["audio_file"] == str(tmp_path / "a.wav")


def test_nodes_keep_the_order_of_the_plan_and_can_have_any_name(read_plan):
    """A node's role is its name unless it says another."""
    plan = read_plan('[topology]\near.role = "sink"\nsink = {}\nvia = { role = "mixer", sip_target = "sip:ear" }')
    assert [(node.name, node.role) for node in plan.nodes] == [("ear", "sink"), ("sink", "sink"), ("via", "mixer")]
    assert [node.name for node in plan.with_role("sink")] == ["ear", "sink"]


def test_an_integer_will_do_for_a_number(read_plan):
    """A gain of 1 is a gain of 1.0."""
    settings = read_plan('[topology]\nmixer = { sip_target = "sip:x.example", mix_gain_in = 1 }').node("mixer").settings
    assert repr(settings["mix_gain_in"]) == "1.0"


@pytest.mark.parametrize("digits", ["", "+44 20 8366 1177", "*#abcdABCD"])
def test_sequences_that_can_be_played(read_plan, digits):
    """No digits, written numbers and all sixteen keys are kept as they were written."""
    plan = read_plan(f'[topology]\nmixer.sip_target = "sip:x.example"\nmixer.dtmf_seq = "{digits}"')
    assert plan.node("mixer").settings["dtmf_seq"] == digits
    assert plan.warnings == ()


@pytest.mark.parametrize("target", ["sip:sink", "sip:me@sink", "sip:pbx.example.org", "sip:+44.1@10.0.0.1:5070"])
def test_targets_that_can_be_called(read_plan, target):
    """A host may be an address, a name or a node; user and port may be missing."""
    assert str(read_plan(GOOD.replace("sip:127.0.0.1:5062", target)).node("source").target) == target


@pytest.mark.parametrize("other", ["127.0.0.2:5062", "0.0.0.0:5064", "127.0.0.1:0"])
def test_listeners_that_do_not_clash(read_plan, other):
    """Another address, another port and a free port are no clash."""
    plan = read_plan(f'{GOOD}ear.role = "sink"\near.sip_bind = "{other}"')
    assert str(plan.node("ear").bind) == other


def test_tables_of_others_are_handed_on(read_plan):
    """A table that somebody registered comes through untouched and without a warning."""
    plan = read_plan(f'{GOOD}[echo]\ndelay = [1, 2]\n[run]\nx.y = 1', "echo", "run")
    assert plan.tables == {"echo": {"delay": [1, 2]}, "run": {"x": {"y": 1}}}
    assert plan.warnings == ()


@pytest.mark.parametrize("table", ["expect", "colours"])
def test_a_table_that_nobody_reads_is_a_warning(read_plan, table):
    """A plan for a richer installation still runs here."""
    plan = read_plan(f"{GOOD}[{table}]\nx = 1")
    assert plan.warnings == (f"unknown table [{table}] ignored: nothing that is installed reads it",)
    assert plan.tables == {table: {"x": 1}}


def test_the_speed_of_a_run_is_a_number(read_plan):
    """b2b itself reads run.speed; a plan that says nothing runs as fast as its sound."""
    for text, speed in (("", 1), ("[run]\nspeed = 10", 10), ("[run]\nspeed = 2.5", 2.5)):
        plan = read_plan(f"{GOOD}{text}")
        assert (speed_of(plan), plan.warnings) == (speed, ())


def test_the_duration_alone_in_expect_is_no_warning(read_plan):
    """b2b itself reads expect.duration_s, so nothing was ignored."""
    assert read_plan(f"{GOOD}[expect]\nduration_s = 5").warnings == ()


def test_a_plan_without_a_source_is_fine(read_plan):
    """A sink may wait for a caller from outside."""
    assert [node.role for node in read_plan("[topology.sink]").nodes] == ["sink"]
