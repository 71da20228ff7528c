"""Changes to a plan for one run: `--set NODE.KEY=VALUE`."""

from __future__ import annotations

from pathlib import Path

import pytest

from b2b.errors import UsageError
from b2b.plan.change import changes_of, format_change, parse_change
from b2b.plan.load import load_plan

PLAN = """\
[topology.source]
sip_target = "sip:a"
audio_file = "a.wav"
[topology.a]
role = "sink"
[expect]
max_gap_ms = 40
"""


@pytest.fixture
def changed(read_plan):
    """Return a function that loads the plan with changes as they are typed."""
    read_plan(PLAN, "expect")

    def load(*typed: str):
        return load_plan("x.toml", known_tables={"expect"}, changes=[parse_change(text) for text in typed])

    return load


@pytest.mark.parametrize(("typed", "keys", "value"), [
    ("mixer.mix_gain_in=0.25", ("mixer", "mix_gain_in"), 0.25),
    ("mixer.dtmf_seq=123#", ("mixer", "dtmf_seq"), "123#"),
    ('mixer.dtmf_seq="123"', ("mixer", "dtmf_seq"), "123"),
    ("expect.sink.dtmf=", ("expect", "sink", "dtmf"), ""),
    ("sink.aplay_cmd=cat -A = b", ("sink", "aplay_cmd"), "cat -A = b"),
    ("source.loop=true", ("source", "loop"), True),
])  # fmt: skip
def test_a_change_is_a_key_and_a_value_of_toml_or_else_text(typed, keys, value):
    """A shell eats quotes, so what is no TOML is text."""
    assert parse_change(typed) == (keys, value)


@pytest.mark.parametrize("typed", ["", "x", "x=1", ".x=1", "a.=1", "=1"])
def test_what_is_no_change_is_refused(typed):
    """With what was wanted, an example and what came."""
    with pytest.raises(UsageError, match=r"wanted NODE.KEY=VALUE .*mixer\.mix_gain_in=0\.25"):
        parse_change(typed)


@pytest.mark.parametrize("value", [1, 0.25, True, "", "123#", 'a "b"\n\\', "1", [1, 2]])
def test_what_is_written_reads_back(value):
    """Also text that looks like a number."""
    assert parse_change(format_change(("a", "b"), value)) == (("a", "b"), value)


def test_a_value_that_toml_does_not_have_is_refused():
    """None, say."""
    with pytest.raises(UsageError, match=r"mixer\.dtmf_seq: wanted a value that TOML has, came None"):
        format_change(("mixer", "dtmf_seq"), None)


def test_a_nested_mapping_is_several_changes():
    """As Python code has them."""
    nested = {"mixer": {"mix_gain_in": 1.0}, "expect": {"sink": {"dtmf": "1"}}}
    assert dict(changes_of(nested)) == {("mixer", "mix_gain_in"): 1.0, ("expect", "sink", "dtmf"): "1"}


def test_a_change_replaces_what_the_plan_says_and_leaves_the_rest(changed):
    """A node's key, a new key, and another table's."""
    plan = changed("a.sip_bind=127.0.0.1:5070", "source.duration_s=3", "expect.max_gap_ms=60")
    assert plan.node("a").settings["sip_bind"] == "127.0.0.1:5070"
    assert plan.node("source").settings["duration_s"] == 3.0
    assert plan.node("source").given == {"audio_file", "sip_target", "duration_s"}
    assert plan.tables["expect"] == {"max_gap_ms": 60}


@pytest.mark.parametrize(("typed", "sentence"), [
    ("a.sip_bind=x", "x.toml, --set topology.a.sip_bind: wanted an IPv4 address"),
    ("a.sip_bin=x", "x.toml, --set topology.a.sip_bin: unknown key; did you mean sip_bind?"),
    ("sorce.loop=true", "--set sorce.loop: there is no node 'sorce'; did you mean source?"),
    ("expect.max_gap_ms.x=1", "--set expect.max_gap_ms.x: wanted a table at max_gap_ms, the plan has the integer 40"),
])  # fmt: skip
def test_a_bad_change_is_refused(changed, typed, sentence):
    """The error does not blame the plan."""
    with pytest.raises(UsageError) as caught:
        changed(typed)
    assert str(caught.value).startswith(sentence)


def test_a_relative_path_is_relative_to_the_plan(changed):
    """As the plan's own are."""
    Path("b.wav").touch()
    assert changed("source.audio_file=b.wav").node("source").settings["audio_file"] == str(Path("b.wav").absolute())
