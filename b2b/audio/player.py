"""A player: any command that reads sound from its standard input, and may never hold up the call."""

from __future__ import annotations

import os
import select
import shlex
import subprocess
import threading
from collections import deque
from collections.abc import Callable

from b2b import child, clock
from b2b.audio.decoder import last_words
from b2b.errors import AudioError

BUFFERED_FRAMES = 50  # a second of sound; more would only delay what the listener hears
PLAY_OUT_S = 1.0


class Player:
    """Passes frames to the command; a command that is slow or stuck loses frames, which are counted in `drops`."""

    def __init__(self, command: str, *, own_group: bool, on_death: Callable[[AudioError], None]) -> None:
        self.command = command
        self.drops = 0
        self._own_group, self._on_death = own_group, on_death
        self._frames: deque[bytes] = deque()
        self._changed = threading.Condition()
        self._closing = False

    def __enter__(self) -> Player:
        """Start the command. Raises AudioError where that is not possible."""
        try:
            argv = shlex.split(self.command)
            self._words = os.memfd_create("player-words")
            self._process = child.start(
                argv, own_group=self._own_group, stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, stderr=self._words
            )
        except (OSError, ValueError, IndexError) as error:
            reason = getattr(error, "strerror", None) or str(error)
            raise AudioError(f"cannot start the player `{self.command}`: {reason}") from error
        assert self._process.stdin
        self._pipe = self._process.stdin.fileno()
        os.set_blocking(self._pipe, False)
        threading.Thread(target=self._watch, name="player-watch", daemon=True).start()
        self._writer = threading.Thread(target=self._write, name="player", daemon=True)
        self._writer.start()
        return self

    def __exit__(self, *error: object) -> None:
        """Let it play what it has for a moment, then end it."""
        with self._changed:
            self._closing = True
            self._changed.notify_all()
        self._writer.join(PLAY_OUT_S)
        if self._writer.is_alive():
            child.stop(self._process, patience_s=())
            self._writer.join()
        assert self._process.stdin
        self._process.stdin.close()
        if not child.wait(self._process, clock.Deadline.patience(PLAY_OUT_S)):
            child.stop(self._process, patience_s=(0.5,))
        if self._own_group:
            child.kill_group(self._process.pid)

    def play(self, frame: bytes) -> None:
        """Queue a frame; the oldest one is dropped where a second of sound is waiting."""
        with self._changed:
            if len(self._frames) >= BUFFERED_FRAMES:
                self._frames.popleft()
                self.drops += 1
            self._frames.append(frame)
            self._changed.notify_all()

    def _write(self) -> None:
        while True:
            with self._changed:
                self._changed.wait_for(lambda: self._frames or self._closing)
                if not self._frames:
                    return
                frame = self._frames.popleft()
            if not self._pass_on(frame):
                return

    def _pass_on(self, frame: bytes) -> bool:
        rest = memoryview(frame)
        while rest:
            try:
                rest = rest[os.write(self._pipe, rest) :]
            except BlockingIOError:
                if not select.select([], [self._pipe], [], 0.1)[1] and self._closing:
                    return False
            except (OSError, ValueError):  # it died; the watcher says so
                return False
        return True

    def _watch(self) -> None:
        code = self._process.wait()
        if self._closing:
            return
        said = last_words(self._words) or "it said nothing"
        self._on_death(AudioError(f"the player `{self.command}` died ({child.how_it_ended(code)}): {said}"))
