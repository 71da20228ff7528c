"""The resolved plan as it is kept in the run folder."""

from __future__ import annotations

import pytest

from b2b.plan.load import load_plan
from b2b.plan.resolve import resolve
from b2b.plan.write import to_toml

PLAN = """\
title = "a call"
[run]
levels = [1, { deep = true }]
[topology]
source.sip_target = "sip:me@YOUR_HOST_IP:5063"
source.audio_file = "a.wav"
source.duration_s = 3
via.role = "mixer"
via.sip_bind = "0.0.0.0:5063"
via.sip_target = "sip:sink"
via.dtmf_seq = ""
sink.aplay_cmd = 'aplay "-q" \\ '
[expect]
duration_s = 5
"""


@pytest.fixture
def resolved(read_plan):
    """Return a plan with a bit of everything."""
    return resolve(read_plan(PLAN, "run", "title"), host_ip="192.168.7.5")


def test_what_is_written_reads_back(resolved, tmp_path):
    """A run can be repeated from its folder, on another day and another network."""
    (tmp_path / "run").mkdir()
    kept = tmp_path / "run" / "plan.toml"
    kept.write_text(to_toml(resolved), encoding="utf-8")
    again = resolve(load_plan(kept, known_tables=("run", "title")), host_ip="127.0.0.1")
    assert again.nodes == resolved.nodes
    assert again.tables == resolved.tables


def test_defaults_are_shown_but_not_set(resolved):
    """The reader sees every setting, and what the user never asked for, such as a player, is not asked for now."""
    text = to_toml(resolved)
    assert "\n# dtmf_period_ms = 2000\n" in text
    assert '\nsip_bind = "192.168.7.5:5063"\n' in text


def test_it_begins_by_saying_what_it_is(resolved):
    """Whoever opens a run folder knows that this is not the file that was written by hand."""
    assert to_toml(resolved).startswith("# The plan of this run as b2b resolved it.")
