"""The supervisor with devices among the nodes: who waits for whom, what an end means, who is stopped last."""

from __future__ import annotations

import signal

from stories import SINK, all_ready, error, exited, info, interrupt, node, play, ready, words

from b2b.logs import LogLine
from b2b.orchestrator.events import Kill, Launch, LogSeen, NotReady, Release, Terminate
from b2b.orchestrator.supervise import LINGER_S, Failure
from b2b.plan.model import Node


def device(name: str, calls: tuple[str, ...] = (), *, timeout_ms: int = 20000, stop: str = "TERM") -> Node:
    """Return a device that is started with a command."""
    settings = {
        "command": ["x"], "address": "127.0.0.1:5060", "ready": {"timeout_ms": timeout_ms}, "stop": {"signal": stop},
        "calls": list(calls),
    }  # fmt: skip
    return Node(name, "external", settings)


PBX = device("pbx")
ECHO = (node("source", "source", "pbx"), PBX)
BRIDGE = (node("source", "source", "pbx"), device("pbx", ("sink",)), *SINK)
READY_ECHO = [*all_ready(ECHO[1:]), *all_ready(ECHO[:1])]
CALLER = (device("sipp", ("sink",)), *SINK)
CONFERENCE = (node("a", "source", "pbx"), node("b", "source", "pbx"), device("pbx", ("sink",)), *SINK)


def established(name: str) -> LogSeen:
    """Return a role's word that its call is up."""
    return LogSeen(name, LogLine(ts="", level="INFO", role="", msg="", fields={"event": "CALL_ESTABLISHED"}))


def in_call(nodes: tuple[Node, ...], *names: str):
    """Return the history up to a call in which these roles are."""
    return [*all_ready(nodes), *((2, established(name)) for name in names)]


ECHO_IN_CALL = [*all_ready(ECHO[1:]), *in_call(ECHO[:1], "source")]


def test_a_device_is_there_before_the_roles():
    """They are launched when it is ready, and have their own time to be so from then on."""
    played = play(BRIDGE, [(15, ready("pbx")), (24, ready("sink")), (24.5, ready("source"))])
    assert played.deeds == [
        (0, Launch("pbx")), (15, Launch("source")), (15, Launch("sink")),
        (24.5, Release("sink")), (24.5, Release("pbx")), (24.5, Release("source")),
    ]  # fmt: skip


def test_a_device_that_is_not_ready_in_time():
    """67, with what it showed instead and its last words; no role was ever started."""
    history = [(1, NotReady("pbx", "OPTIONS got 503")), (2, words("pbx", "loading"))]
    played = play(ECHO, [*history, (20.5, exited("pbx", -signal.SIGTERM))], until=30)
    assert played.names(Launch) == ["pbx"]
    assert (20, Terminate("pbx")) in played.deeds
    assert played.failed == Failure("pbx", 67, "not ready within 20 s: OPTIONS got 503; it last said: loading")
    assert played.supervisor.exit_codes() == {"source": None, "pbx": -signal.SIGTERM}


def test_a_device_that_calls_is_started_when_everybody_can_be_called():
    """Its process is the call: it has no READY to wait for."""
    played = play(CALLER, [(1, ready("sink"))])
    assert played.deeds == [(0, Launch("sink")), (1, Release("sink")), (1, Launch("sipp"))]


def test_a_device_that_has_made_its_call_may_end():
    """With 0 it has done well; whom it called has a moment to see that."""
    played = play(CALLER, [*in_call(SINK, "sink"), (8, exited("sipp", 0)), (8.2, exited("sink", 0))])
    assert played.failed is None
    assert played.supervisor.finished


def test_a_device_whose_call_failed():
    """What it ended with says so."""
    history = [*all_ready(SINK), (3, words("sipp", "unexpected 486")), (3, exited("sipp", 1)), (3.1, exited("sink", 0))]
    played = play(CALLER, history)
    assert played.failed == Failure("sipp", 65, "ended by itself: exit code 1; it last said: unexpected 486")


