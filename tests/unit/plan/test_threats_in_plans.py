"""A plan's values stay values: whatever is in them becomes no configuration and no shell's command."""

from __future__ import annotations

from pathlib import Path

import pytest

from b2b.audio.player import Player
from b2b.errors import UsageError
from b2b.plan.load import load_plan
from b2b.plan.resolve import resolve

PLAN = '[topology]\nsource.audio_file = "a.wav"\nsource.sip_target = "sip:sink"\nsink.sip_bind = "127.0.0.1:0"\n'


@pytest.mark.parametrize(
    "line",
    [
        'source.sip_target = "sip:b2b@127.0.0.1:5062\\nmodule evil.so"',
        'sink.sip_user = "b2b>;regint=1"',
        'sink.sip_user = "b2b\\nmodule evil.so"',
        'sink.aplay_cmd = "aplay\\u001b[2J"',
        'source.user = "a;auth_pass=b"',
        'source.outbound = "sip:proxy\\n<sip:evil@x>"',
    ],
)
def test_a_value_cannot_add_a_line_to_baresips_configuration(tmp_path: Path, line: str) -> None:
    """Nor a parameter to its account, nor a command to a terminal."""
    (tmp_path / "a.wav").touch()
    plan = PLAN.replace('source.sip_target = "sip:sink"\n', "") if line.startswith("source.sip_target") else PLAN
    (tmp_path / "bad.plan.toml").write_text(plan + line + "\n")
    with pytest.raises(UsageError, match="wanted"):
        resolve(load_plan(tmp_path / "bad.plan.toml", known_tables=()), host_ip="127.0.0.1")


def test_a_player_is_not_started_by_a_shell(tmp_path: Path) -> None:
    """What a shell would carry out is an argument like any other."""
    made = tmp_path / "made"
    with Player(f"cat ; touch {made} $(touch {made}) `touch {made}`", own_group=True, on_death=lambda _why: None):
        pass
    assert not made.exists()
