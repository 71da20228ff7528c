"""The connection to b2b on another machine: an ssh, whose other end is asked for the time now and then."""

from __future__ import annotations

import contextlib
import shlex
import subprocess
import threading
from collections import deque
from collections.abc import Callable
from typing import Any

from b2b import __version__, child, clock
from b2b.errors import B2bError, SipError, UsageError
from b2b.far.clocks import Clocks
from b2b.far.messages import LONGEST, Message, NonsenseError, Sender, encode, number_of, read_messages, text_of
from b2b.logs import printable

OPTIONS = ("-T", "-oBatchMode=yes", "-oConnectTimeout=10", "-oServerAliveInterval=5", "-oServerAliveCountMax=3")
GREETING_S, SILENT_S, PING_S, LAST_WORDS_S = 20.0, 15.0, 0.5, 1.0
EARLY_PINGS = 5
GREETINGS = 50  # lines that a login there may print before b2b speaks
NOT_FOUND, NO_WAY = 127, 255  # a shell's exit code, and ssh's own


class Link:
    """One connection; `take` gets what the other end tells, in a thread of its own, and `lost` why it tells no more.

    `lost` is called once, at the end; it is told "" where the end was ours.
    """

    def __init__(self, name: str, take: Callable[[Message], None], lost: Callable[[str], None]) -> None:
        self.name, self.clocks = name, Clocks()
        self.folder = ""  # of the other end
        self.calls_itself = ""
        self.over = threading.Event()
        self._take, self._lost = take, lost
        self._version = ""
        self._why_silent = ""
        self._asked: dict[int, float] = {}
        self._said: deque[str] = deque(maxlen=5)
        self._greeted = threading.Event()

    def connect(self, ssh: str, b2b: str, **hello: Any) -> None:
        """Start b2b there and say hello; `greet` waits for its answer. Raises UsageError where there is no ssh."""
        self._ssh = ssh
        command = [*shlex.split(ssh), *OPTIONS, self.name, f"{b2b} there"]
        try:
            self._process = child.start(command, stdin=subprocess.PIPE, stderr=subprocess.PIPE)
        except OSError as error:
            raise UsageError(f"{self.name}: cannot start {command[0]}: {error.strerror}") from None
        assert self._process.stdin
        self._heard_at = clock.now()
        self._sender = Sender(self._process.stdin)
        self.ask("hello", version=__version__, **hello)
        self._errors = threading.Thread(target=self._read_errors, name=f"{self.name}-errors", daemon=True)
        self._errors.start()
        self._listener = threading.Thread(target=self._listen, name=self.name, daemon=True)
        self._listener.start()

    def greet(self) -> None:
        """Wait for the other end. Raises SipError where there is no way there, UsageError where it is another b2b."""
        self._greeted.wait(GREETING_S)
        if not self.folder:
            raise self._why_not()
        if self._version != __version__:
            says = f"wanted b2b {__version__}, as here, came {self._version}"
            raise UsageError(f"{self.name}: {says}; run.b2b_there says where another is")
        threading.Thread(target=self._ask_time, name=f"{self.name}-time", daemon=True).start()

    def ask(self, kind: str, **values: Any) -> None:
        """Send a message; what cannot be sent any more comes to nothing."""
        self.send(encode(kind, **values))

    def send(self, line: bytes) -> None:
        """Send a message that has been encoded."""
        self._sender.send(line)

    def close(self) -> None:
        """End the connection, which ends all that is there."""
        self.over.set()
        if not self._sender.close(LAST_WORDS_S):  # the pipe is full, and closing it would wait as well
            child.stop(self._process, patience_s=())
        with contextlib.suppress(OSError):
            self._process.stdin.close()  # type: ignore[union-attr]
        if not child.wait(self._process, clock.Deadline.patience(LAST_WORDS_S)):
            child.stop(self._process, patience_s=(LAST_WORDS_S,))
        self._listener.join(LAST_WORDS_S)

    def _listen(self) -> None:
        why = "what it sent could not be dealt with"
        try:
            why = self._hear()
        finally:
            ours = self.over.is_set()
            self.over.set()
            if not child.wait(self._process, clock.Deadline.patience(0.0 if why else LAST_WORDS_S)):
                child.stop(self._process, patience_s=())
            self._errors.join(LAST_WORDS_S)
            self._lost("" if ours else why or self._why_silent or f"the connection was lost{self._words()}")
            self._greeted.set()

    def _hear(self) -> str:
        """Take in what comes, and return why that ended before its end."""
        assert self._process.stdout
        with self._process.stdout as pipe:
            try:
                for message in read_messages(pipe, skip=GREETINGS):
                    self._heard_at = clock.now()
                    self._understand(message)
            except NonsenseError as error:
                return f"it sent what it should not: {error}"
        return ""

    def _understand(self, message: Message) -> None:
        if message["is"] == "hello":
            self._version, self.folder = text_of(message, "version"), text_of(message, "folder")
            self.calls_itself = printable(text_of(message, "host"))
            self._greeted.set()
        elif message["is"] == "pong":
            self._note_time(message)
        else:
            self._take(message)

    def _note_time(self, message: Message) -> None:
        answered_s = clock.wall()
        asked_s, there_s = self._asked.pop(number_of(message, "n"), None), message.get("wall_s")
        if asked_s is not None and isinstance(there_s, float) and abs(there_s) < 1e11:
            self.clocks.add(asked_s=asked_s, there_s=there_s, answered_s=answered_s)

    def _ask_time(self) -> None:
        number = 0
        while not self.over.wait(0.0 if number < EARLY_PINGS else PING_S):
            self._asked[number] = clock.wall()
            self.ask("ping", n=number)
            number += 1
            if clock.now() - self._heard_at > SILENT_S:
                self._why_silent = f"nothing was heard of it for {SILENT_S:g} s"
                child.stop(self._process, patience_s=())
                return

    def _read_errors(self) -> None:
        assert self._process.stderr
        with self._process.stderr as pipe:
            while line := pipe.readline(LONGEST):
                self._said.append(printable(line.decode(errors="replace")))

    def _words(self) -> str:
        return f": {self._said[-1]}" if self._said else ""

    def _why_not(self) -> B2bError:
        """Return why there is no b2b at the other end."""
        code = self._process.poll()
        if code is None or code == NO_WAY:
            slow = f" within {GREETING_S:g} s" if code is None else ""
            says = f"ssh does not get there{slow}{self._words()}"
            return SipError(f"{self.name}: {says}; to see for yourself: {self._ssh} {self.name} true")
        says = "there is none" if code == NOT_FOUND else f"it ended with {child.how_it_ended(code)}"
        says = f"wanted b2b {__version__} there, {says}{self._words()}"
        return UsageError(f"{self.name}: {says}; run.b2b_there says where it is")
