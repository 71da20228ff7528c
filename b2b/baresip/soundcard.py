"""A sound card made of two pipes: ALSA's own `file` plugin at baresip's end, the role at ours.

The pipes have no names in the file system: baresip opens them through our entry in /proc, so they end with us.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import resource
import select

from b2b.audio import pcm

F_SETPIPE_SZ = 1031  # linux/fcntl.h; Python has the name only from 3.10 on some builds

ASOUND = """\
pcm.{name}_in {{ type file  slave.pcm {{ type null }}  file /dev/null  infile "{source}"  format raw }}
pcm.{name}_wide {{ type file  slave.pcm {{ type null }}  file "{sink}"  format raw }}
pcm.{name}_out {{ type route  slave {{ pcm {name}_wide  channels {channels} }}  ttable.0.0 1 }}
"""


def channels_for(samples: int, page: int) -> int:
    """Return how many channels make a frame larger than half a page, so that just one fits into the pipe.

    ALSA's null device never blocks, so the pipe must hold baresip's player back, one frame at a time.
    """
    return page // 2 // (samples * pcm.SAMPLE_BYTES) + 1


class Card:
    """One leg's sound card: `send` is its microphone, `hear` its loudspeaker, in frames of `ptime_ms`."""

    def __init__(self, name: str, *, ptime_ms: int) -> None:
        self.name = name
        self.samples = pcm.samples_in(ptime_ms)
        self.overruns = 0
        self._channels = channels_for(self.samples, resource.getpagesize())
        self._wide_bytes = self.samples * self._channels * pcm.SAMPLE_BYTES

    @property
    def seconds(self) -> float:
        """Length of a frame."""
        return self.samples / pcm.RATE

    def __enter__(self) -> Card:
        """Open both pipes; before baresip does, for their size cannot be changed afterwards."""
        self._in_far, self._in = os.pipe2(os.O_CLOEXEC | os.O_NONBLOCK)
        self._out, self._out_far = os.pipe2(os.O_CLOEXEC | os.O_NONBLOCK)
        fcntl.fcntl(self._out, F_SETPIPE_SZ, resource.getpagesize())
        return self

    def __exit__(self, *error: object) -> None:
        """Close both pipes."""
        for fd in (self._in, self._in_far, self._out, self._out_far):
            os.close(fd)

    def asound(self) -> str:
        """Return the card as ALSA's configuration has it."""
        own = f"/proc/{os.getpid()}/fd"
        return ASOUND.format(
            name=self.name, source=f"{own}/{self._in_far}", sink=f"{own}/{self._out_far}", channels=self._channels
        )

    def send(self, sound: bytes) -> None:
        """Speak into the call; what baresip does not take, as while it is on hold, is dropped and counted."""
        try:
            os.write(self._in, pcm.encodable(sound))
        except BlockingIOError:
            self.overruns += 1

    def hear(self, patience_s: float) -> bytes | None:
        """Return the next frame that baresip played, or None if it played none within that time."""
        wide = self._played()
        if not wide and patience_s and select.select([self._out], [], [], patience_s)[0]:
            wide = self._played()
        if len(wide) < self._wide_bytes:  # a player that stops leaves a cut one
            return None
        return memoryview(wide).cast("h")[:: self._channels].tobytes()

    def _played(self) -> bytes:
        """Return what lies in the pipe, at most a frame; nothing where nothing does."""
        with contextlib.suppress(BlockingIOError):
            return os.read(self._out, self._wide_bytes)
        return b""
