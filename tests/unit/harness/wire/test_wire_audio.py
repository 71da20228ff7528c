"""The sound that crossed a leg, on its axis of samples."""

from __future__ import annotations

import numpy as np
import pytest
from pydub.utils import audioop
from wire_makers import T0, datagram, healthy, one_stream, rtp

from calls.synthetic import make_run
from harness.sound import g711
from harness.wire.audio import audio_of
from harness.wire.collect import streams

EVERY_OCTET = bytes(range(256))


def packet(n, **more):
    """Return the packet with that number, whose samples tell which it is: all have its octet."""
    return rtp(65530 + n, (1 << 32) - 800 + 160 * n, **{"payload": bytes([n]) * 160, **more})


def told(count):
    """Return so many of them, as they were sent."""
    return [(20.0 * n, packet(n)) for n in range(count)]


def numbers(audio):
    """Return which packet each 20 ms came in; -1 for silence."""
    codes = g711.octets(audio.samples[::160]).tolist()
    return [code if came else -1 for code, came in zip(codes, audio.came[::160].tolist(), strict=True)]


@pytest.mark.parametrize(("law", "other"), [(g711.ulaw, audioop.ulaw2lin), (g711.alaw, audioop.alaw2lin)])
def test_every_octet_sounds_as_the_standard_says(law, other):
    """Both laws, against the decoder that Python came with."""
    assert law(EVERY_OCTET).tobytes() == other(EVERY_OCTET, 2)


def test_what_is_coded_is_heard():
    """Octets and samples are each other's opposite; mu-law has two zeros."""
    assert g711.octets(g711.ulaw(EVERY_OCTET)).tobytes() == EVERY_OCTET[:0x7F] + b"\xff" + EVERY_OCTET[0x80:]


def test_a_whole_stream():
    """Sample by sample, through the wrap of both counters; sample 0 is when the first packet came."""
    audio = audio_of(one_stream(told(10)))
    assert numbers(audio) == list(range(10))
    assert (len(audio.samples), audio.start_s, audio.length_s) == (1600, T0, 0.2)
    assert audio.seqs.tolist() == [65530, 65531, 65532, 65533, 65534, 65535, 0, 1, 2, 3]
    assert [audio.packet_at(place) for place in (-5, 0, 159, 160, 1599, 9999)] == [0, 0, 0, 1, 9, 9]


def test_lost_packets_are_silence_of_their_length():
    """What follows stays in its place; the silence says when it would have been due."""
    packets = told(10)
    audio = audio_of(one_stream(packets[:3] + packets[5:]))
    assert numbers(audio) == [0, 1, 2, -1, -1, 5, 6, 7, 8, 9]
    assert not audio.samples[480:800].any()
    assert audio.packet_at(700) == 2
    assert audio.time_at(480) == pytest.approx(T0 + 0.060, abs=1e-6)
    assert audio.time_at(850) == pytest.approx(T0 + 0.100, abs=1e-6)


def test_copies_and_overtaken_packets():
    """Each once, in its place; an overtaken first packet too."""
    packets = told(6)
    order = [1, 0, 2, 2, 4, 3, 5]
    audio = audio_of(one_stream([(20.0 * n, packets[at][1]) for n, at in enumerate(order)]))
    assert numbers(audio) == [0, 1, 2, 3, 4, 5]
    assert audio.times_s.tolist() == pytest.approx([T0 + 0.020 * n for n in (1, 0, 2, 5, 4, 6)], abs=1e-6)


def test_digits_and_comfort_noise_are_silence():
    """They have octets, but those are no sound."""
    packets = told(6)
    packets[2] = (40.0, packet(2, kind=101, payload=bytes([5, 10, 0, 160])))
    packets[3] = (60.0, packet(3, kind=13, payload=bytes([40])))
    assert numbers(audio_of(one_stream(packets))) == [0, 1, -1, -1, 4, 5]


def test_a_pause_in_the_timestamps():
    """A sender that was silent jumps ahead in them."""
    later = healthy(2, seq=103, stamp=1000 + 160 * 5)
    audio = audio_of(one_stream([*healthy(3), *((100.0 + ms, data) for ms, data in later)]))
    assert audio.came[::160].tolist() == [True] * 3 + [False] * 2 + [True] * 2


def test_a_stall_of_the_sender_makes_no_silence():
    """What came late is sound that follows what came before it, however long that took."""
    audio = audio_of(one_stream([(ms + (7000.0 if ms > 90 else 0.0), data) for ms, data in told(10)]))
    assert numbers(audio) == list(range(10))


def test_timestamps_that_begin_again_go_on_by_the_clock():
    """Somewhere else in the 32 bits, as after a transfer: a gigabyte of silence would be one way to read it."""
    again = [(100.0 + ms, data) for ms, data in healthy(5, seq=105, stamp=1 << 31)]
    assert audio_of(one_stream([*healthy(5, stamp=1000), *again])).came.tolist() == [True] * 1600


def test_alaw_and_mulaw_in_one_stream():
    """Each packet by its own payload type."""
    audio = audio_of(one_stream([(20.0 * n, packet(n, kind=8 * bool(n), payload=b"\x10" * 160)) for n in range(5)]))
    assert audio.samples[:160].tolist() == g711.ulaw(b"\x10" * 160).tolist()
    assert audio.samples[160:320].tolist() == g711.alaw(b"\x10" * 160).tolist()


def test_what_is_no_g711_has_no_sound():
    """None, and not silence that somebody would judge."""
    assert audio_of(one_stream(healthy(10, kind=18))) is None
    (without,) = streams([datagram(ms / 1000, data) for ms, data in healthy(10)], keep_payloads=False)
    assert audio_of(without) is None


def test_a_calls_legs_have_their_sound(tmp_path):
    """Read from the run folder when asked for."""
    call = make_run(tmp_path, seconds=2, lost=(50, 51, 52))
    there, back = (call.leg("source", "sink"), call.leg("sink", "source"))
    audio = call.audio(there)
    assert (audio.length_s, int((~audio.came).sum())) == (2.0, 3 * 160)
    assert np.flatnonzero(~audio.came)[0] == 50 * 160
    assert call.audio(back) is None
    assert call.audio(there) is audio
