"""Sound that a page carries with it: mu-law WAV as data URIs, which browsers play, at 8 kB a second."""

from __future__ import annotations

import base64
import struct

from harness.sound.g711 import RATE, Samples, octets

MULAW = 7  # the format's number in a WAV file
HEAD = struct.Struct("<4sI4s4sIHHIIHHH4sII4sI")


def wav(samples: Samples) -> bytes:
    """Return samples of 8 kHz as a mu-law WAV file."""
    data = octets(samples).tobytes()
    padding = b"\0" * (len(data) % 2)
    head = HEAD.pack(
        b"RIFF", HEAD.size - 8 + len(data) + len(padding), b"WAVE",
        b"fmt ", 18, MULAW, 1, RATE, RATE, 1, 8, 0,
        b"fact", 4, len(data),
        b"data", len(data),
    )  # fmt: skip
    return head + data + padding


def data_uri(content: bytes, kind: str) -> str:
    """Return what a page writes in place of an address."""
    return f"data:{kind};base64,{base64.b64encode(content).decode()}"


def cut(samples: Samples, start_s: float, end_s: float) -> Samples:
    """Return what lies between two times, as far as there is anything."""
    return samples[max(0, round(start_s * RATE)) : max(0, round(end_s * RATE))]
