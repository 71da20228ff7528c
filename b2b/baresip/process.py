"""The process of a baresip: its folder, its start behind the door, its log, its end."""

from __future__ import annotations

import contextlib
import os
import re
import shutil
import socket
import subprocess
import tempfile
import threading
from collections import deque
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TextIO

from b2b import child, clock
from b2b.baresip import faketime
from b2b.baresip.door import Door, free_port
from b2b.errors import B2bError
from b2b.logs import printable

BYE_S = 0.5  # how long a BYE may take to be answered before the next SIGTERM
KEPT_LINES = 40
ANSI = re.compile(r"\x1b\[[0-9;]*[A-Za-z]")


class Baresip:
    """A baresip whose configuration is `files`, by name; `on_line` gets each line of its log.

    `on_stranger` is called, maybe often, where somebody else wants in to its control socket.

    The folder is `work_dir`, which stays, or a temporary one, which is gone as soon as `forget_folder` is called.
    """

    def __init__(
        self,
        *,
        address: str,
        own_group: bool,
        work_dir: Path | None,
        on_line: Callable[[str], None],
        on_stranger: Callable[[], None],
    ) -> None:
        self.control_port = free_port("127.0.0.1", socket.SOCK_STREAM)
        self._address, self._own_group, self._work_dir = address, own_group, work_dir
        self._on_line, self._on_stranger = on_line, on_stranger
        self._folder = work_dir or Path(tempfile.mkdtemp(prefix="b2b-"))
        self._words: deque[str] = deque(maxlen=KEPT_LINES)
        self.weakness = ""
        self._secrets: dict[str, int] = {}

    def start(
        self, files: Mapping[str, str], *, secrets: Mapping[str, str] | None = None, over_tcp: int | None = None
    ) -> None:
        """Write the files and start it; `asound.conf` among them is ALSA's, for this process alone.

        What is in `secrets` never reaches a disk: it is read from our memory, until `forget_secrets` is called.
        `over_tcp` is the port of its own on which it may listen over TCP too. Raises B2bError where the files cannot be
        written.
        """
        try:
            self._write(files, secrets or {})
        except OSError as error:
            raise B2bError(f"cannot write baresip's configuration to {self._folder}: {error.strerror}") from error
        door = Door(
            address=self._address,
            control_port=self.control_port,
            sip_over_tcp=over_tcp,
            on_stranger=self._on_stranger,
        )
        self._asound = (self._folder / "asound.conf").open("rb")  # read anew at each call, also without a folder
        self._process = child.start(
            ["baresip", "-f", str(self._folder)],
            own_group=self._own_group,
            env={
                **os.environ,
                **faketime.environment(),
                "ALSA_CONFIG_PATH": f"/proc/{os.getpid()}/fd/{self._asound.fileno()}",
            },
            before_exec=lambda: self._prepare(door),
        )
        log = (self._folder / "baresip.log").open("w") if self._work_dir else None
        self._reader = threading.Thread(target=self._read_log, args=(log,), name="baresip-log", daemon=True)
        self._reader.start()
        door.serve(self._process.pid)
        self.weakness = door.refusal

    @staticmethod
    def _prepare(door: Door) -> None:
        door.install()
        if clock.speed() != 1:  # a moment of waiting would be many frames
            child.run_first()

    @property
    def pid(self) -> int:
        """Its process number."""
        return self._process.pid

    def forget_secrets(self, instead: Mapping[str, str]) -> None:
        """Let go of what was secret, once baresip has read it, and leave in its place what may be seen."""
        while self._secrets:
            name, fd = self._secrets.popitem()
            os.close(fd)
            with contextlib.suppress(OSError):  # a disk that is full has no room for what nobody needs
                (self._folder / name).unlink(missing_ok=True)
                if name in instead:
                    (self._folder / name).write_text(instead[name])

    def forget_folder(self) -> None:
        """Remove what is temporary, once baresip has read it."""
        if hasattr(self, "_process"):
            faketime.tidy(self._process.pid)
        if not self._work_dir:
            shutil.rmtree(self._folder, ignore_errors=True)

    def how_it_ended(self, patience_s: float = 0.0) -> str:
        """Return how it ended, with all of its last words read; "" while it lives."""
        with contextlib.suppress(subprocess.TimeoutExpired):
            code = self._process.wait(patience_s)
            self._reader.join(1)
            return child.how_it_ended(code)
        return ""

    def last_words(self, pattern: str = "") -> str:
        """Return the newest line of its log that holds the pattern; "" if none does."""
        return next((line for line in reversed(self._words) if re.search(pattern, line)), "")

    def stop(self) -> None:
        """End it: politely, then not; and remove what is temporary."""
        if hasattr(self, "_process"):
            child.stop(self._process, patience_s=(BYE_S, BYE_S))  # the second for an INVITE without an answer
            self._reader.join(1)
            self._asound.close()
        self.forget_secrets({})
        self.forget_folder()

    def _write(self, files: Mapping[str, str], secrets: Mapping[str, str]) -> None:
        self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        for name, text in files.items():
            (self._folder / name).write_text(text)
        for name, text in secrets.items():
            self._secrets[name] = os.memfd_create(name)
            os.write(self._secrets[name], text.encode())
            (self._folder / name).unlink(missing_ok=True)
            (self._folder / name).symlink_to(f"/proc/{os.getpid()}/fd/{self._secrets[name]}")

    def _read_log(self, log: TextIO | None) -> None:
        assert self._process.stdout
        with contextlib.suppress(OSError), self._process.stdout as pipe, log or contextlib.nullcontext():
            for raw in pipe:
                line = printable(ANSI.sub("", raw.decode(errors="replace")))
                if line.strip():
                    self._words.append(line.strip())
                self._on_line(line)
                if log:
                    with contextlib.suppress(OSError):  # a disk that is full; baresip must be read all the same
                        log.write(line + "\n")
                        log.flush()
