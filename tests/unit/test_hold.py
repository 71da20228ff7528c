"""From when to when a call is on hold, as it is written, and what a role does about it."""

from __future__ import annotations

from types import SimpleNamespace

import pytest

from b2b import clock
from b2b.baresip.agent import CallState
from b2b.errors import UsageError
from b2b.hold import Hold, parse_hold
from b2b.roles.holding import Holding


def test_a_hold_as_it_is_written():
    """And the empty text, which asks for none."""
    assert parse_hold("2000-4000") == Hold(2000, 4000)
    assert str(parse_hold("0-1")) == "0-1"
    assert parse_hold("") is None


@pytest.mark.parametrize(
    "text", ["2000", "2000-", "-4000", "4000-2000", "5-5", "1.5-2", "1-2,3-4", " 1-2", "٣-٤", "1-" + 9000 * "9"]
)
def test_what_is_no_hold(text):
    """One sentence says what was wanted and what came."""
    with pytest.raises(UsageError, match=r"^wanted from when to when in milliseconds from the answer, as 2000-4000, "):
        parse_hold(text)


@pytest.fixture
def told(monkeypatch):
    """Return a role's tick with a hold of it, the time to set, and what baresip is told."""
    commands, now, state = [], [100.0], [CallState.ESTABLISHED]
    monkeypatch.setattr(clock, "now", lambda: now[0])
    agent = SimpleNamespace(state=lambda account: state[0], hold=lambda account, command: commands.append(command))
    desk = SimpleNamespace(log=SimpleNamespace(info=lambda *words, **more: None))

    def make(hold):
        return Holding(desk, agent, "account", hold).tick

    return make, now, state, commands


def test_a_hold_at_its_time_and_its_end(told):
    """Each once, and none before there is an answer."""
    make, now, _, commands = told
    tick = make(Hold(2000, 4000))
    tick(None)
    for at, wanted in ((101.9, 0), (102, 1), (103, 1), (104, 2), (110, 2)):
        now[0] = at
        tick(100.0)
        assert commands == ["hold", "resume"][:wanted]


def test_no_hold_of_a_call_that_is_over(told):
    """Nor of one that is never to be held."""
    make, now, state, commands = told
    make(None)(100.0)
    tick, now[0], state[0] = make(Hold(2000, 4000)), 103, CallState.CLOSED
    tick(100.0)
    assert commands == []
