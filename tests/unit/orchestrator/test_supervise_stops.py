"""The supervisor's stop ladder: SIGTERM, SIGTERM again, SIGKILL; and Ctrl-C once and twice."""

from __future__ import annotations

import pytest
from stories import FREE_PORTS, PAIRS, SK, SMK, TIMING, all_ready, error, exited, interrupt, play, ready

from b2b.orchestrator.events import Broken, Interrupted, Kill, Launch, Release, Terminate
from b2b.orchestrator.supervise import LINGER_S, Failure, Timing

TERMINATED = "was still there after SIGTERM and had to be killed"


def test_a_clean_stop():
    """One Ctrl-C stops everybody, caller first, and a run that stops in time is 0."""
    history = [*all_ready(SMK), (5, interrupt()), *((5.3, exited(node.name, 0)) for node in SMK)]
    played = play(SMK, history)
    assert played.since(5) == [(5, Terminate("source")), (5, Terminate("mixer")), (5, Terminate("sink"))]
    assert played.failed is None
    assert played.supervisor.finished
    assert played.supervisor.exit_codes() == {"source": 0, "mixer": 0, "sink": 0}


@pytest.mark.parametrize("name", ["SIGINT", "SIGTERM", "SIGHUP"])
def test_every_stop_signal_is_one(name):
    """Which signal it was is only a reason."""
    played = play(SK, [*all_ready(SK), (5, Interrupted(name))])
    assert played.since(5) == [(5, Terminate("source")), (5, Terminate("sink"))]
    assert played.supervisor.stop_reason == name


@pytest.mark.parametrize("begin", [[], [(0, ready("sink"))]], ids=["before any output", "while one is starting"])
def test_an_interrupt_before_the_call(begin):
    """Roles too young to handle SIGTERM die of it, and that is a clean stop as well."""
    played = play(SK, [*begin, (0, interrupt()), (0.1, exited("sink", 0)), (0.1, exited("source", -15))])
    assert played.deeds[2:] == [(0, Terminate("source")), (0, Terminate("sink"))]
    assert played.failed is None
    assert played.supervisor.exit_codes() == {"source": 0, "sink": 0}


def test_an_interrupt_before_all_are_launched():
    """Who still waits for an address is never launched; the run is finished with those that were."""
    played = play(FREE_PORTS, [(0.3, interrupt()), (0.4, ready("sink")), (0.5, exited("sink", 0))])
    assert played.deeds == [(0, Launch("sink")), (0.3, Terminate("sink"))]
    assert played.supervisor.finished
    assert played.failed is None
    assert played.supervisor.exit_codes() == {"source": None, "mixer": None, "sink": 0}


def test_the_ladder():
    """SIGTERM at 0, again after the grace, SIGKILL at the kill time, both counted from the first SIGTERM."""
    played = play(SK, [*all_ready(SK), (5, interrupt()), (20.1, exited("source", -9)), (20.1, exited("sink", -9))])
    assert played.since(5) == [
        (5, Terminate("source")), (5, Terminate("sink")),
        (5 + TIMING.grace_s, Terminate("source")), (5 + TIMING.grace_s, Terminate("sink")),
        (5 + TIMING.kill_s, Kill("source")), (5 + TIMING.kill_s, Kill("sink")),
    ]  # fmt: skip
    assert played.supervisor.finished
    assert played.failed == Failure("source", 67, TERMINATED)
    assert played.supervisor.exit_codes() == {"source": 67, "sink": 67}


def test_the_ladder_spares_those_that_have_gone():
    """Only who is still there is asked again and killed; the code is 67 and names that one."""
    played = play(SK, [*all_ready(SK), (5, interrupt()), (6, exited("source", 0)), (20.1, exited("sink", -9))])
    assert played.since(5.1) == [(10, Terminate("sink")), (20, Kill("sink"))]
    assert played.failed == Failure("sink", 67, TERMINATED)
    assert played.supervisor.exit_codes() == {"source": 0, "sink": 67}


def test_the_second_sigterm_may_be_the_one_that_works():
    """One that needs it, as baresip does with an unanswered INVITE, has stopped cleanly."""
    played = play(SK, [*all_ready(SK), (5, interrupt()), (5.2, exited("sink", 0)), (10.2, exited("source", 0))])
    assert played.names(Kill) == []
    assert played.failed is None


@pytest.mark.parametrize(("grace_s", "kill_s", "deeds"), {
    "no grace": (0, 15, [(5, Terminate), (5, Terminate), (20, Kill)]),
    "no patience": (5, 0, [(5, Terminate), (5, Kill)]),
    "neither": (0, 0, [(5, Terminate), (5, Kill)]),
    "grace beyond the kill": (20, 15, [(5, Terminate), (20, Kill)]),
    "grace up to the kill": (15, 15, [(5, Terminate), (20, Kill)]),
}.values())  # fmt: skip
def test_odd_patience(grace_s, kill_s, deeds):
    """Whatever the two limits are, SIGTERM comes first and SIGKILL at its time, once."""
    history = [(1, ready("sink")), (5, interrupt())]
    played = play(SK[1:], history, Timing(ready_s=10, grace_s=grace_s, kill_s=kill_s), until=60)
    assert [(at, type(command)) for at, command in played.since(5)] == deeds


