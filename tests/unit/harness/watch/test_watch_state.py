"""What is going on in a run, told by its events alone."""

from __future__ import annotations

import pytest

from b2b.plan.load import load_plan
from b2b.plan.resolve import resolve
from calls.places import REPOSITORY
from harness.watch.state import Mood, State

AT = 1_000_000_000.0


@pytest.fixture
def state():
    """Return the state of a run of smk that has not begun."""
    plan = load_plan(REPOSITORY / "plans" / "smk.plan.toml", known_tables={"expect"}, to_run=False)
    return State.of(resolve(plan, host_ip="127.0.0.1"))


def tell(state, *story):
    """Let (node, event, fields) happen, a second apart."""
    for second, (node, event, *more) in enumerate(story):
        state.event({"wall_s": AT + second, "node": node, "event": event, **(more[0] if more else {})})
    return {name: role.says for name, role in state.roles.items()}


def test_a_call_from_its_start_to_its_end(state):
    """Each role goes its way, and the call's clock runs from the source's answer to its hang-up."""
    assert tell(state) == {"source": "not started", "mixer": "not started", "sink": "not started"}
    assert tell(state, ("source", "started"), ("mixer", "ready", {"sip": "127.0.0.1:5063"})) == {
        "source": "starting", "mixer": "ready", "sink": "not started",
    }  # fmt: skip
    assert tell(state, ("source", "dialing"), ("mixer", "CALL_INCOMING"), ("sink", "CALL_RINGING")) == {
        "source": "dialing", "mixer": "ringing", "sink": "ringing",
    }  # fmt: skip
    assert state.elapsed_s(AT + 60) is None
    assert set(tell(state, *((name, "CALL_ESTABLISHED") for name in state.roles)).values()) == {"in call"}
    assert (state.says, state.mood, state.elapsed_s(AT + 60)) == ("in call", Mood.GOOD, 60)
    tell(state, *[("source", "log")] * 30, ("source", "CALL_CLOSED"))
    assert state.elapsed_s(AT + 60) == 30
    assert tell(state, ("source", "exited", {"code": 0}), ("mixer", "exited", {"code": -9}))["mixer"] == (
        "ended, killed by SIGKILL"
    )
    assert [role.mood for role in state.roles.values()][:2] == [Mood.IDLE, Mood.BAD]


def test_the_call_ends_with_the_last_caller(state):
    """Two sources may hang up one after the other; a caller that dies without a word has hung up too."""
    state.callers = frozenset({"source", "mixer"})
    tell(state, ("source", "CALL_ESTABLISHED"), ("mixer", "CALL_ESTABLISHED"), ("source", "CALL_CLOSED"))
    assert state.elapsed_s(AT + 60) == 60
    tell(state, *[("sink", "log")] * 9, ("mixer", "exited", {"code": -9}), ("source", "exited", {"code": 0}))
    assert state.elapsed_s(AT + 60) == 9


def test_how_long_the_call_is_to_last_is_what_the_source_was_told(state):
    """Whether by the plan or by the command line; a file that is played to its end says nothing."""
    tell(state, ("mixer", "started", {"command": ["mixer", "--duration-s", "7"]}))
    assert state.expected_s is None
    tell(state, ("source", "started", {"command": ["source", "--target", "sip:x", "--duration-s", "20.0"]}))
    assert state.expected_s == 20


@pytest.mark.parametrize(
    ("exit_code", "verdict", "says", "mood"),
    [
        (0, "pass", "passed", Mood.GOOD),
        (0, "", "finished", Mood.GOOD),
        (1, "fail", "failed", Mood.BAD),
        (1, "unknown", "could not tell", Mood.BAD),
        (65, "fail", "exit 65: SIP setup or connection failure", Mood.BAD),
        (99, "", "exit 99: exit 99", Mood.BAD),
        (None, "", "cut off", Mood.BAD),
    ],
)
def test_the_end(state, exit_code, verdict, says, mood):
    """The verdict where there is one, else the exit code in words."""
    state.end(exit_code, verdict)
    assert (state.says, state.mood) == (says, mood)


@pytest.mark.parametrize(
    "values",
    [{}, {"node": "stranger", "event": "ready"}, {"node": "source"}, {"node": ["source"], "event": {}},
     {"node": "source", "event": "exited", "code": "soon"}, {"node": "source", "event": "started", "command": 7},
     {"node": "source", "event": "started", "command": ["--duration-s"]},
     {"node": "source", "event": "CALL_ESTABLISHED", "wall_s": "noon"}],
)  # fmt: skip
def test_an_event_that_makes_no_sense_harms_nothing(state, values):
    """Another version may have written it."""
    state.event(values)
    state.metrics(values)
    state.held_up(values)
    assert state.elapsed_s(AT) is None
    assert state.expected_s is None


def test_metrics_and_stalls(state):
    """The last metrics count, and the longest that the machine let somebody wait."""
    state.metrics({"node": "sink", "packets_rx": 1})
    state.metrics({"node": "sink", "packets_rx": 2})
    for length_s in (0.006, 0.070, 0.030):
        state.held_up({"start_s": AT, "length_s": length_s})
    assert state.roles["sink"].metrics["packets_rx"] == 2
    assert state.held_s == 0.070
