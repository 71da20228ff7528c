"""The supervisor when a role fails: who is stopped, and which failure is told as the first."""

from __future__ import annotations

import pytest
from stories import FREE_PORTS, PAIRS, SK, SMK, TIMING, all_ready, error, exited, info, interrupt, play, ready, words

from b2b.errors import ExitCode
from b2b.orchestrator.events import Kill, Launch, Release, Terminate
from b2b.orchestrator.supervise import Failure

REFUSED = "the call to sip:sink failed: 486 Busy Here"
HUNG_UP = "the other side hung up after 2.0 s, before the end of the sound"
DIED = "the player `aplay` died (exit code 1): no such device"


def test_a_role_that_is_not_ready_in_time():
    """It is 67 for the one that is late; everybody is stopped, caller first, and nobody is released."""
    history = [(1, ready("source")), (1, ready("sink")), (10.2, exited("mixer", 0))]
    played = play(SMK, [*history, (10.2, exited("source", 0)), (10.2, exited("sink", 0))])
    assert played.deeds[3:] == [(10, Terminate("source")), (10, Terminate("mixer")), (10, Terminate("sink"))]
    assert played.failed == Failure("mixer", ExitCode.TIMEOUT, "not READY within 10 s")
    assert played.supervisor.exit_codes() == {"source": 0, "mixer": 67, "sink": 0}
    assert played.supervisor.finished


@pytest.mark.parametrize("code", [0, -15, -9])
def test_however_a_late_role_ends_it_is_late(code):
    """One that our own SIGTERM has ended, being too young to handle it, or our SIGKILL, is 67 as well."""
    history = [(1, ready("source")), (10.1, exited("source", 0))]
    end = (10 + TIMING.kill_s + 0.1 if code == -9 else 10.2, exited("sink", code))
    played = play(SK, [*history, end])
    assert played.failed == Failure("sink", 67, "not READY within 10 s")
    assert (Kill("sink") in [command for _at, command in played.deeds]) == (code == -9)


def test_the_handshake_that_comes_just_in_time():
    """A READY that is read after the deadline, but before we have looked at the clock, still counts."""
    played = play(SK, [(1, ready("sink")), (10, ready("source"))])
    assert played.names(Release) == ["sink", "source"]
    assert played.names(Terminate) == []


def test_what_was_never_launched_has_no_code():
    """Who waits for the address of one that fails is never launched, not even by a handshake that comes late."""
    history = [(0.5, error("sink", "cannot listen")), (0.6, exited("sink", 65)), (0.7, ready("mixer"))]
    played = play(FREE_PORTS, history)
    assert played.deeds == [(0, Launch("sink"))]
    assert played.supervisor.exit_codes() == {"source": None, "mixer": None, "sink": 65}


def test_a_run_whose_only_process_fails_is_finished():
    """Those who waited for it are no reason to go on."""
    played = play(FREE_PORTS, [(0.6, exited("sink", 65))])
    assert played.supervisor.finished
    assert played.failed == Failure("sink", 65, ExitCode.SIP.meaning)


@pytest.mark.parametrize(("code", "told"), {
    64: 64, 65: 65, 66: 66, 67: 67, 70: 70,
    1: 70, 2: 70, 3: 70, 71: 70, 98: 70, 127: 70, 255: 70, -6: 70, -9: 70, -11: 70, -15: 70,
}.items())  # fmt: skip
@pytest.mark.parametrize("released", [False, True])
def test_the_exit_code_of_a_role_that_fails(code, told, released):
    """Our own codes are passed on; whatever else comes, somebody's signal included, is 70. The rest is stopped."""
    begin = all_ready(SK) if released else [(1, ready("sink"))]
    played = play(SK, [*begin, (2, exited("source", code)), (2.2, exited("sink", 0))])
    assert played.since(2) == [(2, Terminate("sink"))]
    assert played.failed
    assert (played.failed.node, played.failed.code) == ("source", told)
    assert played.supervisor.exit_codes() == {"source": told, "sink": 0}
    assert played.supervisor.finished


