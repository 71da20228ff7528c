"""The plans that come with the project."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from b2b.plan.load import load_plan
from b2b.plan.model import Plan
from b2b.plan.resolve import is_self_contained, resolve

PLANS = Path(__file__).parents[3] / "plans"


@pytest.fixture
def shipped(tmp_path):
    """Return a function that loads a plan beside a stand-in for the sample."""
    shutil.copytree(PLANS, tmp_path / "plans")
    (tmp_path / "fixtures").mkdir()
    (tmp_path / "fixtures" / "sample.mp3").touch()

    def load(name: str) -> Plan:
        return load_plan(tmp_path / "plans" / f"{name}.plan.toml", known_tables={"expect"})

    return load


@pytest.mark.parametrize(("name", "calls"), [
    ("sk", {"source": "sink", "sink": None}),
    ("smk", {"source": "mixer", "mixer": "sink", "sink": None}),
    ("smmk", {"source": "first", "first": "second", "second": "sink", "sink": None}),
])
def test_a_shipped_plan_needs_nobody_else(shipped, name, calls):
    """Each of them is a chain from the source to the sink, without a warning, on this machine alone."""
    plan = shipped(name)
    assert {node.name: node.calls for node in resolve(plan, host_ip="127.0.0.1").nodes} == calls
    assert plan.warnings == ()
    assert is_self_contained(plan)


def test_the_mixer_is_as_the_requirements_have_it(shipped):
    """The ports, the digits, their period and both gains are those of the requirements' own command lines."""
    plan = shipped("smk")
    wanted = {"dtmf_seq": "123#", "dtmf_period_ms": 2000, "mix_gain_in": 0.5, "mix_gain_dtmf": 0.5}
    mixer = plan.node("mixer")
    assert {key: mixer.settings[key] for key in wanted} == wanted
    assert (str(mixer.bind), str(plan.node("sink").bind)) == ("127.0.0.1:5063", "127.0.0.1:5062")


def test_only_one_of_two_mixers_adds_digits(shipped):
    """Two mixers' digits would sound on top of each other."""
    plan = shipped("smmk")
    assert (plan.node("first").settings["dtmf_seq"], plan.node("second").settings["dtmf_seq"]) == ("123#", "")
