"""The supervisor, from the first process to the last of a run in which nothing goes wrong."""

from __future__ import annotations

import itertools

import pytest
from stories import (
    FREE_PORTS,
    PAIRS,
    SINK,
    SK,
    SMK,
    TIMING,
    all_ready,
    error,
    exited,
    info,
    node,
    play,
    ready,
    words,
)

from b2b.orchestrator.events import Kill, Launch, Passed, Release, Terminate
from b2b.orchestrator.supervise import LINGER_S, Supervisor

CHAIN = (
    node("source", "source", "first"),
    node("first", "mixer", "second"),
    node("second", "mixer", "sink"),
    node("sink", "sink"),
)


@pytest.mark.parametrize(("nodes", "callees_first"), [
    (SINK, ["sink"]),
    (SK, ["sink", "source"]),
    (SMK, ["sink", "mixer", "source"]),
    (SMK[::-1], ["sink", "mixer", "source"]),
    (CHAIN, ["sink", "second", "first", "source"]),
    (PAIRS, ["ear_a", "ear_b", "a", "b"]),
], ids=["sink alone", "sk", "smk", "smk, sink first", "smmk", "two pairs"])  # fmt: skip
def test_a_plan_without_free_ports(nodes, callees_first):
    """All are launched at once in the plan's order, and released only when all are READY, who is called first."""
    names = [node.name for node in nodes]
    played = play(nodes, [(1 + number, ready(name)) for number, name in enumerate(names)])
    last = len(names)
    assert played.deeds[: len(names)] == [(0, Launch(name)) for name in names]
    assert played.deeds[len(names) :] == [(last, Release(name)) for name in callees_first]
    assert not played.supervisor.finished


@pytest.mark.parametrize("order", list(itertools.permutations(["source", "mixer", "sink"])), ids="-".join)
def test_everybody_ends_well(order):
    """When the call is over all go of themselves, in whichever order: nobody is told to, nobody has failed."""
    history = [*all_ready(SMK), *((61 + number / 10, exited(name, 0)) for number, name in enumerate(order))]
    played = play(SMK, history)
    assert played.since(1.1) == []
    assert played.supervisor.finished
    assert played.failed is None
    assert played.supervisor.exit_codes() == {"source": 0, "mixer": 0, "sink": 0}
    assert played.supervisor.stop_reason == ""


def test_it_is_not_finished_before_the_last_has_gone():
    """One process left is a run that goes on."""
    supervisor = Supervisor(SK, TIMING)
    supervisor.begin(0)
    for event in (ready("source"), ready("sink"), exited("source", 0)):
        assert not supervisor.finished
        supervisor.handle(event, 1)
    assert not supervisor.finished
    supervisor.handle(exited("sink", 0), 1.1)
    assert supervisor.finished


def test_a_free_port_is_waited_for():
    """Who calls a node with port 0 is launched when that one's READY has told the port, and not before."""
    history = [(0.5, ready("sink")), (0.9, ready("mixer")), (1.3, ready("source"))]
    assert play(FREE_PORTS, history).deeds == [
        (0, Launch("sink")),
        (0.5, Launch("mixer")),
        (0.9, Launch("source")),
        (1.3, Release("sink")),
        (1.3, Release("mixer")),
        (1.3, Release("source")),
    ]


def test_a_fixed_port_is_not_waited_for():
    """Where only the sink's port is free, only its caller waits."""
    nodes = (node("source", "source", "mixer"), node("mixer", "mixer", "sink"), node("sink", "sink", port=0))
    assert play(nodes, [(0.5, ready("sink"))]).deeds == [
        (0, Launch("source")), (0, Launch("sink")), (0.5, Launch("mixer")),
    ]  # fmt: skip


def test_two_free_ports_are_waited_for_apart():
    """The READY of one pair's sink does not launch the other pair's source."""
    nodes = tuple(node(n.name, n.role, n.calls, port=0) for n in PAIRS)
    assert play(nodes, [(0.5, ready("ear_b")), (0.7, ready("ear_a"))]).deeds == [
        (0, Launch("ear_a")), (0, Launch("ear_b")), (0.5, Launch("b")), (0.7, Launch("a")),
    ]  # fmt: skip


def test_output_starts_nothing():
    """Neither log lines nor other people's words stand for READY."""
    history = [(1, info("sink", "listening")), (1, words("sink", "READY or not")), (1, ready("source"))]
    assert play(SK, history).names(Release) == []