def test_the_reason_is_the_error_line():
    """The first ERROR line is the reason; what else was said, before and after, is not."""
    said = [info("source", "dialing"), error("source", REFUSED), error("source", "and so on"), words("source", "bye")]
    history = [*all_ready(SMK), *((2, event) for event in said), (2.1, exited("source", 65))]
    played = play(SMK, [*history, (2.3, exited("mixer", 0)), (2.3, exited("sink", 0))])
    assert played.since(2) == [(2.1, Terminate("mixer")), (2.1, Terminate("sink"))]
    assert played.failed == Failure("source", 65, REFUSED)
    assert played.supervisor.stop_reason == "source has failed"


def test_last_words_stand_in_for_an_error_line():
    """A role that did not come to say why, such as a Python that cannot start, is quoted."""
    history = [(0.1, words("sink", "ModuleNotFoundError: No module named 'numpy'")), (0.2, exited("sink", 1))]
    assert play(SK, history).failed == Failure("sink", 70, "ModuleNotFoundError: No module named 'numpy'")


@pytest.mark.parametrize(("code", "reason"), [(-9, "killed by SIGKILL"), (-11, "killed by SIGSEGV")])
@pytest.mark.parametrize("begin", [[], [(1, ready("sink"))], all_ready(SK)], ids=["starting", "ready", "in the call"])
def test_a_role_killed_by_somebody_else(code, reason, begin):
    """A signal that we did not send is 70 at any time of a role's life, and is named."""
    played = play(SK, [*begin, (2, info("sink", "all is well")), (2.1, exited("sink", code))])
    assert played.failed == Failure("sink", 70, reason)
    assert played.since(2)[0] == (2.1, Terminate("source"))


def test_a_role_is_not_ended_by_a_signal_that_only_looks_like_ours():
    """SIGTERM to one that we have not asked to stop is somebody else's."""
    played = play(SK, [*all_ready(SK), (2, exited("sink", -15))])
    assert played.failed == Failure("sink", 70, "killed by SIGTERM")


@pytest.mark.parametrize(("code", "reason"), [(-9, "killed by SIGKILL"), (-11, "killed by SIGSEGV")])
def test_a_crash_of_one_that_was_asked_to_stop(code, reason):
    """Of what we have sent only SIGTERM excuses an end by a signal, as long as nobody had to be killed."""
    history = [*all_ready(SK), (5, interrupt()), (5.1, exited("sink", code)), (5.2, exited("source", 0))]
    assert play(SK, history).failed == Failure("sink", 70, reason)


def test_errors_win_over_the_signal():
    """A role that said what was wrong and then died is quoted, not its signal."""
    played = play(SK, [(1, error("sink", "disk full")), (2, exited("sink", -9))])
    assert played.failed == Failure("sink", 70, "disk full")


SINK_SAYS, SINK_GOES = error("sink", DIED, code=66), exited("sink", 66)
SOURCE_SAYS, SOURCE_GOES = error("source", HUNG_UP, code=65), exited("source", 65)


@pytest.mark.parametrize("order", [
    [SINK_SAYS, SINK_GOES, SOURCE_SAYS, SOURCE_GOES],
    [SINK_SAYS, SOURCE_SAYS, SINK_GOES, SOURCE_GOES],
    [SINK_SAYS, SOURCE_SAYS, SOURCE_GOES, SINK_GOES],
    [SOURCE_SAYS, SOURCE_GOES, SINK_SAYS, SINK_GOES],
    [SOURCE_SAYS, SINK_SAYS, SOURCE_GOES, SINK_GOES],
    [SOURCE_SAYS, SINK_SAYS, SINK_GOES, SOURCE_GOES],
])  # fmt: skip
def test_a_hang_up_is_the_consequence(order):
    """The sink fails, so it hangs up, so the source fails: whatever we hear of first, the sink is to blame."""
    history = [*all_ready(SK), *((2 + number / 100, event) for number, event in enumerate(order))]
    played = play(SK, history)
    assert played.failed == Failure("sink", 66, DIED)
    assert played.supervisor.exit_codes() == {"source": 65, "sink": 66}
    assert played.supervisor.finished


def test_a_chain_falls_from_its_end():
    """The mixer passes the hang-up on, which is 0 for it and 65 for the source; it is the sink's 66 that counts."""
    history = [
        *all_ready(SMK),
        (2, error("sink", DIED)),
        (2.05, exited("sink", 66)),
        (2.2, exited("mixer", 0)),
        (2.3, error("source", HUNG_UP)),
        (2.4, exited("source", 65)),
    ]
    played = play(SMK, history)
    assert played.since(2) == [(2.05, Terminate("source")), (2.05, Terminate("mixer"))]
    assert played.failed == Failure("sink", 66, DIED)


