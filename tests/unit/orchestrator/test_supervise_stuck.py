"""A role that is alive and yet does nothing more."""

from __future__ import annotations

import pytest
from stories import SK, all_ready, exited, info, play

from b2b.logs import LogLine
from b2b.orchestrator.events import Kill, LogSeen, Terminate
from b2b.orchestrator.supervise import SILENT_S, Failure


def established(name):
    """Return the line with which a role says that its call was answered."""
    fields = {"event": "CALL_ESTABLISHED"}
    return LogSeen(name, LogLine(ts="", level="INFO", role="", msg="call established", fields=fields))


def telling(name, first, last):
    """Return a role's metrics every five seconds."""
    return [(at, info(name, "metrics")) for at in range(first, last, 5)]


def test_a_source_that_says_nothing_any_more():
    """It tells its metrics every five seconds; without them for long its call would last for ever."""
    history = [*all_ready(SK), (2, established("source")), (2, established("sink")), *telling("sink", 5, 60)]
    played = play(SK, sorted([*history, (24, exited("sink", 0))], key=lambda moment: moment[0]), until=80)
    asked = [(at, command.node) for at, command in played.deeds if isinstance(command, Terminate)]
    assert asked[:2] == [(2 + SILENT_S, "source"), (2 + SILENT_S, "sink")]
    assert played.names(Kill) == ["source"]
    assert played.failed == Failure("source", 67, f"has said nothing for {SILENT_S:g} s in its call")


@pytest.mark.parametrize("minutes", [1, 10])
def test_a_long_call_is_not_stuck(minutes):
    """As long as its roles tell how it goes."""
    end = 60 * minutes
    history = [*all_ready(SK), (2, established("source")), (2, established("sink"))]
    history += [*telling("source", 5, end), *telling("sink", 5, end)]
    history += [(end, exited("source", 0)), (end, exited("sink", 0))]
    played = play(SK, sorted(history, key=lambda moment: moment[0]), until=end + 30)
    assert not [command for _, command in played.deeds if isinstance(command, Terminate | Kill)]
    assert played.failed is None


def test_a_role_without_a_call_may_wait_in_silence():
    """A sink that nobody has called yet has nothing to tell."""
    played = play(SK, all_ready(SK), until=300)
    assert not [command for _, command in played.deeds if isinstance(command, Terminate)]
