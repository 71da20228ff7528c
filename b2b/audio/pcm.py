"""Sound inside b2b: S16_LE, 8000 Hz, mono, in frames of one packet; and the sums that roles do on it.

Plain `array` arithmetic: at 50 frames a second it costs a role less than importing a numerical library does.
"""

from __future__ import annotations

import math
import sys
from array import array
from collections import deque
from operator import mul

RATE = 8000
SAMPLE_BYTES = 2
FULL_SCALE = 32768
LOWEST, HIGHEST = -32768, 32767
_LOWEST_OCTETS = LOWEST.to_bytes(SAMPLE_BYTES, "little", signed=True)
SILENT_DBOV = -96.0  # what a meter shows where there is nothing: one bit of 16

assert sys.byteorder == "little"  # S16_LE is then also this machine's own order


def samples_in(milliseconds: float) -> int:
    """Return the number of samples in that time."""
    return round(RATE * milliseconds / 1000)


def silence(samples: int) -> bytes:
    """Return that many samples of digital silence."""
    return bytes(samples * SAMPLE_BYTES)


def mix(sound: bytes, gain: float, digits: array[float], digits_gain: float) -> bytes:
    """Add two signals with their gains; what exceeds 16 bits saturates, it never wraps.

    `sound` is S16_LE, `digits` as many samples on the same scale.
    """
    mixed = array("h", sound)
    for i, (heard, tone) in enumerate(zip(mixed, digits, strict=True)):
        value = round(heard * gain + tone * digits_gain)
        mixed[i] = LOWEST if value < LOWEST else HIGHEST if value > HIGHEST else value
    return mixed.tobytes()


def encodable(sound: bytes) -> bytes:
    """Return S16_LE whose lowest sample is -32767: libre 1.1 negates it in 16 bits, and codes -32768 as nearly 0."""
    if _LOWEST_OCTETS not in sound:
        return sound
    samples = array("h", sound)
    return array("h", [max(-HIGHEST, sample) for sample in samples]).tobytes()


class Meter:
    """Root mean square of the sound since it was last read, and of all of it.

    One thread may add while another reads. The sums are made when it is read, of many frames at a time: a thread that
    has just woken takes three times as long for them.
    """

    def __init__(self) -> None:
        self._frames: deque[bytes] = deque()
        self._all_energy, self._all_samples = 0, 0

    def add(self, sound: bytes) -> None:
        """Take a stretch of S16_LE into account."""
        self._frames.append(sound)

    def read(self) -> float:
        """Return the level in dBov (0 is the power of a full-scale square wave), and start anew."""
        samples = array("h", b"".join(self._frames.popleft() for _ in range(len(self._frames))))
        energy = sum(map(mul, samples, samples))
        self._all_energy, self._all_samples = self._all_energy + energy, self._all_samples + len(samples)
        return dbov(energy, len(samples))

    def read_all(self) -> float:
        """Return the level of all the sound that there ever was."""
        self.read()
        return dbov(self._all_energy, self._all_samples)


def dbov(energy: int, samples: int) -> float:
    """Return the level of that many samples whose squares add up to the energy."""
    power = energy / (samples * FULL_SCALE**2) if samples else 0.0
    return round(10 * math.log10(power), 1) if power > 0 else SILENT_DBOV
