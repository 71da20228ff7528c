"""`b2b judge` on what was left of calls: run folders, captures, recordings."""

from __future__ import annotations

import base64
import html
import json
import math
import re
import shlex
import subprocess

import pytest
from pydub import AudioSegment

from b2b.cli.app import run
from calls.synthetic import make_run, sound

MIXED = """
[topology]
source = { sip_target = "sip:mixer", audio_file = "played.wav" }
mixer = { sip_bind = "127.0.0.1:0", sip_target = "sip:sink", mix_gain_in = 0.5 }
sink.sip_bind = "127.0.0.1:0"
[expect]
sink.max_heard_gap_ms = 40
"""


@pytest.fixture
def judge(capsys):
    """Return a function that runs the command, and returns its exit code and what it said."""

    def judge(*arguments: object):
        code = run(["judge", *map(str, arguments)])
        said = capsys.readouterr()
        return code, said.out + said.err

    return judge


@pytest.fixture
def folder(tmp_path):
    """Return a run folder in which everything is well on the one leg that carries sound."""
    make_run(tmp_path)
    return tmp_path


def load(path):
    """Return a WAV file as pydub has it, which leaves a file open that it opens itself."""
    with path.open("rb") as file:
        return AudioSegment.from_file(file, format="wav")


def test_a_run_by_its_own_expectations(judge, folder):
    """Each check in a line, then what they come to; there is no way back in this run."""
    code, said = judge(folder)
    assert code == 1
    assert "✓ source -> sink: gap: wanted at most 40 ms, got 20 ms" in said
    assert "✗ sink -> source: media: wanted RTP, got no RTP of it in the capture" in said
    assert said.splitlines()[-1].startswith("fail: sink -> source: media")


def test_a_plan_may_expect_something_else(judge, folder, tmp_path):
    """Of a run as of a file; one that expects nothing is refused."""
    plan = tmp_path / "other.plan.toml"
    plan.write_text((folder / "plan.toml").read_text().replace("max_gap_ms = 40", "max_gap_ms = 10"))
    assert "✗ source -> sink: gap: wanted at most 10 ms, got 20 ms" in judge(folder, "--plan", plan)[1]
    assert judge(folder / "capture.pcap", "--plan", plan)[0] == 1
    plan.write_text(plan.read_text().partition("[expect]")[0])
    code, said = judge(folder, "--plan", plan)
    assert (code, "wanted a table [expect], came none" in said) == (64, True)


def test_a_capture_by_itself(judge, folder, tmp_path):
    """Streams go by the parties of their call; two lost packets are a gap of 60 ms at their second."""
    assert judge(folder / "capture.pcap")[0] == 0
    bad = tmp_path / "bad"
    bad.mkdir()
    make_run(bad, lost=(50, 51))
    code, said = judge(bad / "capture.pcap")
    assert code == 1
    assert "lost: wanted at most 0 packets, got 2 of 200 (network) at 0.98 s (see capture.pcap)" in said
    assert "gap: wanted at most 40 ms, got 60 ms (lost, after packet 49; network) at 0.98 s" in said
    assert "lost between 127.0.0.1:10000 and 127.0.0.1:20000: 2 packets after seq 49; numbered, so sent" in said


def as_pcma(capture):
    """Return a capture whose RTP claims to be PCMA."""
    rtp, claimed = bytes([0x80, 0]), bytes([0x80, 8])
    return re.sub(rb"(?s)(\x00\xb4..)" + re.escape(rtp), lambda found: found[1] + claimed, capture)


def test_a_capture_of_somebody_is_in_the_codec_that_was_agreed(judge, folder, tmp_path):
    """By its call's SDP; where there is none nobody said what is right."""
    capture = as_pcma((folder / "capture.pcap").read_bytes())
    (tmp_path / "other.pcap").write_bytes(capture)
    code, said = judge(tmp_path / "other.pcap")
    assert (code, "codec: wanted PCMU, got PCMA" in said) == (1, True)
    (tmp_path / "alone.pcap").write_bytes(capture.replace(b"INVITE", b"NOTHIN"))
    code, said = judge(tmp_path / "alone.pcap")
    assert (code, "codec" in said, "lost: wanted at most 0 packets, got 0 of 200" in said) == (0, False, True)


def test_a_capture_of_somebody_takes_no_topology(judge, folder, tmp_path):
    """What is expected of it is enough of a plan."""
    plan = tmp_path / "expect.toml"
    plan.write_text('[expect]\ncodec = "PCMA"\n')
    code, said = judge(folder / "capture.pcap", "--plan", plan)
    assert (code, "codec: wanted PCMA, got PCMU" in said) == (1, True)
    code, said = judge(folder / "sink.wav", "--plan", plan)
    assert (code, "wanted the name of a sink" in said, "(it has none)" in said) == (64, True, True)
    plan.write_text('[expect]\nsink.dtmf = "1"\n')
    assert "expect.sink: unknown key" in judge(folder / "sink.wav", "--plan", plan)[1]
    plan.write_text("")
    assert "wanted a table [topology], came none" in judge(folder / "sink.wav", "--plan", plan)[1]


