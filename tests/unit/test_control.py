"""baresip's control socket: netstrings, events, and a conversation with a fake baresip."""

from __future__ import annotations

import contextlib
import json
import queue
import random
import socket
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

import pytest
from eventually import eventually

from b2b import clock
from b2b.baresip import control
from b2b.baresip.control import CallEvent, Control, as_event, encode, split_netstrings
from b2b.errors import SipError


def netstring(body: bytes) -> bytes:
    """Wrap a body."""
    return str(len(body)).encode() + b":" + body + b","


@pytest.mark.parametrize(
    ("buffer", "bodies", "left"),
    [
        (b"", [], b""),
        (b"5:hello,", [b"hello"], b""),
        (b"0:,", [b""], b""),
        (b"5:hello,3:abc,", [b"hello", b"abc"], b""),
        (b"5:hello,3:ab", [b"hello"], b"3:ab"),
        (b"5:hello", [], b"5:hello"),
        (b"5", [], b"5"),
        (b"5:", [], b"5:"),
        (b"5:he,:l,", [b"he,:l"], b""),
        (b"12:hello, world,", [b"hello, world"], b""),
        (b"8:caf\xc3\xa9\x00\xff\n,", [b"caf\xc3\xa9\x00\xff\n"], b""),
    ],
)
def test_complete_netstrings_are_taken_off_the_front(buffer: bytes, bodies: list[bytes], left: bytes) -> None:
    """What is not complete yet waits for its rest."""
    data = bytearray(buffer)
    assert list(split_netstrings(data)) == bodies
    assert data == left


@pytest.mark.parametrize("seed", range(20))
def test_the_pieces_in_which_they_come_do_not_matter(seed: int) -> None:
    """A stream may be cut anywhere, between any two bytes."""
    chance = random.Random(seed)
    bodies = [chance.randbytes(chance.choice([0, 1, 9, 10, 99, 1000])) for _ in range(20)]
    stream, buffer, found = b"".join(map(netstring, bodies)), bytearray(), []
    while stream:
        cut = chance.choice([1, 2, 7, 500])
        buffer += stream[:cut]
        stream = stream[cut:]
        found += list(split_netstrings(buffer))
    assert found == bodies
    assert not buffer


@pytest.mark.parametrize(
    "garbage",
    [
        b"5:helloX",
        b"abc:xyz,",
        b"-3:abc,",
        b"1048577:",
        b"999999999:",
        b"12345678901234567890:",
        b"GET / HTTP/1.1\r\n\r\n",
        b":::::::::::",
        b"\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff",
        b"1.5:x,",
    ],
)
def test_what_is_no_netstring_is_refused(garbage: bytes) -> None:
    """At once: waiting for its end would be waiting for ever, and remembering it all meanwhile."""
    with pytest.raises(ValueError, match=r"."):
        list(split_netstrings(bytearray(garbage)))


def test_good_netstrings_before_garbage_still_count() -> None:
    """They were sent before whatever went wrong."""
    found = split_netstrings(bytearray(b"2:ok,no"))
    assert next(found) == b"ok"
    stream = split_netstrings(bytearray(b"2:ok,no netstring"))
    assert next(stream) == b"ok"
    with pytest.raises(ValueError, match="no netstring"):
        next(stream)


@pytest.mark.parametrize(
    ("command", "name", "params"),
    [
        ("hangup", "hangup", ""),
        ("dial sip:b2b@127.0.0.1:5062", "dial", "sip:b2b@127.0.0.1:5062"),
        ("say two words", "say", "two words"),
        ('say "ü\n', "say", '"ü\n'),
    ],
)
def test_a_command_is_json_in_a_netstring(command: str, name: str, params: str) -> None:
    """With the token by which its answer is known."""
    [body] = split_netstrings(bytearray(encode(command, "17")))
    assert json.loads(body) == {"command": name, "params": params, "token": "17"}


ESTABLISHED = {
    "event": True,
    "type": "CALL_ESTABLISHED",
    "class": "call",
    "accountaor": "sip:source@127.0.0.1",
    "direction": "outgoing",
    "peeruri": "sip:sink@127.0.0.1:39670",
    "id": "2ab0b1f1",
    "param": "sip:sink@127.0.0.1:39670",
}  # as baresip 1.0.0 says it
STATISTICS = {"tx": {"sent": 250, "lost": 0, "jit": 875}, "rx": {"sent": 250, "lost": 0, "jit": 750}, "rtt": 0}


