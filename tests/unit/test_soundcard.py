"""The sound card made of pipes, with the test in baresip's place."""

from __future__ import annotations

import os
import random
import re
import struct
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest

from b2b.audio import pcm
from b2b.baresip.soundcard import Card, channels_for

EACH_PTIME = pytest.mark.parametrize("ptime_ms", [10, 20, 30, 40])
SECOND = 1.0  # as long as a frame is waited for; only a failing test waits


@dataclass
class Alsa:
    """What ALSA's `file` plugin has open: our microphone to read from, our loudspeaker to write to."""

    infile: int
    file: int
    channels: int

    def play(self, sound: bytes) -> None:
        """Write sound as the plugin does: in channel 0 of as many as the card has, in one piece."""
        wide = np.zeros((len(sound) // 2, self.channels), "<i2")
        wide[:, 0] = np.frombuffer(sound, "<i2")
        wide[:, 1:] = 0x1111  # what is in the others must not be heard
        data = wide.tobytes()
        assert os.write(self.file, data) == len(data)


def paths_of(card: Card) -> tuple[str, str, int]:
    """Return the paths and the number of channels that a card tells ALSA."""
    text = card.asound()
    infile, file = re.search(r'infile "(.+?)"', text), re.search(r'_wide .* file "(.+?)"', text)
    channels = re.search(r"channels (\d+)", text)
    assert infile
    assert file
    assert channels
    return infile[1], file[1], int(channels[1])


@contextmanager
def opened(card: Card) -> Iterator[Alsa]:
    """Open the card as baresip does, by the paths in its configuration, but never waiting."""
    source, sink, channels = paths_of(card)
    with ExitStack() as stack:
        infile = os.open(source, os.O_RDONLY | os.O_NONBLOCK)
        stack.callback(os.close, infile)
        file = os.open(sink, os.O_WRONLY | os.O_NONBLOCK)
        stack.callback(os.close, file)
        yield Alsa(infile, file, channels)


def frames(card: Card, count: int) -> list[bytes]:
    """Return different frames of a card's size, of samples that baresip can encode."""
    chance = random.Random(4)
    return [pcm.encodable(chance.randbytes(card.samples * 2)) for _ in range(count)]


def test_the_lowest_sample_is_one_that_baresip_can_encode() -> None:
    """Or the loudest sound would be heard as silence."""
    with Card("x", ptime_ms=20) as card, opened(card) as alsa:
        card.send(struct.pack("<h", -32768) * card.samples)
        assert os.read(alsa.infile, 320) == struct.pack("<h", -32767) * card.samples


@pytest.mark.parametrize("page", [4096, 16384, 65536])
@EACH_PTIME
def test_one_frame_fits_into_a_page_and_two_do_not(ptime_ms: int, page: int) -> None:
    """Only so does the pipe hold baresip's player back, one frame at a time, whatever the processor's pages."""
    samples = pcm.samples_in(ptime_ms)
    frame = samples * 2 * channels_for(samples, page)
    assert frame <= page < 2 * frame


def test_20_ms_have_seven_or_more_channels_on_usual_pages() -> None:
    """2048 bytes are half a page: six channels of 320 bytes are less than that."""
    assert channels_for(160, 4096) == 7


@EACH_PTIME
def test_a_card_knows_the_length_of_its_frames(ptime_ms: int) -> None:
    """Eight samples to the millisecond."""
    card = Card("x", ptime_ms=ptime_ms)
    assert (card.samples, card.seconds) == (8 * ptime_ms, ptime_ms / 1000)


@EACH_PTIME
def test_what_is_sent_is_what_baresip_reads(ptime_ms: int) -> None:
    """Frame after frame."""
    with Card("x", ptime_ms=ptime_ms) as card, opened(card) as alsa:
        for frame in frames(card, 5):
            card.send(frame)
            assert os.read(alsa.infile, 65536) == frame
        assert card.overruns == 0


@EACH_PTIME
def test_what_baresip_plays_is_what_is_heard(ptime_ms: int) -> None:
    """Its first channel, which is the only one with sound in it."""
    with Card("x", ptime_ms=ptime_ms) as card, opened(card) as alsa:
        for frame in frames(card, 5):
            alsa.play(frame)
            assert card.hear(SECOND) == frame


@EACH_PTIME
def test_baresip_is_held_back_until_its_frame_was_heard(ptime_ms: int) -> None:
    """The listener's clock paces the player."""
    with Card("x", ptime_ms=ptime_ms) as card, opened(card) as alsa:
        first, second = frames(card, 2)
        alsa.play(first)
        with pytest.raises(BlockingIOError):
            alsa.play(second)
        assert card.hear(SECOND) == first
        alsa.play(second)
        assert card.hear(SECOND) == second


def test_nothing_is_heard_where_nothing_was_played() -> None:
    """The role hears silence instead, and says so itself."""
    with Card("x", ptime_ms=20) as card, opened(card):
        assert card.hear(0) is None


def test_the_cut_end_of_a_player_is_not_heard() -> None:
    """When a call ends, the last write may be shorter than a frame; the next frame is whole again."""
    with Card("x", ptime_ms=20) as card, opened(card) as alsa:
        first, second = frames(card, 2)
        alsa.play(first[:100])
        assert card.hear(SECOND) is None
        alsa.play(second)
        assert card.hear(SECOND) == second


def test_what_baresip_does_not_take_is_dropped_and_counted() -> None:
    """While it is on hold, say: sending never blocks, and what it takes later are whole frames."""
    with Card("x", ptime_ms=20) as card, opened(card) as alsa:
        sent = frames(card, 300)
        for frame in sent:
            card.send(frame)
        taken = bytearray()
        while len(taken) < (300 - card.overruns) * 320:
            taken += os.read(alsa.infile, 65536)
        assert card.overruns > 0
        assert bytes(taken) == b"".join(sent[: 300 - card.overruns])
        with pytest.raises(BlockingIOError):
            os.read(alsa.infile, 1)


def test_a_card_may_be_played_to_before_baresip_has_opened_it() -> None:
    """That is the lead that it finds when the call begins."""
    with Card("x", ptime_ms=20) as card:
        sent = frames(card, 15)
        for frame in sent:
            card.send(frame)
        with opened(card) as alsa:
            assert os.read(alsa.infile, 65536) == b"".join(sent)


def test_two_cards_do_not_touch_each_other() -> None:
    """A mixer has one for each leg."""
    with Card("near", ptime_ms=20) as near, Card("far", ptime_ms=20) as far, opened(near) as here, opened(far) as there:
        one, two = frames(near, 2)
        near.send(one)
        far.send(two)
        assert (os.read(here.infile, 999), os.read(there.infile, 999)) == (one, two)
        there.play(one)
        assert near.hear(0) is None
        assert far.hear(SECOND) == one


def test_alsa_is_told_of_devices_by_the_cards_name() -> None:
    """One to read from, one to write to, and one in between that makes it wide."""
    with Card("near", ptime_ms=20) as card:
        assert re.findall(r"^pcm\.(\w+) ", card.asound(), re.MULTILINE) == ["near_in", "near_wide", "near_out"]
        assert "slave { pcm near_wide  channels 7 }  ttable.0.0 1" in card.asound()


def test_a_card_that_was_left_is_gone() -> None:
    """Its pipes have no names, so there is nothing to remove; and nobody can open them any more."""
    with Card("x", ptime_ms=20) as card:
        source, sink, _channels = paths_of(card)
        assert Path(source).exists()
        assert Path(sink).exists()
    assert not Path(source).is_fifo()
    assert not Path(sink).is_fifo()
