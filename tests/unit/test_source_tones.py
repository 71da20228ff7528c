"""The digits of a source, which take the place of its sound."""

from __future__ import annotations

from array import array
from pathlib import Path

import pytest

from b2b.addresses import Bind, parse_target
from b2b.audio import pcm, tones
from b2b.roles.settings import SourceSettings
from b2b.roles.source import Tones


def settings(**more) -> SourceSettings:
    """Return a source's settings."""
    return SourceSettings(
        sip_bind=Bind("127.0.0.1", 0), log_format="text", supervised=False, work_dir=None, kill_after_s=1,
        target=parse_target("sip:a"), audio_file=Path("x"), prebuffer_ms=0, ptime_ms=20, loop=False, duration_s=None,
        dial_timeout_ms=1, **more,
    )  # fmt: skip


@pytest.mark.parametrize("frame", [80, 160, 240, 320])
def test_digits_in_the_sound(frame):
    """Each tone, its pause, the next, to the sample; nothing is changed before and after, however long a packet is."""
    sound = array("h", [1000] * 8000).tobytes()
    over = Tones(settings(dtmf_after_ms=100, dtmf_tone_ms=60, dtmf_pause_ms=40), "15")
    size = frame * pcm.SAMPLE_BYTES
    frames = [over.over(sound[at : at + size]) for at in range(0, len(sound), size)]
    heard = array("h", b"".join(frames))
    start, tone, pause = 800, 480, 320
    first = [round(value) for value in tones.tone("1", 60)]
    second = [round(value) for value in tones.tone("5", 60)]
    wanted = [*[1000] * start, *first, *[0] * pause, *second, *[0] * pause]
    assert tone == len(first)
    assert list(heard[: len(wanted)]) == wanted
    assert set(heard[len(wanted) :]) == {1000}


def test_no_digits():
    """Nothing is changed."""
    over = Tones(settings(dtmf_after_ms=0), "")
    assert over.over(b"\1\2" * 160) == b"\1\2" * 160
