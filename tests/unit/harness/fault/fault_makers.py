"""Histories of a stream in which one thing went wrong."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
from dpkt.rtp import RTP

from harness.fault.heard import Hop
from harness.fault.wire import Sight
from harness.sound import compare, g711
from harness.sound.g711 import Samples
from harness.wire.audio import audio_of
from harness.wire.collect import streams
from harness.wire.frames import Datagram
from harness.wire.streams import Stream

RELAYED = {"ports": (1, 2), "host": "10.0.0.9"}
FRAME_S = 0.02
T0 = 1_700_000_000.0
SOUND = b"\xd5" * 160


@dataclass(frozen=True)
class History:
    """Which packets came, how much later than they were due, and from which number on timestamps jump by how much."""

    numbers: Iterable[int] = range(300)
    held_s: Mapping[int, float] = field(default_factory=dict)
    jump: tuple[int, int] = (10**6, 0)


LOST = (*range(50), *range(53, 300))
SILENT = History(held_s=dict.fromkeys(range(50, 300), 0.06), jump=(50, 480))
LATE = History(held_s={n: max(0.0, 0.1 - FRAME_S * (n - 50)) for n in range(50, 56)})


def stream_of(
    what: History | Iterable[int],
    *,
    held_s: Mapping[int, float] | None = None,
    earlier_s: float = 0.0,
    ports: tuple[int, int] = (4000, 5000),
    host: str = "10.0.0.1",
    ssrc: int = 7,
    seq: int = 100,
) -> Stream:
    """Return a stream with that history."""
    story = what if isinstance(what, History) else History(numbers=what, held_s=held_s or {})
    packets = [
        Datagram(
            T0 + FRAME_S * n + story.held_s.get(n, 0.0) - earlier_s, host, ports[0], host, ports[1], "udp",
            bytes(RTP(seq=seq + n, ts=160 * n + (story.jump[1] if n >= story.jump[0] else 0), ssrc=ssrc, data=SOUND)),
        )
        for n in story.numbers
    ]  # fmt: skip
    (stream,) = streams(sorted(packets, key=lambda packet: packet.time_s))
    return stream


def sight(what: History | Iterable[int], *, held_s: Mapping[int, float] | None = None, **more: object) -> Sight:
    """Return what was seen of it on the leg source -> mixer."""
    return Sight(src="source", dst="mixer", stream=stream_of(what, held_s=held_s), **more)


def speech(seconds: float = 6, *, seed: int = 1) -> Samples:
    """Return what comes and goes as speech does and repeats nowhere, as it sounds after mu-law."""
    random = np.random.default_rng(seed)
    count = round(8000 * seconds)
    loudness = np.repeat(random.uniform(500, 4000, count // 800 + 1), 800)[:count]
    return g711.through(random.standard_normal(count) * loudness)


def carried(
    sound: Samples, *, lost: Sequence[int] = (), held_s: Mapping[int, float] | None = None, start_s: float = T0
) -> Stream:
    """Return a stream of mu-law that carries the sound, and its payloads."""
    octets = g711.octets(sound).tobytes()
    packets = [
        Datagram(
            start_s + FRAME_S * n + (held_s or {}).get(n, 0.0), "10.0.0.1", 4000, "10.0.0.2", 5000, "udp",
            bytes(RTP(seq=n, ts=160 * n, ssrc=7, data=octets[160 * n : 160 * n + 160])),
        )
        for n in range(len(sound) // 160)
        if n not in lost
    ]  # fmt: skip
    (stream,) = streams(sorted(packets, key=lambda packet: packet.time_s))
    return stream


def hop(played: Samples, src: str, dst: str, stream: Stream, **more: object) -> Hop:
    """Return a leg as it is followed: its packets' sound against the file."""
    audio = audio_of(stream)
    assert audio
    hearing = compare(played, audio.samples)
    assert hearing.matched
    return Hop(sight=Sight(src=src, dst=dst, stream=stream, **more), audio=audio, hearing=hearing)