@pytest.mark.parametrize(
    ("message", "wanted"),
    [
        (
            ESTABLISHED,
            CallEvent(
                type="CALL_ESTABLISHED",
                user="source",
                param="sip:sink@127.0.0.1:39670",
                peer="sip:sink@127.0.0.1:39670",
                call_id="2ab0b1f1",
            ),
        ),
        (
            {**ESTABLISHED, "type": "CALL_RTCP", "param": "audio", "rtcp_stats": STATISTICS},
            CallEvent(
                type="CALL_RTCP",
                user="source",
                param="audio",
                peer="sip:sink@127.0.0.1:39670",
                call_id="2ab0b1f1",
                rtcp=STATISTICS,
            ),
        ),
        ({"type": "CALL_CLOSED"}, CallEvent(type="CALL_CLOSED", user="", param="", peer="")),
        ({"type": "CALL_RTCP", "rtcp_stats": 3}, CallEvent(type="CALL_RTCP", user="", param="", peer="")),
        ({**ESTABLISHED, "type": "MWI_NOTIFY", "class": "mwi"}, None),
        ({"type": None}, None),
        ({}, None),
    ],
)
def test_events_of_calls_are_read(message: dict[str, Any], wanted: CallEvent | None) -> None:
    """With whatever is missing left empty; what is not about calls is none."""
    assert as_event(message) == wanted


Answer = Callable[[dict[str, Any]], bytes]


def yes(data: str = "") -> Answer:
    """Say that all went well."""
    return lambda command: message(response=True, ok=True, data=data, token=command["token"])


def message(**fields: Any) -> bytes:
    """Return one message of baresip's."""
    return netstring(json.dumps(fields).encode())


@dataclass
class FakeBaresip:
    """Listens like baresip's ctrl_tcp, and answers each command as it was told to."""

    answers: dict[str, Answer]
    commands: list[dict[str, Any]] = field(default_factory=list)

    def __post_init__(self) -> None:
        """Listen."""
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = self._listener.getsockname()[1]
        self._client: socket.socket | None = None
        threading.Thread(target=self._serve, daemon=True).start()

    def send(self, data: bytes) -> None:
        """Say something unasked."""
        eventually(lambda: self._client, "a client").sendall(data)  # type: ignore[union-attr]

    def hang_up(self) -> None:
        """Close the connection."""
        eventually(lambda: self._client, "a client").shutdown(socket.SHUT_RDWR)  # type: ignore[union-attr]

    def close(self) -> None:
        """Be gone."""
        self._listener.close()
        if self._client:
            with contextlib.suppress(OSError):
                self._client.shutdown(socket.SHUT_RDWR)
            self._client.close()

    def _serve(self) -> None:
        with contextlib.suppress(OSError):
            self._client, _ = self._listener.accept()
            buffer = bytearray()
            while data := self._client.recv(65536):
                buffer += data
                for body in split_netstrings(buffer):
                    command = json.loads(body)
                    self.commands.append(command)
                    self._client.sendall(self.answers[command["command"]](command))


@dataclass
class Talk:
    """A connection, both of its ends, and what was said unasked."""

    baresip: FakeBaresip
    control: Control
    events: queue.SimpleQueue[CallEvent]
    losses: queue.SimpleQueue[str]


@pytest.fixture
def talk() -> Iterator[Talk]:
    """Connect to a fake baresip that takes every command of the tests."""
    baresip = FakeBaresip(
        {
            "uafind": yes("found"),
            "dial": yes("dialling"),
            "hangup": lambda command: message(response=True, ok=False, data="no call", token=command["token"]),
            "late": lambda command: b"",
            "answer": yes("answered"),
        }
    )
    events: queue.SimpleQueue[CallEvent] = queue.SimpleQueue()
    losses: queue.SimpleQueue[str] = queue.SimpleQueue()
    connection = Control(baresip.port, on_event=events.put, on_loss=losses.put)
    yield Talk(baresip, connection, events, losses)
    connection.close()
    baresip.close()


def test_a_command_is_answered(talk: Talk) -> None:
    """The answer's data comes back."""
    assert talk.control.commands("dial sip:b2b@127.0.0.1") == "dialling"
    assert [command["params"] for command in talk.baresip.commands] == ["sip:b2b@127.0.0.1"]


def test_commands_go_out_in_their_order_and_the_last_answer_counts(talk: Talk) -> None:
    """Each with a token of its own."""
    assert talk.control.commands("uafind sip:a@b", "dial sip:c@d") == "dialling"
    assert [command["command"] for command in talk.baresip.commands] == ["uafind", "dial"]
    assert len({command["token"] for command in talk.baresip.commands}) == 2


def test_events_reach_their_handler_also_between_answers(talk: Talk) -> None:
    """In the order in which they were sent, those that are about neither calls nor registrations left out."""
    talk.baresip.answers["dial"] = lambda command: (
        message(**ESTABLISHED)
        + message(event=True, type="MWI_NOTIFY")
        + yes("dialling")(command)
        + message(**{**ESTABLISHED, "type": "CALL_CLOSED"})
    )
    assert talk.control.commands("dial x") == "dialling"
    assert [talk.events.get(timeout=20).type for _ in range(2)] == ["CALL_ESTABLISHED", "CALL_CLOSED"]
    assert talk.events.empty()