def test_a_sink_without_a_source_waits_for_its_call():
    """A plan of one sink waits for somebody outside as long as it takes, and ends well with its call."""
    played = play(SINK, [*all_ready(SINK), (90_000, exited("sink", 0))])
    assert played.deeds == [(0, Launch("sink")), (1, Release("sink"))]
    assert played.supervisor.finished
    assert played.failed is None


def test_nothing_is_due_while_the_call_lasts():
    """Once all are released there is no deadline to wake up for."""
    supervisor = Supervisor(SK, TIMING)
    supervisor.begin(0)
    assert supervisor.next_deadline == TIMING.ready_s
    supervisor.handle(ready("sink"), 1)
    assert supervisor.next_deadline == TIMING.ready_s
    supervisor.handle(ready("source"), 1)
    assert supervisor.next_deadline is None


def test_time_that_passes_too_early_changes_nothing():
    """A wake-up before anything is due is answered with nothing."""
    supervisor = Supervisor(SK, TIMING)
    supervisor.begin(0)
    assert supervisor.handle(Passed(), 9.999) == []
    assert supervisor.next_deadline == TIMING.ready_s


def test_one_pair_ends_and_the_other_is_not_disturbed():
    """Two calls in one plan have lives of their own: the longer one goes on, however long."""
    early = [(11, exited("a", 0)), (11.1, exited("ear_a", 0))]
    late = [(600, exited("ear_b", 0)), (600.1, exited("b", 0))]
    played = play(PAIRS, [*all_ready(PAIRS), *early, *late])
    assert played.since(1.1) == []
    assert played.supervisor.finished
    assert played.failed is None


@pytest.mark.parametrize("stays", ["source", "mixer", "sink"])
def test_who_does_not_notice_the_end_is_told(stays):
    """When one end has gone well, the rest of its call has a moment to see it; then whoever is left is stopped."""
    history = [*all_ready(SMK), *((61, exited(node.name, 0)) for node in SMK if node.name != stays)]
    played = play(SMK, [*history, (61 + LINGER_S + 0.2, exited(stays, 0))])
    assert played.since(61) == [(61 + LINGER_S, Terminate(stays))]
    assert played.supervisor.finished
    assert played.failed is None
    assert played.supervisor.stop_reason == f"the call is over, but {stays} had not noticed"


def test_the_moment_counts_from_the_first_end():
    """A second end of the same call does not give the third one more time."""
    history = [*all_ready(SMK), (61, exited("source", 0)), (61 + LINGER_S / 2, exited("mixer", 0))]
    played = play(SMK, history, until=65)
    assert played.since(61)[0] == (61 + LINGER_S, Terminate("sink"))


def test_all_that_linger_are_told_caller_first():
    """The caller hangs up, so that the others see an orderly end."""
    assert play(SMK, [*all_ready(SMK), (61, exited("sink", 0))], until=65).since(61) == [
        (61 + LINGER_S, Terminate("source")),
        (61 + LINGER_S, Terminate("mixer")),
    ]


def test_who_lingers_and_does_not_stop_is_killed():
    """The stop ladder is the same as ever, and a kill that was needed is 67."""
    history = [*all_ready(SK), (61, exited("source", 0))]
    played = play(SK, [*history, (61 + LINGER_S + TIMING.kill_s + 0.1, exited("sink", -9))])
    assert played.since(61) == [
        (61 + LINGER_S, Terminate("sink")),
        (61 + LINGER_S + TIMING.grace_s, Terminate("sink")),
        (61 + LINGER_S + TIMING.kill_s, Kill("sink")),
    ]
    assert played.failed
    assert (played.failed.node, played.failed.code) == ("sink", 67)


def test_complaints_do_not_outweigh_a_good_end():
    """The exit code has the last word: an ERROR line before exit 0 is no failure."""
    history = [*all_ready(SK), (9, error("sink", "a hiccup")), (10, exited("source", 0)), (10.1, exited("sink", 0))]
    played = play(SK, history)
    assert played.failed is None
    assert played.supervisor.exit_codes() == {"source": 0, "sink": 0}


def test_output_after_the_end_is_taken():
    """What a role has written and we read late changes nothing about a good end."""
    history = [*all_ready(SK), (10, exited("source", 0)), (10.1, exited("sink", 0))]
    late = [(10.2, info("sink", "bye")), (10.2, error("sink", "oh")), (10.3, words("source", "?"))]
    played = play(SK, history + late)
    assert played.since(1.1) == []
    assert played.supervisor.finished
    assert played.failed is None
