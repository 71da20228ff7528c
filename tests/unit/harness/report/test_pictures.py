"""Pictures that stand still, and the sound that pages carry."""

from __future__ import annotations

import base64
import io
import re

import numpy as np
from PIL import Image

from calls.synthetic import make_run
from harness.report import clips, pictures, png


def picture_in(svg):
    """Return the picture that an SVG carries, in shades of grey."""
    data = base64.b64decode(re.search(r"data:image/png;base64,([^\"]+)", svg)[1])
    with Image.open(io.BytesIO(data)) as opened:
        return np.asarray(opened.convert("RGB").convert("L"), float)


def test_a_clip_is_a_wav_of_mu_law():
    """One octet a sample, which decodes to what G.711 makes of it."""
    samples = np.array([0, 1000, -1000, 32767, -32768], np.int16)
    content = clips.wav(samples)
    assert content[:4] == b"RIFF"
    assert int.from_bytes(content[20:22], "little") == 7
    assert content[-6:-1] == bytes([0xFF, 0xCE, 0x4E, 0x80, 0x00])
    assert int.from_bytes(content[4:8], "little") == len(content) - 8


def test_a_cut_stays_inside_the_sound():
    """A place near the beginning has less before it."""
    samples = np.arange(8000, dtype=np.int16)
    assert len(clips.cut(samples, -0.5, 0.25)) == 2000
    assert len(clips.cut(samples, 0.75, 2)) == 2000


def test_the_timeline_marks_what_is_amiss(tmp_path):
    """With words, for colour is not enough; a clean one has none of them."""
    amiss = pictures.gap_timeline(make_run(tmp_path, lost=(50, 51)))
    assert "60 ms lost" in amiss
    clean = tmp_path / "clean"
    clean.mkdir()
    assert "lost" not in pictures.gap_timeline(make_run(clean))


def test_the_spectrogram_shows_where_the_sound_is(tmp_path):
    """The digit's two tones are the brightest places of their columns."""
    call = make_run(tmp_path)
    picture = picture_in(pictures.spectrogram(call, call.sink))
    height, width = picture.shape
    middle = picture[int(0.2 * height) : int(0.9 * height), int(0.36 * width) : int(0.46 * width)]
    elsewhere = picture[int(0.2 * height) : int(0.9 * height), int(0.6 * width) : int(0.9 * width)]
    assert middle.max() > elsewhere.max() + 30
    loudest = sorted(set(np.argsort(-picture[:, int(0.39 * width)])[:2]))
    assert np.abs(4000 * (1 - (np.array(loudest) + 0.5) / height) - [1209, 697]).max() < 50


def test_a_recording_of_nothing_has_a_picture_too(tmp_path):
    """An empty one, rather than an error."""
    call = make_run(tmp_path)
    (tmp_path / "sink.wav").write_bytes((tmp_path / "sink.wav").read_bytes()[:44])
    assert picture_in(pictures.spectrogram(call, call.sink)).max() < 40


def test_a_png_is_what_was_drawn():
    """Another reader sees the same colours."""
    colours = png.between([(0, 0, 0), (255, 128, 0)])
    shades = np.arange(200, dtype=np.uint8).reshape(10, 20)
    with Image.open(io.BytesIO(png.png(shades, colours))) as opened:
        assert opened.size == (20, 10)
        assert np.asarray(opened.convert("RGB")).reshape(-1, 3).tolist() == [list(colour) for colour in colours[:200]]