@pytest.mark.parametrize("commands", [("hangup",), ("uafind x", "hangup"), ("hangup", "dial x")])
def test_a_refused_command_is_an_error(talk: Talk, commands: tuple[str, ...]) -> None:
    """With baresip's own reason; and the connection stays as good as it was."""
    with pytest.raises(SipError) as caught:
        talk.control.commands(*commands)
    assert str(caught.value) == "baresip refused `hangup`: no call"
    assert talk.control.commands("dial x") == "dialling"


def test_a_command_without_an_answer_is_an_error(talk: Talk, monkeypatch: pytest.MonkeyPatch) -> None:
    """After the limit, with the command and the limit in it."""
    monkeypatch.setattr(control, "ANSWER_S", 0.05)
    with pytest.raises(SipError) as caught:
        talk.control.commands("late to the party")
    assert str(caught.value) == "baresip did not answer `late to the party` within 0.05 s"


def test_an_answer_that_comes_too_late_is_not_taken_for_the_next(talk: Talk, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each answer belongs to the command with its token."""
    with monkeypatch.context() as patch:
        patch.setattr(control, "ANSWER_S", 0.05)
        with pytest.raises(SipError, match="did not answer"):
            talk.control.commands("late")
    talk.baresip.answers["dial"] = lambda command: (
        yes("much too late")(talk.baresip.commands[0]) + yes("dialling")(command)
    )
    assert talk.control.commands("dial x") == "dialling"


def test_a_connection_that_baresip_closes_is_told(talk: Talk) -> None:
    """Once."""
    talk.baresip.hang_up()
    assert talk.losses.get(timeout=20) == "it closed the connection"
    assert talk.losses.empty()


@pytest.mark.parametrize(
    "garbage",
    [
        b"HTTP/1.1 400 Bad Request\r\n",
        netstring(b"no json"),
        netstring(b"[1, 2]"),
        netstring(b"[" * 100_000),
        b"9999999:",
    ],
)
def test_a_connection_that_makes_no_sense_is_told(talk: Talk, garbage: bytes) -> None:
    """Somebody else may listen on that port."""
    talk.baresip.send(garbage)
    assert talk.losses.get(timeout=20).startswith("it sent what is no JSON in netstrings (")


def test_a_caller_may_have_a_name_in_any_encoding(talk: Talk) -> None:
    """baresip passes on what stood in the INVITE; a stranger's odd address is not our failure."""
    odd = message(**ESTABLISHED).replace(b"sip:sink@", b"sip:s\xefnk@")
    talk.baresip.send(odd + message(**{**ESTABLISHED, "type": "CALL_CLOSED"}))
    assert eventually(lambda: talk.events.qsize() == 2 or talk.losses.qsize(), "events or a loss")
    assert talk.losses.empty()


def test_a_lost_connection_takes_no_command(talk: Talk, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whether or not the kernel has noticed by then."""
    monkeypatch.setattr(control, "ANSWER_S", 0.05)
    talk.baresip.hang_up()
    talk.losses.get(timeout=20)
    with pytest.raises(SipError):
        talk.control.commands("dial x")


def test_a_connection_that_closes_ends_the_wait_for_an_answer(talk: Talk, monkeypatch: pytest.MonkeyPatch) -> None:
    """A baresip that was killed will never answer, and every role would stand there for three seconds."""
    monkeypatch.setattr(control, "ANSWER_S", 0.5)
    talk.baresip.answers["late"] = lambda command: talk.baresip.hang_up() or b""  # type: ignore[func-returns-value]
    limit = clock.Deadline.after(0.4)
    with pytest.raises(SipError):
        talk.control.commands("late")
    assert not limit.passed


def test_a_quiet_connection_is_no_loss(talk: Talk) -> None:
    """Nothing need happen in a call for an hour: only connecting has a limit."""
    assert talk.control._socket.gettimeout() is None
    assert talk.control.commands("dial x") == "dialling"


def test_letting_go_is_no_loss(talk: Talk) -> None:
    """We know about it; and a second time does no harm."""
    reader = next(thread for thread in threading.enumerate() if thread.name == "control")
    talk.control.close()
    talk.control.close()
    eventually(lambda: not reader.is_alive(), "the reader to end")
    assert talk.losses.empty()
    with pytest.raises(SipError, match="lost the control connection"):
        talk.control.commands("dial x")


def test_where_nobody_listens_there_is_no_connection() -> None:
    """baresip may not be up yet: the agent tries again."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    with pytest.raises(ConnectionRefusedError):
        Control(port, on_event=lambda event: None, on_loss=lambda reason: None)
