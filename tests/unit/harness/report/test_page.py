"""The page about a call: what it says, what it carries, and what becomes of it where something is missing."""

from __future__ import annotations

import base64
import json
import re

import pytest

from calls.synthetic import check, make_run
from harness.call import Call
from harness.report.page.making import make, of_run
from harness.report.page.of_run import view_of_run
from harness.report.page.write import page, script

EVIL = "<script>alert(1)</script></script>\x1b[31m\x07\u202eyadretsey"


def page_of(call):
    """Return the page about a run as it would lie in the run's folder."""
    return page([view_of_run(call, call.verdict, call.folder / "report.html")])


def drawn(html):
    """Return what the page's scripts are given of each run."""
    return [json.loads(found) for found in re.findall(r'class="drawn">(.*?)</script>', html, re.DOTALL)]


def test_it_begins_with_the_verdict_and_has_the_players(tmp_path):
    """First whether, then why, then what is amiss, then what it sounds like."""
    html = page_of(make_run(tmp_path, checks=[check("dtmf", "fail", at_s=1.5, got="'2'")]))
    places = ["Failed</h1>", "because", "✗ fail", "source played", "sink heard"]
    assert sorted(places, key=html.index) == places
    assert html.count("<audio controls") == 3, "both sounds, and what is amiss"
    assert "<b>got &#39;2&#39;</b>" in html


def test_it_asks_nobody_for_anything(tmp_path):
    """Every address is data, a place in the page, or a file beside it."""
    html = page_of(make_run(tmp_path, checks=[check("gap", "pass")]))
    assert set(re.findall(r'(?:src|href)="([a-z]+):', html)) == {"data"}
    assert not re.search(r"\b(src|href|url|import|fetch)\b[\s(=\"']+https?:", html)
    assert not re.search(r"<link|@import|<iframe|<object", html)


def test_the_figures_of_a_leg_are_there(tmp_path):
    """Also of what was lost."""
    html = page_of(make_run(tmp_path, lost=(50, 51)))
    row = re.search(r"<tr><td>source → sink</td>.*</tr>", html)[0]
    cells = re.findall(r"<td[^>]*>([^<]*)</td>", row)
    assert cells[1:6] == ["PCMU", "20.0 ms", "198", "200", "2"]
    assert "60.0 ms" in cells
    (values,) = drawn(html)
    (strip,) = values["strips"]
    (gap,), (loss,) = strip["gaps"], strip["losses"]
    assert (gap["label"], loss["label"]) == ("60 ms lost", "2 lost after 49")
    assert gap["at_s"] == pytest.approx(0.98, abs=0.001)


def test_what_others_wrote_cannot_become_markup(tmp_path):
    """A device's words, a log's escapes, a file's name: shown, and never obeyed."""
    call = make_run(tmp_path, checks=[check("codec", "fail", got=EVIL, where="sink", at_s=1)])
    (tmp_path / "run.log").write_text(f"2001-09-09T01:46:40.500+00:00 [SINK] {EVIL}\n{EVIL}\n")
    (tmp_path / "sink").mkdir()
    (tmp_path / "sink" / "baresip.log").write_text(EVIL)
    html = page_of(call)
    assert len(re.findall(r"<script\b", html)) == 2, "what is drawn, and what draws it"
    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in html
    assert not set("\x1b\x07\u202e") & set(html)
    assert "\\x07" in html, "what cannot be seen is told"


def test_data_of_a_page_cannot_end_its_script(tmp_path):
    """A node's name gets into the data that the scripts read."""
    call = make_run(tmp_path)
    plan = (tmp_path / "plan.toml").read_text()
    (tmp_path / "plan.toml").write_text(plan.replace("played.wav", "pl</script><b>ayed.wav"))
    (values,) = drawn(page_of(call))
    assert values["tracks"][0]["file"] == "script><b>ayed.wav"


@pytest.mark.parametrize(("missing", "sentence"), [
    (["sink.wav"], "Nothing was recorded."),
    (["capture.pcap"], "No call was captured: there was no capture."),
    (["verdict.json"], "nothing was expected of this call"),
    (["played.wav"], "played.wav"),
    (["events.jsonl"], "Passed"),
    (["summary.json"], "Passed"),
    (["events.jsonl", "plan.toml", "summary.json", "capture.pcap", "sink.wav", "verdict.json"], "there was no call"),
])  # fmt: skip
def test_what_is_missing_is_said_in_its_place(tmp_path, missing, sentence):
    """Whatever a run was cut off from."""
    make_run(tmp_path, checks=[check("gap", "pass")])
    for name in missing:
        (tmp_path / name).unlink()
    assert sentence in page_of(Call(tmp_path))


def test_a_recording_cut_off_in_its_head(tmp_path):
    """The page says so and shows the rest."""
    call = make_run(tmp_path, checks=[check("gap", "pass")])
    (tmp_path / "sink.wav").write_bytes((tmp_path / "sink.wav").read_bytes()[:20])
    html = page_of(call)
    assert "the WAV file ends before its sound begins" in html
    assert "source → sink" in html