def test_a_failure_of_its_own_is_not_excused():
    """A source that cannot get through is to blame, though the sink is killed later because it does not stop."""
    history = [*all_ready(SK), (2, error("source", REFUSED)), (2.1, exited("source", 65))]
    played = play(SK, [*history, (2.1 + TIMING.kill_s + 0.1, exited("sink", -9))])
    assert played.since(2) == [(2.1, Terminate("sink")), (7.1, Terminate("sink")), (17.1, Kill("sink"))]
    assert played.failed == Failure("source", 65, REFUSED)
    assert played.supervisor.exit_codes() == {"source": 65, "sink": 67}


def test_a_crash_while_stopping_is_no_consequence():
    """Only a hang-up is excused: one that breaks down on its way out has failed of itself."""
    history = [*all_ready(SK), (5, interrupt()), (5.1, error("sink", "KeyError: 1")), (5.2, exited("sink", 70))]
    played = play(SK, [*history, (5.3, exited("source", 0))])
    assert played.failed == Failure("sink", 70, "KeyError: 1")


def test_a_hang_up_after_our_stop_is_excused():
    """We stop the run, one end hangs up, the other sees a broken call: that is a clean stop."""
    history = [*all_ready(SK), (5, interrupt()), (5.1, error("source", HUNG_UP)), (5.2, exited("source", 65))]
    played = play(SK, [*history, (5.3, exited("sink", 0))])
    assert played.failed is None
    assert played.supervisor.exit_codes() == {"source": 65, "sink": 0}


def test_a_failure_ends_the_other_pair_too():
    """The first failure ends the run, not only its own call."""
    played = play(PAIRS, [*all_ready(PAIRS), (4, exited("ear_b", 66))])
    assert played.since(4)[:3] == [(4, Terminate("b")), (4, Terminate("a")), (4, Terminate("ear_a"))]


def test_the_first_of_two_failures_is_told():
    """Of two that fail of themselves the earlier counts, although its process lasts longer."""
    history = [*all_ready(PAIRS), (4, error("ear_a", "first")), (4.1, error("ear_b", "second"))]
    played = play(PAIRS, [*history, (4.2, exited("ear_b", 66)), (4.3, exited("ear_a", 66))])
    assert played.failed == Failure("ear_a", 66, "first")


@pytest.mark.parametrize("begin", [[], [(1, ready("source"))]], ids=["starting", "ready"])
def test_a_role_that_leaves_before_the_call(begin):
    """Exit 0 before all are READY ends the run: there will be no call."""
    played = play(SK, [*begin, (2, exited("source", 0)), (2.2, exited("sink", 0))])
    assert played.since(2) == [(2, Terminate("sink"))]
    assert played.supervisor.finished


def test_a_role_that_leaves_before_the_call_has_failed():
    """Nobody asked it to go and there was no call, so the run is no success."""
    assert play(SK, [(2, exited("source", 0)), (2.2, exited("sink", 0))]).failed


def test_a_signal_without_a_name():
    """A real-time signal has none, and is told by its number."""
    played = play(SK, [*all_ready(SK), (2, exited("sink", -35)), (2.2, exited("source", 0))])
    assert played.failed == Failure("sink", 70, "killed by signal 35")


def test_who_was_never_launched_is_not_late():
    """The one that kept the others waiting is to blame."""
    played = play(FREE_PORTS, [(10.2, exited("sink", 0))])
    assert played.failed == Failure("sink", 67, "not READY within 10 s")


def test_the_error_line_that_comes_after_the_end():
    """A role's 65 stays its own failure although we read its last line only after its end."""
    history = [*all_ready(SK), (2, exited("source", 65)), (2.5, error("source", REFUSED)), (2.6, exited("sink", 0))]
    assert play(SK, history).failed == Failure("source", 65, REFUSED)


def test_sigterm_in_the_last_breath():
    """A role that has told its failure keeps it although our SIGTERM comes before its Python has ended."""
    history = [*all_ready(SMK), (2, error("sink", DIED, code=66)), (2.05, exited("mixer", 65))]
    played = play(SMK, [*history, (2.06, exited("sink", -15)), (2.1, exited("source", 0))])
    assert played.failed == Failure("sink", 66, DIED)
