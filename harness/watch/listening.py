"""What a sink hears while it hears it: the level, and the digits as soon as they are certain."""

from __future__ import annotations

from pathlib import Path

from harness.dtmf import StreamingDetector
from harness.watch.growing import GrowingRecording
from harness.watch.meter import Meter


class Listening:
    """One growing recording."""

    def __init__(self, name: str, path: Path) -> None:
        self.name = name
        self.level_dbov: float | None = None  # since the last reading, in the end of all; None for nothing
        self.digits = ""
        self._recording, self._detector = GrowingRecording(path), StreamingDetector()
        self._meter, self._closed = Meter(), False

    def read(self, *, ended: bool = False) -> bool:
        """Take in what was added; return whether there was anything. After the end nothing more is taken."""
        samples = self._recording.read()
        self._meter.add(samples)
        over = ended and not len(samples)
        self.level_dbov = self._meter.read_all() if over else self._meter.read()
        if not self._closed:
            found = self._detector.feed(samples)
            if over:
                self._closed = True
                found += self._detector.close()
            self.digits += "".join(digit.digit for digit in found)
        return bool(len(samples))
