"""baresip's control socket: JSON in netstrings, commands out, answers and events in (module ctrl_tcp)."""

from __future__ import annotations

import contextlib
import itertools
import json
import queue
import socket
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from b2b import clock
from b2b.errors import SipError

LARGEST_MESSAGE = 1 << 20
ANSWER_S = 3.0
CLOSED = "it closed the connection"
SHORT_S = 0.3  # for one that did not answer the last time


@dataclass(frozen=True, slots=True, kw_only=True)
class CallEvent:
    """What baresip says of a call (CALL_INCOMING, CALL_ESTABLISHED, CALL_CLOSED, …), or of a registration."""

    type: str
    user: str
    param: str
    peer: str
    call_id: str = ""
    rtcp: dict[str, Any] | None = None


def encode(command: str, token: str) -> bytes:
    """Return a command and its parameters as a netstring."""
    name, _, params = command.partition(" ")
    body = json.dumps({"command": name, "params": params, "token": token}).encode()
    return b"%d:%s," % (len(body), body)


def split_netstrings(buffer: bytearray) -> Iterator[bytes]:
    """Take the complete netstrings off the front of the buffer. Raises ValueError for what is none."""
    while (colon := buffer.find(b":", 0, 10)) > 0:
        length = int(bytes(buffer[:colon]))
        if not 0 <= length <= LARGEST_MESSAGE:
            raise ValueError(f"a netstring of {length} bytes")
        end = colon + 1 + length
        if len(buffer) <= end:
            return
        if buffer[end : end + 1] != b",":
            raise ValueError("a netstring without its comma")
        body = bytes(buffer[colon + 1 : end])
        del buffer[: end + 1]
        yield body
    if len(buffer) >= 10:
        raise ValueError("no netstring")


def as_event(message: dict[str, Any]) -> CallEvent | None:
    """Read an event; None for those that are not about calls or registrations."""
    kind = str(message.get("type", ""))
    if not kind.startswith(("CALL_", "REGISTER_")):
        return None
    user = str(message.get("accountaor", "")).partition(":")[2].partition("@")[0]
    rtcp = message.get("rtcp_stats")
    return CallEvent(
        type=kind,
        user=user,
        param=str(message.get("param", "")),
        peer=str(message.get("peeruri", "")),
        call_id=str(message.get("id", "")),
        rtcp=rtcp if isinstance(rtcp, dict) else None,
    )


class Refused(SipError):  # noqa: N818 - often the call was just faster
    """baresip did not want to do what it was told."""


class Lost(SipError):  # noqa: N818 - what it is an error of is the agent's to say
    """The control connection came to an end."""


class Control:
    """The one client of a baresip's control socket; events go to `on_event`, the end of it to `on_loss`."""

    def __init__(self, port: int, *, on_event: Callable[[CallEvent], None], on_loss: Callable[[str], None]) -> None:
        self._on_event, self._on_loss = on_event, on_loss
        self._tokens = itertools.count(1)
        self._answers: queue.SimpleQueue[dict[str, Any] | None] = queue.SimpleQueue()
        self._closing = self._slow = False
        self._socket = socket.create_connection(("127.0.0.1", port), timeout=1)
        self._socket.settimeout(None)
        threading.Thread(target=self._read, name="control", daemon=True).start()

    def commands(self, *commands: str) -> str:
        """Run commands, such as `dial sip:…`, and return what baresip answered to the last one.

        They go out in one piece, and baresip carries them out without anything happening in between: an incoming
        call, for one, would change the account that the next command is about. Raises Refused where baresip does not do
        one of them, Lost where it is gone, SipError where it does not answer.
        """
        numbered = [(str(next(self._tokens)), command) for command in commands]
        try:
            self._socket.sendall(b"".join(encode(command, token) for token, command in numbered))
        except OSError as error:
            raise Lost(f"lost the control connection to baresip: {error.strerror}") from error
        patience_s = SHORT_S if self._slow else ANSWER_S
        deadline = clock.Deadline.patience(patience_s)
        answers = [self._answer(command, token, deadline, patience_s) for token, command in numbered]
        self._slow = False
        return answers[-1]

    def _answer(self, command: str, token: str, deadline: clock.Deadline, patience_s: float) -> str:
        answer: dict[str, Any] | None = {}
        while answer is not None and answer.get("token") != token:
            try:
                answer = self._answers.get(timeout=deadline.machine_left)
            except queue.Empty:
                self._slow = True
                raise SipError(f"baresip did not answer `{command}` within {patience_s:g} s") from None
        if answer is None:
            self._answers.put(None)  # for whoever asks next
            raise Lost(f"lost the control connection to baresip before it answered `{command}`")
        if not answer.get("ok"):
            raise Refused(f"baresip refused `{command}`: {answer.get('data', '')}")
        return str(answer.get("data", ""))

    def close(self) -> None:
        """Let go of baresip."""
        self._closing = True
        with contextlib.suppress(OSError):
            self._socket.shutdown(socket.SHUT_RDWR)
        self._socket.close()

    def _read(self) -> None:
        buffer, reason = bytearray(), CLOSED
        try:
            while data := self._socket.recv(65536):
                buffer += data
                for body in split_netstrings(buffer):
                    self._dispatch(json.loads(body.decode(errors="replace")))
        except OSError as error:
            reason = str(error.strerror)
        except (ValueError, RecursionError) as error:
            reason = f"it sent what is no JSON in netstrings ({error})"
        self._answers.put(None)
        if not self._closing:
            self._on_loss(reason)

    def _dispatch(self, message: Any) -> None:
        if not isinstance(message, dict):
            raise ValueError("a message that is no object")
        if message.get("response"):
            self._answers.put(message)
        elif event := as_event(message):
            self._on_event(event)
