"""The figures of a call: measured once, and then read."""

from __future__ import annotations

import json
import shutil

import pytest

from calls.synthetic import ANSWERED_S, make_run
from harness import figures
from harness.call import Call
from harness.figures import FILE, figures_of


@pytest.fixture
def folder(tmp_path):
    """Return a run that lost two packets; the sink heard all, and was answered 30 ms before the source."""
    make_run(tmp_path, lost=(50, 51))
    shutil.copy(tmp_path / "played.wav", tmp_path / "sink.wav")
    early = {"wall_s": ANSWERED_S - 0.03, "event": "CALL_ESTABLISHED", "node": "sink"}
    with (tmp_path / "events.jsonl").open("a") as events:
        events.write(json.dumps(early) + "\n")
    return tmp_path


def test_figures_are_measured_once(folder, monkeypatch):
    """And kept beside the run, where the next one who asks finds them."""
    found = figures_of(Call(folder))
    leg, sink = found.legs["source -> sink"], found.sinks["sink"]
    assert (leg["packets"], leg["missing"], leg["max_gap_timestamp_ms"], leg["codec"]) == (198, 2, 60.0, "PCMU")
    assert leg["mos_lqe"] < 4.41
    assert sink["digits"] == "1"
    assert sink["delay_ms"] == pytest.approx(-30.0, abs=1)
    assert sink["worst_gap_ms"] == 0.0
    monkeypatch.setattr(figures, "_legs", lambda call: pytest.fail("measured again"))
    assert figures_of(Call(folder)) == found


@pytest.mark.parametrize("content", ["", "[]", '{"version": 0, "legs": {}, "sinks": {}}', '{"version": 1}', "{"])
def test_what_was_kept_by_another_version_is_measured_anew(folder, content):
    """As is half a file."""
    (folder / FILE).write_text(content)
    assert figures_of(Call(folder)).legs["source -> sink"]["packets"] == 198
    assert json.loads((folder / FILE).read_text())["version"] == figures.VERSION


def test_what_is_gone_is_unknown(folder):
    """Without the source's file there is a level but no delay; without a capture there are no legs."""
    (folder / "played.wav").unlink()
    (folder / "capture.pcap").write_bytes(b"no capture")
    found = figures_of(Call(folder))
    assert found.legs == {}
    assert found.sinks["sink"]["digits"] == "1"
    assert found.sinks["sink"]["delay_ms"] is None


def test_a_folder_that_cannot_be_written_to_has_figures_all_the_same(folder, monkeypatch):
    """It may be somebody else's."""

    def refuse(*_):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(figures, "keep", refuse)
    assert figures_of(Call(folder)).legs["source -> sink"]["packets"] == 198
    assert not (folder / FILE).exists()
