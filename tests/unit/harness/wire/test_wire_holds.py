"""When a call was on hold, by what its two sides said: who asked, who went along, and which way is to be silent."""

from __future__ import annotations

import math

import pytest

from harness.wire.holds import SETTLES_S, Hold, held_s, holds_of, off_hold_s
from harness.wire.sip import Address, Sighting, parse_sip
from unit.harness.wire.wire_makers import sdp, sip

ONE, OTHER = Address("10.0.0.1", 5060), Address("10.0.0.2", 5060)
TAGS = {True: "a", False: "b"}  # of the caller, and of the callee


def said(at_s: float, first: str, number: int, direction: str | None, *, by_caller: bool, asked: bool) -> Sighting:
    """Return a message of an exchange that one side began; `by_caller` says who sends it."""
    ip, port = (ONE.ip, 4000) if by_caller else (OTHER.ip, 5000)
    body = "" if direction is None else sdp("0.0.0.0" if direction == "nowhere" else ip, port)
    if direction not in (None, "nowhere"):
        body += f"a={direction}\r\n"
    method = "ACK" if first.startswith("ACK") else "INVITE"
    text = sip(first, cseq=f"{number} {method}", body=body, sender=TAGS[asked])
    message = parse_sip(text)
    assert message is not None
    return Sighting(at_s, *((ONE, OTHER) if by_caller else (OTHER, ONE)), message)


def exchange(
    at_s: float, number: int, offer: str, answer: str | None, *, by_caller: bool = True, status: str = "200 OK"
) -> list[Sighting]:
    """Return an offer and its answer a tenth of a second later; None for one without a description."""
    return [
        said(at_s, "INVITE sip:x@y SIP/2.0", number, offer, by_caller=by_caller, asked=by_caller),
        said(at_s + 0.1, f"SIP/2.0 {status}", number, answer, by_caller=not by_caller, asked=by_caller),
    ]


CALL = exchange(0, 1, "sendrecv", "sendrecv")


@pytest.mark.parametrize(("offer", "answer", "silent"), [
    ("sendonly", "recvonly", (False, True)),
    ("sendonly", "sendrecv", (False, True)),  # as some say who do not know better
    ("inactive", "inactive", (True, True)),
    ("nowhere", "sendrecv", (False, True)),  # RFC 2543
])  # fmt: skip
def test_a_hold_and_its_end(offer, answer, silent):
    """From the request to the answer of the one that ends it; whoever holds may play music, unless he says not."""
    there, back = holds_of([*CALL, *exchange(2, 2, offer, answer), *exchange(4, 3, "sendrecv", "sendrecv")], "a")
    (one,), (other,) = there, back
    assert (one.start_s, one.agreed_s, one.resumed_s, one.end_s) == (2, 2.1, 4, 4.1)
    assert (one.by_sender, other.by_sender) == (True, False)
    assert (one.silent, other.silent) == silent
    assert (one.refusal, one.resume_refusal) == ("", None)


def test_a_hold_by_the_callee():
    """Then the way from the caller on is the one to be silent."""
    held = exchange(2, 7, "sendonly", "recvonly", by_caller=False)
    (one,), (other,) = holds_of([*CALL, *held], "a")
    assert (one.by_sender, one.silent, other.by_sender, other.silent) == (False, True, True, False)
    assert one.end_s == math.inf


def test_a_hold_that_is_refused_and_one_that_is_not_answered():
    """It is known what was said, and when it was over for who asked for it."""
    refused = exchange(2, 2, "sendonly", None, status="488 Not Acceptable Here")
    over = exchange(3, 3, "sendrecv", "sendrecv")
    (one,), _ = holds_of([*CALL, *refused, *over], "a")
    assert (one.agreed_s, one.refusal, one.end_s) == (None, "488 Not Acceptable Here", 3.1)
    (one,), _ = holds_of([*CALL, refused[0]], "a")
    assert (one.agreed_s, one.refusal) == (None, "")


def test_a_resume_that_is_refused():
    """The silence that follows is not what was asked for."""
    refused = exchange(4, 3, "sendrecv", None, status="500 Internal Error")
    (one,), _ = holds_of([*CALL, *exchange(2, 2, "sendonly", "recvonly"), *refused], "a")
    assert (one.resume_refusal, one.end_s) == ("500 Internal Error", 4.1)


@pytest.mark.parametrize("call", [
    CALL,
    [*CALL, *exchange(1, 2, "sendrecv", "sendrecv")],  # a session that is refreshed, or a new address
    exchange(0, 1, "sendrecv", "sendonly"),  # one way from the beginning: nobody was put on hold
    [*exchange(0, 1, "sendrecv", "sendonly"), *exchange(1, 2, "sendrecv", "sendonly")],
    exchange(0, 1, "sendrecv", None, status="486 Busy Here"),
    [],
])  # fmt: skip
def test_no_hold(call):
    """A re-INVITE alone is none, nor is a call that was never two ways."""
    assert holds_of(call, "a") == ([], [])


def test_messages_that_come_twice_and_a_late_offer():
    """Copies change nothing; an INVITE without a description has its answer in the ACK."""
    hold = exchange(2, 2, "sendonly", "recvonly")
    assert holds_of([*CALL, *CALL, *hold, *hold], "a") == holds_of([*CALL, *hold], "a")
    late = [
        said(2, "INVITE sip:x@y SIP/2.0", 9, None, by_caller=False, asked=False),
        said(2.1, "SIP/2.0 200 OK", 9, "sendonly", by_caller=True, asked=False),
        said(2.2, "ACK sip:x@y SIP/2.0", 9, "recvonly", by_caller=False, asked=False),
    ]
    (one,), (other,) = holds_of([*CALL, *late], "a")
    assert (one.silent, other.silent) == (False, True)


def test_what_of_a_silence_a_hold_accounts_for():
    """All of it, with a moment for threads; what goes on for longer is left, and what is elsewhere too."""
    hold = Hold(start_s=2, by_sender=True, silent=False, end_s=4)
    assert held_s([hold], 1.9, 4.1) == 2
    assert off_hold_s([hold], 1.95, 2.1) == 0
    assert off_hold_s([hold], 1.95, 4.05) == pytest.approx(2.05 - SETTLES_S)
    assert off_hold_s([hold], 5, 1) == 1
    assert off_hold_s([], 2, 1) == 1
