"""Whose fault a gap on the wire is: each answer goes when its evidence does."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from fault_makers import FRAME_S, LATE, LOST, RELAYED, SILENT, T0, sight, stream_of

from harness.canary import Stall
from harness.fault.cause import Who
from harness.fault.host import Host
from harness.fault.wire import gap_cause, loss_cause, missed_by_receiver, tap_of
from harness.runqueue import Wait
from harness.wire.rtcp import Block, Report
from harness.wire.streams import Columns

CALM = Host()


def asked(what, host=CALM, **more):
    """Return the cause of the only gap in a history."""
    seen = sight(what, **more)
    (gap,) = seen.stream.gaps()
    return gap_cause(gap, seen, host)


def sent(time_s, count, ssrc=7):
    """Return a sender's report."""
    return Report(T0 + time_s, ssrc, count, None, ())


def test_missing_numbers_are_the_networks():
    """They were given out, so they were sent."""
    cause = asked(LOST)
    assert (cause.who, cause.where) == (Who.NETWORK, "source -> mixer")
    assert cause.evidence == "lost between source and mixer: 3 packets after seq 149; numbered, so sent"
    assert (cause.at_s, cause.length_s) == (pytest.approx(T0 + 0.98), pytest.approx(0.08))


def test_missing_timestamps_alone_are_the_senders():
    """No number is missing: nothing was sent."""
    cause = asked(SILENT)
    assert (cause.who, cause.where) == (Who.SENDER, "source")
    assert "source did not send: no number is missing after seq 149, the timestamps jump 80 ms" in cause.evidence


@pytest.mark.parametrize(
    ("counts", "who", "words"),
    [
        ((200, 250), Who.NETWORK, "source's RTCP counts them as sent"),
        ((199, 249), Who.NETWORK, "source's RTCP counts them as sent"),  # one more or less is the report's own race
        ((197, 247), Who.SENDER, "source did not send 3 packets after seq 149: source's RTCP counts 197 packets"),
        ((198, 248), Who.SENDER, "source did not send"),
        ((400, 450), Who.NETWORK, "numbered, so sent"),  # of another stream, or the capture began later
    ],
)
def test_the_senders_report_says_whether_they_left(counts, who, words):
    """Numbers that it gave out and packets that it counts, from the beginning or from the report before."""
    cause = asked(LOST, reports=[sent(3.99, counts[0]), sent(4.99, counts[1])])
    assert (cause.who, words in cause.evidence) == (who, True), cause
    early = [sent(0.5, 26), *(sent(time_s, count) for time_s, count in zip((3.99, 4.99), counts, strict=True))]
    assert asked(LOST, reports=early).who is who


def test_reports_that_do_not_reach_the_gap_say_nothing():
    """Of before it, or of somebody else."""
    assert "numbered, so sent" in asked(LOST, reports=[sent(0.5, 26)]).evidence
    assert "numbered, so sent" in asked(LOST, reports=[sent(3.99, 197, ssrc=8)]).evidence


def test_some_of_each_is_not_told_apart():
    """Could not tell is an answer."""
    twenty = (*range(50), *range(70, 300))
    cause = asked(twenty, reports=[sent(3.99, 190)])
    assert (cause.who, cause.where) == (Who.UNKNOWN, "source -> mixer")
    assert cause.beside("source -> mixer") == "could not tell whose"
    assert cause.beside("mixer") == "could not tell whose, source -> mixer"
    assert "190 packets where it gave out 200 numbers, and 180 came: some of each" in str(cause)


def test_what_a_relay_had_the_network_lost_behind_it():
    """The same packets, seen before a relay."""
    cause = asked(LOST, tap=stream_of(range(300), **RELAYED))
    assert (cause.who, "passed 10.0.0.9:1 -> 10.0.0.9:2 and came no further" in cause.evidence) == (Who.NETWORK, True)
    cause = asked(LOST, tap=stream_of(LOST, **RELAYED))
    assert (cause.who, cause.where) == (Who.NETWORK, "10.0.0.9:1 -> 10.0.0.9:2")
    assert "lost before it" in cause.evidence