def test_a_capture_is_not_compared_with_a_file(judge, folder):
    """And whoever wants that hears of it."""
    said = judge(folder / "capture.pcap", "--reference", folder / "played.wav")[1]
    assert "Warning: a capture is not compared with --reference; a run or a recording is" in said


def test_a_capture_does_not_tell_what_a_sink_heard(judge, folder):
    """So a pass of it says nothing of the digits, and that is said."""
    plan = folder / "digits.plan.toml"
    plan.write_text((folder / "plan.toml").read_text() + '\nsink.dtmf = "1"')
    code, said = judge(folder / "capture.pcap", "--plan", plan)
    assert (code, "Warning: what sink is to hear is judged by a run or a recording, not by" in said) == (0, True)
    assert "Warning" not in judge(folder / "capture.pcap", "--plan", folder / "plan.toml")[1]


def test_a_recording_against_what_was_played(judge, folder):
    """It is the very sound; another one is not, and a hole in it is found."""
    reference = ("--reference", folder / "played.wav")
    assert judge(folder / "played.wav", *reference)[0] == 0
    whole = load(folder / "played.wav")
    (whole[:2000] + AudioSegment.silent(100, 8000) + whole[2100:]).export(folder / "hole.wav", format="wav").close()
    code, said = judge(folder / "hole.wav", *reference)
    assert code == 1
    assert "✗ hole: heard gap: wanted at most 40 ms, got 100 ms silent at 2.00 s (see hole.wav)" in said
    sound(4).export(folder / "another.wav", format="wav").close()
    code, said = judge(folder / "another.wav", *reference)
    assert (code, "wanted the source's file, got nothing of it" in said) == (1, True)


def test_a_recording_by_itself(judge, folder):
    """Silence is no sound; what clips is told."""
    assert judge(folder / "sink.wav")[0] == 0
    AudioSegment.silent(1000, 8000).export(folder / "silent.wav", format="wav").close()
    assert "✗ silent: heard: wanted sound, got silence" in judge(folder / "silent.wav")[1]
    load(folder / "sink.wav").apply_gain(60).export(folder / "loud.wav", format="wav").close()
    assert "✗ loud: clipped: wanted at most 0 samples" in judge(folder / "loud.wav")[1]


@pytest.mark.parametrize("kind", ["-ar 16000", "-ac 2", "-c:a pcm_mulaw", "-c:a pcm_s24le"])
def test_a_recording_of_another_kind(judge, folder, kind):
    """Whatever a PBX writes into a WAV file."""
    command = ["ffmpeg", "-v", "error", "-i", folder / "sink.wav", *kind.split(), folder / "other.wav"]
    subprocess.run(command, check=True)
    code, said = judge(folder / "other.wav", "--report", folder / "page.html")
    assert (code, "report: " in said) == (0, True), said


def test_the_digits_of_a_recording(judge, folder):
    """By the plan's sink of that name."""
    plan = folder / "digits.plan.toml"
    plan.write_text((folder / "plan.toml").read_text() + '\nsink.dtmf = "1"')
    assert "✓ sink: dtmf: wanted '1' repeated, got '1'" in judge(folder / "sink.wav", "--plan", plan)[1]
    plan.write_text(plan.read_text().replace('"1"', '"2"'))
    said = judge(folder / "sink.wav", "--plan", plan)[1]
    assert "✗ sink: dtmf: wanted '2' repeated, got '1', a 1 instead of a 2 at 1.5" in said


def test_a_recording_behind_a_mixer(judge, folder):
    """The plan knows at which gain the file ought to arrive."""
    plan = folder / "mixed.plan.toml"
    plan.write_text(MIXED)
    load(folder / "played.wav").apply_gain(20 * math.log10(0.5)).export(folder / "sink.wav", format="wav").close()
    reference = ("--reference", folder / "played.wav")
    assert "✗ sink: level: wanted +0 dB within 1, got -6.0" in judge(folder / "sink.wav", *reference)[1]
    assert "✓ sink: level" in judge(folder / "sink.wav", *reference, "--plan", plan)[1]


def test_json_is_the_verdict(judge, folder):
    """As verdict.json has it."""
    code, said = judge(folder / "capture.pcap", "--json")
    verdict = json.loads(said)
    assert (code, verdict["outcome"]) == (0, "pass")
    assert {check["name"] for check in verdict["checks"]} == {"codec", "lost", "gap"}


def test_nothing_to_judge_is_could_not_tell(judge, folder):
    """Two: a capture without RTP is no good call."""
    pcap = folder / "capture.pcap"
    pcap.write_bytes(pcap.read_bytes()[:24])
    assert judge(pcap)[0] == 2