def test_a_long_call_carries_what_matters(tmp_path, monkeypatch):
    """Its ends and what is amiss, rather than an hour of sound; and what all of it looks like."""
    monkeypatch.setattr("harness.report.page.sound.MOST_S", 5.0)
    monkeypatch.setattr("harness.report.page.sound.ENDS_S", 0.5)
    monkeypatch.setattr("harness.report.page.sound.AROUND_S", 0.25)
    html = page_of(make_run(tmp_path, checks=[check("dtmf", "fail", at_s=2.0)]))
    (values,) = drawn(html)
    played, silent, heard = values["tracks"]
    assert silent["why"] == "silence throughout"
    assert [piece["start_s"] for piece in heard["pieces"]] == pytest.approx([0, 1.74, 3.5], abs=0.03)
    assert heard["why"].startswith("the page carries 2 s of its 4 s")
    assert len(base64.b64decode(heard["overview"]["extremes"])) == 2 * 4 * 50
    assert played["overview"]["columns"] * played["overview"]["bands"] == len(
        base64.b64decode(played["overview"]["spectrum"])
    )
    sounds = [base64.b64decode(data) for data in re.findall(r'src="data:audio/wav;base64,([^"]+)', html)]
    assert sum(len(sound) for sound in sounds) < 6 * 8000


def test_a_check_has_a_place_on_the_axis(tmp_path):
    """Seconds of a recording begin with it, those of a leg with the answer."""
    checks = [check("heard gap", "fail", at_s=1.5), check("gap", "fail", at_s=0.98, where="source -> sink")]
    make_run(tmp_path, checks=checks)
    events = (tmp_path / "events.jsonl").read_text()
    answered = json.dumps({"wall_s": 1_000_000_000.25, "event": "CALL_ESTABLISHED", "node": "sink"})
    (tmp_path / "events.jsonl").write_text(events + answered + "\n")
    call = Call(tmp_path)
    first, second = view_of_run(call, call.verdict, None).findings
    assert (first.check.name, first.at_s, first.row) == ("heard gap", 1.75, "heard-0")
    assert (second.check.name, second.at_s, second.row) == ("gap", 0.98, "packets-0")


def test_a_check_may_say_more_of_itself(tmp_path):
    """Whose fault it is, say: shown under the name that the check has for it."""
    call = make_run(tmp_path, checks=[check("gap", "fail", cause="network: <b>seen</b> before it")])
    (finding,) = view_of_run(call, call.verdict, None).findings
    assert finding.more == {"cause": "network: <b>seen</b> before it"}
    assert "cause: network: &lt;b&gt;seen&lt;/b&gt; before it" in page_of(call)


def test_a_check_of_digits_lies_in_the_recording_that_has_them(tmp_path):
    """Named after the mixer that sent them, and the sink that heard them."""
    call = make_run(tmp_path, checks=[check("digit level", "fail", where="mixer, heard at sink", at_s=1.5)])
    (finding,) = view_of_run(call, call.verdict, None).findings
    assert finding.row == "heard-0"
    assert finding.at_s == 1.5


def test_what_the_plan_had_done_is_on_the_axis(tmp_path):
    """So that nobody blames a device for it."""
    call = make_run(tmp_path, checks=[check("gap", "fail")])
    deed = {"what": "packet", "at_s": 1_000_000_001.5, "direction": "source -> sink", "kind": "rtp", "lost": "burst"}
    (tmp_path / "impair.jsonl").write_text(json.dumps(deed) + "\n")
    (mark,) = view_of_run(call, call.verdict, None).impaired
    assert mark.at_s == 1.5
    assert mark.label == "rtp source -> sink: lost (burst)"


def test_two_runs_side_by_side(tmp_path):
    """The same parts twice, and no name that both have."""
    views = []
    for name in ("one", "other"):
        (tmp_path / name).mkdir()
        call = make_run(tmp_path / name, checks=[check("gap", "pass")])
        views.append(view_of_run(call, call.verdict, None))
    html = page(views)
    assert html.count('<article class="run"') == 2
    ids = re.findall(r'\bid="([^"]+)"', html)
    assert len(ids) == len(set(ids))
    assert set(re.findall(r'(?:href="#|aria-labelledby=")([^"]+)', html)) <= set(ids)
    assert len(drawn(html)) == 2


def test_a_page_that_is_passed_on_alone_has_no_broken_links(tmp_path):
    """What is too large to be carried is only named."""
    call = make_run(tmp_path)
    with (tmp_path / "capture.pcap").open("ab") as file:
        file.write(bytes(300_000))
    beside = page_of(call)
    assert '<a href="capture.pcap" download="capture.pcap">' in beside
    alone = page([view_of_run(call, None, None)])
    assert "<b>capture.pcap</b>" in alone
    assert set(re.findall(r'href="([^"#:]+)', alone)) == {"data"} or not re.search(r'href="capture', alone)


def test_the_scripts_are_one_in_the_end():
    """Each module once, behind those that it needs, and nothing left to fetch."""
    text = script()
    assert not re.search(r"^(import|export)\b", text, re.MULTILINE)
    names = re.findall(r"^(?:class|function|const) (\w+)", text, re.MULTILINE)
    assert len(names) == len(set(names)), "two modules have a name in common"
    assert text.index("class Axis") < text.index("class Timeline") < text.index("new Timeline(")


def test_a_page_that_cannot_be_made_is_a_sentence(tmp_path):
    """Never an exception: a page is not worth a verdict."""
    call = make_run(tmp_path, checks=[check("gap", "pass")])
    nowhere = tmp_path / "plan.toml" / "report.html"
    assert make(of_run(call, call.verdict), nowhere).startswith(f"there is no {nowhere}: ")
    assert "KeyError" in make(lambda _page: {}["nothing foresaw this"], tmp_path / "report.html")