def test_late_where_it_left_is_the_senders():
    """On the sender's own machine nothing lies between it and the capture; its counters support that."""
    cause = asked(LATE, at_sender=True, metrics={"tx_underruns": 4, "stalls": 0})
    assert (cause.who, cause.where) == (Who.SENDER, "source")
    assert "source sent nothing for 120 ms after seq 149" in cause.evidence
    assert cause.evidence.endswith("(source counts tx_underruns 4)")


def test_late_in_a_capture_from_somewhere_is_nobodys():
    """What is caught up may have been delayed, and may have left late."""
    cause = asked(LATE)
    assert (cause.who, cause.where) == (Who.UNKNOWN, "source -> mixer")
    assert "one capture cannot tell" in cause.evidence


def test_a_delay_that_stays_is_the_senders():
    """A network delivers what it held back and is as fast as before; a sender whose sound stood still is not."""
    cause = asked(range(300), held_s=dict.fromkeys(range(50, 300), 0.1))
    assert (cause.who, "all that follows is as late" in cause.evidence) == (Who.SENDER, True)


def test_what_left_a_tap_in_time_the_network_delayed():
    """And what was late there already had left late."""
    cause = asked(LATE, tap=stream_of(range(300), **RELAYED))
    assert (cause.who, cause.where) == (Who.NETWORK, "source -> mixer")
    assert "packets that left 20 ms apart at 10.0.0.9:1 -> 10.0.0.9:2 came 120 ms apart" in cause.evidence
    assert asked(LATE, tap=stream_of(LATE.numbers, held_s=LATE.held_s, **RELAYED)).who is Who.SENDER


def test_what_never_left_its_sender_it_did_not_send():
    """By a tap of its own, where the same packets are on the same way; unless its RTCP counts them."""
    assert "left their sender and came no further" in asked(LOST, tap=stream_of(range(300))).evidence
    cause = asked(LOST, tap=stream_of(LOST))
    assert (cause.who, cause.where) == (Who.SENDER, "source")
    assert "3 packets after seq 149: numbered, and not seen where they would have left" in cause.evidence
    assert asked(LOST, tap=stream_of(LOST), reports=[sent(3.99, 200)]).who is Who.NETWORK


def test_numbers_that_come_again_are_other_packets():
    """After 65536 of them a tap has had each number, and what is missing now was there then."""
    early = stream_of(range(40, 60), earlier_s=65536 * 0.02)
    now = stream_of(LOST).columns
    both = {name: np.concatenate((getattr(early.columns, name), getattr(now, name))) for name in now.__slots__}
    assert asked(LOST, tap=replace(early, columns=Columns(**both))).who is Who.SENDER


def test_a_host_that_held_up_the_sender_of_a_slow_network():
    """The gap was half a second earlier where it left."""
    tap = stream_of(LATE.numbers, held_s=LATE.held_s, earlier_s=0.5)
    host = Host(stalls=[Stall(start_s=T0 + 0.49, length_s=0.081)])
    assert asked(LATE, host, tap=tap).who is Who.HOST
    assert asked(LATE, host).who is Who.UNKNOWN


@pytest.mark.parametrize(
    ("host", "who"),
    [
        (Host(stalls=[Stall(start_s=T0 + 0.99, length_s=0.081)]), Who.HOST),
        (Host(stalls=[Stall(start_s=T0 + 0.99, length_s=0.079)]), Who.SENDER),  # 120 - 40 ms it must be
        (Host(stalls=[Stall(start_s=T0 + 0.5, length_s=0.4)]), Who.SENDER),  # not inside that very gap
    ],
)
def test_a_canary_that_was_late_inside_the_gap(host, who):
    """By at least what exceeds the limit; then it is our own machine's."""
    cause = asked(LATE, host, at_sender=True)
    assert cause.who is who
    assert ("host stalled 81 ms" in cause.evidence) == (who is Who.HOST)