def test_a_device_that_is_called_goes_last():
    """It is needed for every hang-up, so it is only asked when nobody is left who could call."""
    history = [*all_ready(BRIDGE[1:2]), *in_call(BRIDGE), (8, exited("source", 0)), (8.1, exited("sink", 0))]
    played = play(BRIDGE, [*history, (8.3, exited("pbx", 0))])
    assert played.since(8) == [(8.1, Terminate("pbx"))]
    assert played.failed is None
    assert played.supervisor.finished


def test_an_interrupt_ends_the_calls_first():
    """And the device with its own signal when they are over; what that signal makes of it is no failure."""
    nodes = (node("source", "source", "pbx"), device("pbx", stop="INT"))
    history = [*all_ready(nodes[1:]), *all_ready(nodes[:1]), (5, interrupt()), (5.5, exited("source", 0))]
    played = play(nodes, [*history, (6, exited("pbx", -signal.SIGINT))])
    assert played.since(5) == [(5, Terminate("source")), (5.5, Terminate("pbx"))]
    assert played.failed is None


def test_a_device_that_does_not_stop_is_killed():
    """67, on the ladder that roles are on."""
    history = [*READY_ECHO, (5, exited("source", 0)), (21, exited("pbx", -signal.SIGKILL))]
    played = play(ECHO, history)
    assert played.since(5) == [(5, Terminate("pbx")), (10, Terminate("pbx")), (20, Kill("pbx"))]
    assert played.failed is not None
    assert (played.failed.node, played.failed.code) == ("pbx", 67)


def test_a_device_that_crashes_in_the_call():
    """It has failed first, although its caller tells of a broken call a moment before."""
    history = [*ECHO_IN_CALL, (5, error("source", "connection lost", code=65)),
               (5.2, exited("pbx", -signal.SIGSEGV)), (5.3, exited("source", 65))]  # fmt: skip
    played = play(ECHO, history)
    assert played.failed == Failure("pbx", 65, "ended in the call: killed by SIGSEGV")
    assert played.supervisor.exit_codes()["pbx"] == -signal.SIGSEGV


def test_a_device_that_is_called_may_not_leave_a_call():
    """Not even with 0."""
    played = play(ECHO, [*ECHO_IN_CALL, (5, exited("pbx", 0)), (6, exited("source", 0))])
    assert played.failed == Failure("pbx", 65, "ended in the call: exit code 0")


def test_a_device_that_ends_before_there_is_a_call():
    """Whatever its exit code, it could not be called."""
    played = play(ECHO, [(1, exited("pbx", 0))])
    assert played.failed == Failure("pbx", 65, "ended before there was a call: exit code 0")
    assert played.supervisor.finished


def test_a_crash_at_the_end_is_a_failure_too():
    """It was asked to stop, not to fall over."""
    history = [*READY_ECHO, (5, exited("source", 0)), (5.5, exited("pbx", -signal.SIGSEGV))]
    assert play(ECHO, history).failed == Failure("pbx", 65, "ended when it was asked to stop: killed by SIGSEGV")


def test_a_call_that_failed_names_the_device():
    """A role knows an address only."""
    history = [*READY_ECHO, (2, error("source", "503", code=65)), (2.1, exited("source", 65)),
               (2.4, exited("pbx", 0))]  # fmt: skip
    assert play(ECHO, history).failed == Failure("source", 65, "503 (pbx is at 127.0.0.1:5060)")


def test_one_party_may_leave_a_conference():
    """The others are not hurried; when no caller is left they have a moment."""
    history = [*all_ready(CONFERENCE[2:3]), *in_call((*CONFERENCE[:2], *SINK), "a", "b", "sink"), (5, exited("a", 0)),
               (9, info("b", "still talking")), (12, exited("b", 0))]  # fmt: skip
    played = play(CONFERENCE, [*history, (12 + LINGER_S + 0.1, exited("sink", 0)), (16, exited("pbx", 0))], until=20)
    assert played.since(5) == [(12 + LINGER_S, Terminate("sink")), (12 + LINGER_S + 0.1, Terminate("pbx"))]
    assert played.failed is None