def test_a_damaged_capture_is_no_pass(judge, folder):
    """What was read of it may be fine, and nobody knows of the rest; less than a head is no capture."""
    pcap = folder / "capture.pcap"
    content = pcap.read_bytes()
    pcap.write_bytes(content[: len(content) // 2 + 7])
    code, said = judge(pcap)
    assert (code, "? capture.pcap: capture: wanted a whole file, got" in said) == (2, True)
    pcap.write_bytes(content[:20])
    code, said = judge(pcap)
    assert (code, said) == (64, f"Error: {pcap}: ends within its pcap header\n")


def test_a_file_that_is_gone_costs_only_its_own_checks(judge, folder):
    """The wire is judged all the same; --reference tells where the file is now."""
    moved = (folder / "played.wav").rename(folder / "moved.wav")
    said = judge(folder)[1]
    assert "✓ source -> sink: gap" in said
    assert "? sink: recording: wanted sound files, got could not be judged" in said
    assert "? sink: recording" not in judge(folder, "--reference", moved)[1]


@pytest.mark.parametrize(("name", "content", "sentence"), [
    ("none.pcap", None, "cannot be read: No such file or directory"),
    ("text.txt", b"hello", "wanted a run folder, a capture (pcap, pcapng) or a recording (WAV), and it is none"),
    ("empty", b"", "and it is none of them"),
])  # fmt: skip
def test_what_cannot_be_judged(judge, tmp_path, name, content, sentence):
    """64, with what was wanted."""
    if content is not None:
        (tmp_path / name).write_bytes(content)
    code, said = judge(tmp_path / name)
    assert code == 64
    assert sentence in said
    assert said.startswith("Error: ")


def test_a_folder_that_is_no_run(judge, tmp_path):
    """64 too."""
    code, said = judge(tmp_path)
    assert (code, "this folder has no plan.toml, so it is no run" in said) == (64, True)


def test_a_run_gets_a_page(judge, folder):
    """In its folder, written anew each time; or elsewhere, if that is asked for."""
    judge(folder)
    page = folder / "report.html"
    assert "source → sink" in page.read_text()
    page.write_text("old")
    assert f"report: {page}" in judge(folder)[1]
    assert page.read_text() != "old"
    page.unlink()
    elsewhere = folder / "pages" / "call.html"
    judge(folder, "--report", elsewhere)
    assert "source → sink" in elsewhere.read_text()
    assert not page.exists()


def test_a_file_gets_a_page_if_that_is_asked_for(judge, folder, tmp_path):
    """With the very verdict, and the streams or the sound that it is about."""
    page = tmp_path / "page.html"
    judge(folder / "capture.pcap")
    assert not page.exists()
    code, said = judge(folder / "capture.pcap", "--report", page)
    assert code == 0
    assert said.splitlines()[-1].startswith("pass: ")
    assert "127.0.0.1:5060 → 127.0.0.1:5062" in page.read_text()
    assert "Passed</h1>" in page.read_text()
    code, _ = judge(folder / "played.wav", "--reference", folder / "played.wav", "--report", page)
    assert code == 0
    assert page.read_text().count("<audio controls") == 2
    assert "Passed</h1>" in page.read_text()


def test_a_page_that_cannot_be_written_changes_nothing_else(judge, folder):
    """One line says why, and the verdict stands."""
    plan = folder / "plan.toml"
    code, said = judge(folder, "--report", plan / "page.html")
    assert code == judge(folder)[0] == 1
    assert said.splitlines()[-1].startswith(f"Warning: there is no {plan / 'page.html'}: ")
    assert "Traceback" not in said
    assert "internal error" not in said


def test_a_page_tells_how_to_judge_a_file_again(judge, folder, tmp_path):
    """As it can be typed, whatever the file's name is."""
    odd, page = tmp_path / "it's a call.wav", tmp_path / "page.html"
    odd.write_bytes((folder / "played.wav").read_bytes())
    judge(odd, "--reference", odd, "--report", page)
    typed = shlex.join(["b2b", "judge", str(odd), "--reference", str(odd)])
    assert html.escape(typed).replace("&#x27;", "&#39;").replace("&quot;", "&#34;") in page.read_text()


def test_a_run_whose_capture_is_none(judge, folder):
    """Nobody can tell what crossed the wire then; what was heard is judged all the same."""
    (folder / "capture.pcap").write_bytes(b"this is no capture")
    _, said = judge(folder)
    what = f"{folder / 'capture.pcap'}: wanted a pcap"
    assert said.startswith(f"? source -> sink: media: wanted RTP, got no capture: {what}")
    assert "sink: heard: wanted" in said


def test_a_page_carries_the_verdict_that_it_shows(judge, folder, tmp_path):
    """By another plan too, which leaves the run's own verdict as it was."""
    (folder / "verdict.json").write_text("the run's own")
    plan = tmp_path / "other.toml"
    plan.write_text(f'{(folder / "plan.toml").read_text().partition("[expect]")[0]}[expect]\nmax_gap_ms = 1\n')
    _, said = judge(folder, "--plan", plan, "--json")
    page = (folder / "report.html").read_text()
    (carried,) = re.findall(r'href="data:application/json;base64,([^"]+)"[^>]*>verdict\.json', page)
    assert json.loads(base64.b64decode(carried)) == json.loads(said)
    assert (folder / "verdict.json").read_text() == "the run's own"


def test_the_verdict_as_json_is_all_that_is_printed(judge, folder):
    """Whether or not there is a page."""
    assert json.loads(judge(folder, "--json")[1])["outcome"] == "fail"
    assert (folder / "report.html").exists()
