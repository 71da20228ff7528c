"""The page about one call: what it says, what it carries, and what becomes of it where something is missing."""

from __future__ import annotations

import base64
import io
import re

import numpy as np
import pytest
from PIL import Image

from calls.synthetic import check, make_run
from harness.call import Call
from harness.report import clips, pictures
from harness.report.panel import panel


def test_it_begins_with_the_verdict_and_the_players(tmp_path):
    """First whether, then why, then what it sounds like."""
    page = panel(make_run(tmp_path, checks=[check("dtmf", "fail", at_s=1.5, got="'2'")]))
    assert page.index("failed</h1>") < page.index("because") < page.index("sink heard") < page.index("source played")
    assert page.count("<audio controls") == 3, "both sounds, and what is amiss"
    assert "<strong>dtmf</strong> at 1.50 s: wanted this, got &#39;2&#39;" in page
    assert "✗ fail" in page


def test_it_asks_nobody_for_anything(tmp_path):
    """No script, and every address is data."""
    page = panel(make_run(tmp_path, checks=[check("gap", "pass")]))
    assert "<script" not in page
    assert set(re.findall(r'(?:src|href)="([a-z]+:)', page)) == {"data:"}


def test_the_figures_of_a_leg_are_there(tmp_path):
    """Also of what was lost."""
    page = panel(make_run(tmp_path, lost=(50, 51)))
    row = re.search(r"<tr><td>source -&gt; sink</td>.*</tr>", page)[0]
    cells = re.findall(r"<td[^>]*>([^<]*)</td>", row)
    assert cells[1:6] == ["PCMU", "20.0 ms", "198", "200", "2"]
    assert "60.0 ms" in cells


def test_what_others_wrote_cannot_become_markup(tmp_path):
    """A device's words, say."""
    page = panel(make_run(tmp_path, checks=[check("codec", "fail", got="<script>alert(1)</script>")]))
    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in page
    assert "<script" not in page


@pytest.mark.parametrize(("missing", "sentence"), [
    (["sink.wav"], "Nothing was recorded."),
    (["capture.pcap"], "No call was captured: there was no capture."),
    (["verdict.json"], "nothing was expected of this call"),
    (["played.wav"], "played.wav"),
    (["events.jsonl", "plan.toml", "summary.json", "capture.pcap", "sink.wav", "verdict.json"], "there was no call"),
])  # fmt: skip
def test_what_is_missing_is_said_in_its_place(tmp_path, missing, sentence):
    """Whatever a run was cut off from."""
    make_run(tmp_path, checks=[check("gap", "pass")])
    for name in missing:
        (tmp_path / name).unlink()
    call = Call(tmp_path)
    assert sentence in panel(call)


def test_a_long_call_carries_its_ends(tmp_path, monkeypatch):
    """Rather than an hour of sound."""
    monkeypatch.setattr("harness.report.panel.LONG_S", 3.0)
    monkeypatch.setattr("harness.report.panel.ENDS_S", 1.0)
    page = panel(make_run(tmp_path))
    sounds = [base64.b64decode(data) for data in re.findall(r"data:audio/wav;base64,([^\"]+)", page)]
    assert [len(sound) // 8000 for sound in sounds] == [1, 1, 1, 1]


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
    amiss = pictures.gap_timeline(make_run(tmp_path, lost=(50, 51))).decode()
    assert "60 ms lost" in amiss
    clean = tmp_path / "clean"
    clean.mkdir()
    assert "lost" not in pictures.gap_timeline(make_run(clean)).decode()


def test_the_spectrogram_shows_where_the_sound_is(tmp_path):
    """The digit's two tones are the brightest places of their columns."""
    call = make_run(tmp_path)
    with Image.open(io.BytesIO(pictures.spectrogram(call, call.sink))) as opened:
        picture = np.asarray(opened.convert("RGBA").convert("L"), float)
    height, width = picture.shape
    middle = picture[int(0.2 * height) : int(0.8 * height), int(0.36 * width) : int(0.46 * width)]
    elsewhere = picture[int(0.2 * height) : int(0.8 * height), int(0.6 * width) : int(0.9 * width)]
    assert middle.max() > elsewhere.max() + 30


def test_a_recording_of_nothing_has_a_picture_too(tmp_path):
    """An empty one, rather than an error."""
    call = make_run(tmp_path)
    (tmp_path / "sink.wav").write_bytes((tmp_path / "sink.wav").read_bytes()[:44])
    assert pictures.spectrogram(call, call.sink)[:4] == b"\x89PNG"