def waited(*lengths_s, node="source", thread=1, start_s=T0 + 0.99):
    """Return waits one after the other."""
    waits = []
    for length_s in lengths_s:
        waits.append(Wait(start_s=start_s, end_s=start_s + length_s, length_s=length_s, group=1, thread=thread))
        start_s += length_s
    return Host(waits={node: waits})


@pytest.mark.parametrize(
    ("host", "who"),
    [
        (waited(0.03, 0.03, 0.025), Who.HOST),
        (waited(0.03, 0.03, 0.01), Who.SENDER),
        (waited(0.09, node="sink"), Who.SENDER),  # another's user agent
        (Host(waits={"source": [*waited(0.05).waits["source"], *waited(0.05, thread=2).waits["source"]]}), Who.SENDER),
        (waited(0.09, start_s=T0 + 2), Who.SENDER),
    ],
)
def test_a_user_agent_that_waited_for_a_processor(host, who):
    """All waits of one of its threads inside the gap together: without them it would have been in time."""
    cause = asked(LATE, host, at_sender=True)
    assert cause.who is who
    if who is Who.HOST:
        assert cause.evidence == "source's user agent waited 85 ms for a processor"


def test_a_machine_that_nobody_watched():
    """Whatever was late may have been its doing; what was lost was not."""
    unwatched = Host(blind="harness.canary ended by itself: killed by SIGKILL")
    cause = asked(LATE, unwatched, at_sender=True)
    assert cause.who is Who.HOST
    assert cause.evidence.startswith("nobody knows whether the host stalled: harness.canary ended by itself")
    assert asked(LOST, unwatched).who is Who.NETWORK


def test_lost_packets_are_not_the_hosts():
    """However busy it was; only what one lost packet's gap has beyond the limit may be."""
    busy = Host(stalls=[Stall(start_s=T0 + 0.9, length_s=0.3)])
    assert asked(LOST, busy).who is Who.NETWORK
    seen = sight((*range(50), *range(51, 300)), held_s={51: 0.01})
    (gap,) = seen.stream.gaps()
    assert (gap_cause(gap, seen, busy).who, loss_cause(gap, seen).who) == (Who.HOST, Who.NETWORK)
    (gap,) = sight((*range(50), *range(51, 300))).stream.gaps(0.02)
    assert gap_cause(gap, seen, busy).who is Who.NETWORK


def test_the_same_packets_elsewhere_are_a_tap():
    """By number and timestamp, earlier and on another way; a copy of the same way is none, nor is another stream."""
    here, before = stream_of(LOST), stream_of(range(300), earlier_s=0.0004, **RELAYED)
    first = stream_of(range(300), earlier_s=0.0009, ports=(5, 6))
    assert tap_of(here, [here, before, first]) is before
    assert tap_of(before, [here, before, first]) is first
    assert tap_of(first, [here, before, first]) is None
    assert tap_of(here, [here, stream_of(range(300), ssrc=8, earlier_s=0.0004, **RELAYED)]) is None
    assert tap_of(here, [here, stream_of(range(300), earlier_s=0.0004, seq=9000, **RELAYED)]) is None


def test_what_a_receiver_misses_beyond_the_capture():
    """Packets that were seen on the wire and that its RTCP has as lost."""
    block = Block(7, 5, 0)
    seen = replace(sight(LOST), reports=[Report(T0 + 5, 9, None, None, (block,))])
    assert missed_by_receiver(seen) == 2
    assert missed_by_receiver(replace(seen, reports=[Report(T0 + 5, 9, None, None, (Block(8, 5, 0),))])) == 0


@pytest.mark.parametrize(("number", "who"), [(20, Who.HOST), (100, Who.SENDER)])
def test_a_role_that_waited_when_its_sound_had_just_begun(number, who):
    """It may have had nothing ahead yet; later on it has."""
    at_s = T0 + FRAME_S * number
    wait = Wait(start_s=at_s - 0.2, end_s=at_s, length_s=0.12, group=1, thread=1, of_role=True)
    held_s = {number + step: 0.08 - FRAME_S * step for step in range(4)}
    cause = asked(range(200), Host(waits={"source": [wait]}), held_s=held_s, at_sender=True)
    assert cause.who is who