@pytest.mark.parametrize(("reason", "again_at"), [("SIGINT", 5), ("SIGTERM", 5.05), ("SIGHUP", 5), ("SIGHUP", 9)])
def test_a_hurried_repeat_is_one_interrupt(reason, again_at):
    """A terminal that closes sends SIGHUP more than once, and a storm of signals is one wish to stop."""
    history = [*all_ready(SK), (5, Interrupted(reason)), (again_at, Interrupted(reason))]
    played = play(SK, [*history, (9.5, exited("source", 0)), (9.5, exited("sink", 0))])
    assert played.names(Kill) == []
    assert played.failed is None


@pytest.mark.parametrize("again_at", [5.2, 12, 19])
def test_the_second_interrupt_kills(again_at):
    """Ctrl-C asks politely; Ctrl-C again does not, and does it once."""
    history = [*all_ready(SK), (5, interrupt()), (again_at, interrupt()), (again_at + 0.1, interrupt())]
    played = play(SK, [*history, (again_at + 0.2, exited("sink", -9)), (again_at + 0.2, exited("source", -9))])
    assert played.names(Kill) == ["source", "sink"]
    assert {at for at, command in played.deeds if isinstance(command, Kill)} == {again_at}
    assert played.supervisor.finished
    assert played.failed
    assert played.failed.code == 67


def test_what_hangs_in_the_run_cannot_go_on():
    """The call ends at once, and nobody is blamed for how."""
    history = [*all_ready(SK), (5, Broken("no packets any more")), (5.1, error("source", "no answer to BYE", code=65))]
    played = play(SK, [*history, (5.2, exited("source", 65)), (5.2, exited("sink", 0))])
    assert played.since(5) == [(5, Terminate("source")), (5, Terminate("sink"))]
    assert played.supervisor.stop_reason == "no packets any more"
    assert played.failed is None


def test_who_failed_before_that_has_failed():
    """Even if it is heard of only when it has ended."""
    history = [*all_ready(SK), (4, error("sink", "disk full", code=66)), (4, Broken("no packets any more"))]
    played = play(SK, [*history, (5, exited("sink", 66)), (5, exited("source", 0))])
    assert played.failed == Failure("sink", 66, "disk full")


def test_nobody_is_asked_after_the_kill():
    """Who has been killed can only be waited for."""
    history = [*all_ready(SK[1:]), (5, interrupt()), (9.99, interrupt()), (10.01, exited("sink", -9))]
    assert play(SK[1:], history).since(5) == [(5, Terminate("sink")), (9.99, Kill("sink"))]


def test_the_second_interrupt_spares_those_that_have_gone():
    """Nobody kills a process number that may be somebody else's by now."""
    history = [*all_ready(SK), (5, interrupt()), (5.1, exited("source", 0)), (5.2, interrupt())]
    assert play(SK, history).names(Kill) == ["sink"]


def test_a_failure_before_the_interrupt_stays_the_first():
    """Who is impatient with a failing run does not hide why it failed."""
    history = [*all_ready(SK), (5, error("sink", "disk full")), (5.1, exited("sink", 66)), (6, interrupt())]
    played = play(SK, [*history, (6.2, exited("source", -9))])
    assert played.failed == Failure("sink", 66, "disk full")


def test_two_stops_are_one():
    """A failure while we stop begins no second ladder."""
    history = [*all_ready(SMK), (5, interrupt()), (7, exited("sink", 66)), (20.1, exited("mixer", 0))]
    played = play(SMK, history)
    assert [at for at, command in played.deeds if command == Terminate("source")] == [5, 10]
    assert [at for at, command in played.deeds if isinstance(command, Kill)] == [20, 20]


def test_a_handshake_after_the_stop_releases_nobody():
    """The last READY may cross our SIGTERM; no call is begun then."""
    played = play(SK, [(1, ready("sink")), (2, interrupt()), (2.01, ready("source"))])
    assert played.names(Release) == []


def test_a_second_handshake_changes_nothing():
    """READY twice is READY: the call goes on, and its end is an ordinary one."""
    history = [*all_ready(SK), (3, ready("source")), (9, exited("source", 0)), (9.1, exited("sink", 0))]
    played = play(SK, history)
    assert played.since(1.1) == []


@pytest.mark.parametrize("code", [0, 65])
def test_a_handshake_after_the_end_changes_nothing(code):
    """Output that is read late does not bring a role back to life."""
    history = [(1, exited("source", code)), (1.1, ready("source")), (1.2, exited("sink", 0))]
    played = play(SK, history)
    assert played.supervisor.finished
    assert Terminate("source") not in [command for _at, command in played.deeds]


def test_a_kill_that_came_too_late():
    """One whose own exit code arrives after our Kill had gone already: no kill was needed."""
    history = [*all_ready(SK), (2, error("source", "refused")), (2.1, exited("source", 65))]
    played = play(SK, [*history, (2.1 + TIMING.kill_s + 0.01, exited("sink", 0))])
    assert played.failed == Failure("source", 65, "refused")


def test_who_lingers_in_one_call_does_not_end_the_other():
    """Two calls in one plan have lives of their own: only the one that is over is tidied up."""
    history = [*all_ready(PAIRS), (11, exited("a", 0)), (11 + LINGER_S + 0.2, exited("ear_a", 0))]
    played = play(PAIRS, [*history, (60, exited("b", 0)), (60.1, exited("ear_b", 0))])
    assert played.since(11) == [(11 + LINGER_S, Terminate("ear_a"))]
