"""What a listener did not hear is followed back to the hop in which it was first missing."""

from __future__ import annotations

import functools
from dataclasses import replace

import numpy as np
import pytest
from fault_makers import T0, carried, hop, speech

from harness.canary import Stall
from harness.fault.cause import Who
from harness.fault.heard import Chain, heard_cause
from harness.fault.host import Host
from harness.runqueue import Wait
from harness.sound import Gap, Kind, compare
from harness.wire.rtcp import Block, Report

AT = 3.0  # seconds: where in the file it happens
PLAYED = speech()
SPAN = slice(round(AT * 8000), round((AT + 0.1) * 8000))
PACKETS = tuple(range(150, 155))  # those that carry it
LATE = {n: 1.0 - 0.02 * (n - 150) for n in range(150, 200)}
AFTER_S = 0.1  # from hop to hop


def silenced(sound):
    """Return the sound with silence in place of the stretch."""
    sound = sound.copy()
    sound[SPAN] = 0
    return sound


@functools.cache
def whole(src, dst, start_s=T0):
    """Return a hop in which nothing is wrong."""
    return hop(PLAYED, src, dst, carried(PLAYED, start_s=start_s), at_sender=True)


def asked(*hops, heard=None, host=None, metrics=None):
    """Return the cause of the worst gap in a recording that lacks the stretch."""
    hearing = compare(PLAYED, silenced(PLAYED) if heard is None else heard)
    worst = max(hearing.gaps, key=lambda gap: gap.length_s)
    chain = Chain(hops=hops, listener="sink", host=host or Host(), metrics=metrics or {})
    return heard_cause(worst, chain)


def test_packets_that_the_first_leg_lost():
    """The later ones lack them too, but that is no news."""
    first = hop(PLAYED, "source", "mixer", carried(PLAYED, lost=PACKETS))
    second = hop(PLAYED, "mixer", "sink", carried(silenced(PLAYED), start_s=T0 + AFTER_S))
    cause = asked(first, second)
    assert (cause.who, cause.where) == (Who.NETWORK, "source -> mixer")
    assert "lost between source and mixer: 5 packets after seq 149" in cause.evidence
    assert cause.at_s == pytest.approx(T0 + AT - 0.02, abs=0.001)


def test_what_is_amiss_beside_a_loss_is_no_fault_of_the_sender():
    """Beside lost packets nobody can say what else is wrong with the sound that was sent."""
    first = hop(PLAYED, "source", "sink", carried(PLAYED, lost=PACKETS))
    beside = Gap(at_s=AT - 0.06, file_s=AT - 0.06, length_s=0.06, kind=Kind.INSERTED)
    cause = asked(replace(first, hearing=replace(first.hearing, gaps=(beside,))))
    assert (cause.who, cause.where) == (Who.NETWORK, "source -> sink")


def test_packets_that_the_second_leg_lost():
    """The first had them in time."""
    second = hop(PLAYED, "mixer", "sink", carried(PLAYED, lost=PACKETS, start_s=T0 + AFTER_S))
    cause = asked(whole("source", "mixer"), second)
    assert (cause.who, cause.where) == (Who.NETWORK, "mixer -> sink")
    assert "5 packets after seq 149" in cause.evidence


@pytest.mark.parametrize("cut", [silenced, lambda sound: np.delete(sound, SPAN)], ids=["silent", "missing"])
def test_what_a_mixer_received_and_did_not_send(cut):
    """All packets came on both legs; what is in the second's is not the file."""
    second = hop(PLAYED, "mixer", "sink", carried(cut(PLAYED), start_s=T0 + AFTER_S), metrics={"rx_discards": 5})
    cause = asked(whole("source", "mixer"), second, heard=cut(PLAYED))
    assert (cause.who, cause.where) == (Who.SENDER, "mixer")
    assert "mixer received it whole and in time over source -> mixer, and did not send it rightly" in cause.evidence
    assert cause.evidence.endswith("(mixer counts rx_discards 5)")


def test_what_the_source_played_wrong():
    """There is no leg before the first."""
    first = hop(PLAYED, "source", "sink", carried(silenced(PLAYED)))
    cause = asked(first)
    assert (cause.who, cause.where) == (Who.SENDER, "source")
    assert "source did not send it rightly: 100 ms are silent in its packets to sink" in cause.evidence


def test_packets_that_came_too_late_to_be_played():
    """They are all there, and of their lateness it is known whose it is."""
    first = hop(PLAYED, "source", "mixer", carried(PLAYED, held_s=LATE), at_sender=True)
    second = hop(PLAYED, "mixer", "sink", carried(silenced(PLAYED), start_s=T0 + AFTER_S))
    cause = asked(first, second)
    assert (cause.who, cause.where) == (Who.SENDER, "source")
    assert "source sent nothing for 1020 ms after seq 149" in cause.evidence
    assert cause.evidence.endswith("what came then was too late for mixer to play")
    host = Host(stalls=[Stall(start_s=T0 + AT, length_s=1.0)])
    assert asked(first, second, host=host).who is Who.HOST
    assert asked(whole("source", "mixer"), second, host=Host()).where == "mixer"


def test_a_little_late_accounts_for_no_long_gap():
    """A packet that was 25 ms late on the way is no reason for 100 ms of silence."""
    first = hop(PLAYED, "source", "sink", carried(PLAYED, held_s={149: 0.025, 150: 0.005}), at_sender=True)
    assert first.sight.stream.gaps()
    assert asked(first).who is Who.RECEIVER
    held_s = {149: 0.075, 150: 0.055, 151: 0.035, 152: 0.015}
    first = hop(PLAYED, "source", "sink", carried(PLAYED, held_s=held_s), at_sender=True)
    assert asked(first).who is Who.SENDER


def test_many_a_little_late_account_for_a_long_gap():
    """A sender that falls behind again and again uses up what is in the buffers, a part each time."""
    behind = {n: 0.025 * (n // 5 - 27) for n in range(140, 165)} | dict.fromkeys(range(165, 300), 0.125)
    first = hop(PLAYED, "source", "sink", carried(PLAYED, held_s=behind), at_sender=True)
    assert max(gap.by_arrival_s for gap in first.sight.stream.gaps()) < 0.05
    assert asked(first).who is Who.SENDER


def test_what_came_and_was_not_played():
    """Whole and in time over every leg: the listener's, with what it counts itself."""
    hops = whole("source", "mixer"), whole("mixer", "sink", T0 + AFTER_S)
    cause = asked(*hops, metrics={"rx_discards": 5, "rx_underruns": 0})
    assert (cause.who, cause.where) == (Who.RECEIVER, "sink")
    assert "it came whole and in time over mixer -> sink, and sink dropped it late or did not play it" in cause.evidence
    assert cause.evidence.endswith("(sink counts rx_discards 5)")


@pytest.mark.parametrize(
    ("node", "at_s", "who"),
    [("sink", AT + 0.3, Who.HOST), ("mixer", AT + 0.3, Who.RECEIVER), ("sink", AT - 2, Who.RECEIVER)],
)
def test_a_listener_that_waited_for_a_processor(node, at_s, who):
    """Then, and itself: it is our own machine's."""
    wait = Wait(start_s=T0 + at_s, end_s=T0 + at_s + 0.08, length_s=0.08, group=1, thread=1)
    hops = whole("source", "mixer"), whole("mixer", "sink", T0 + AFTER_S)
    cause = asked(*hops, host=Host(waits={node: [wait]}))
    assert (cause.who, cause.where) == (who, "sink")


@pytest.mark.parametrize(("waited_s", "who"), [(0.3, Who.HOST), (0.2, Who.RECEIVER)])
def test_a_role_that_waited_for_a_processor(waited_s, who):
    """It has sound ahead in its user agent, so only what is beyond that counts."""
    wait = Wait(start_s=T0 + AT, end_s=T0 + AT + waited_s, length_s=waited_s, group=1, thread=1, of_role=True)
    hops = whole("source", "mixer"), whole("mixer", "sink", T0 + AFTER_S)
    cause = asked(*hops, host=Host(waits={"sink": [wait]}))
    assert (cause.who, cause.where) == (who, "sink")
    assert ("sink waited 300 ms for a processor" in cause.evidence) == (who is Who.HOST)


def test_a_role_waits_for_whichever_of_its_threads_does():
    """Only one of them runs at a time."""
    waits = [
        Wait(start_s=T0 + AT + at_s, end_s=T0 + AT + at_s + 0.15, length_s=0.15, group=1, thread=at, of_role=True)
        for at, at_s in enumerate((0, 0.15))
    ]
    hops = whole("source", "mixer"), whole("mixer", "sink", T0 + AFTER_S)
    assert asked(*hops, host=Host(waits={"sink": waits})).who is Who.HOST


def test_what_was_captured_and_not_received():
    """The receiver's RTCP misses packets that crossed the wire: its own machine lost them."""
    says = Report(T0 + 5, 9, None, None, (Block(7, 5, 0),))
    last = hop(PLAYED, "mixer", "sink", carried(PLAYED), reports=[says])
    assert "sink's RTCP misses 5 packets that were captured" in asked(last).evidence
    first = hop(PLAYED, "source", "mixer", carried(PLAYED), reports=[says])
    cause = asked(first, hop(PLAYED, "mixer", "sink", carried(silenced(PLAYED))))
    assert (cause.who, cause.where) == (Who.RECEIVER, "mixer")


def test_hops_that_cannot_be_followed():
    """Nothing is said of them, nor of what lies behind."""
    cause = asked()
    assert (cause.who, cause.evidence) == (Who.UNKNOWN, "the file could not be followed on the wire")
    cause = asked(whole("source", "mixer"), "mixer -> sink")
    assert (cause.who, cause.evidence) == (Who.UNKNOWN, "the file could not be followed on mixer -> sink")
    cause = asked("source -> mixer", hop(PLAYED, "mixer", "sink", carried(silenced(PLAYED))))
    assert (cause.who, cause.where) == (Who.UNKNOWN, "mixer -> sink")
    assert "lacking on mixer -> sink, but the file could not be followed on source -> mixer" in cause.evidence
    assert asked("source -> mixer", whole("mixer", "sink")).who is Who.RECEIVER
