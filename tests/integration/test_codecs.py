"""The choice between G.711's two laws, long packets, and a caller whose sound goes on after its BYE."""

from __future__ import annotations

import shutil

import pytest

from calls.places import REPOSITORY, SAMPLE

PLAN = """
[topology]
source = {{ sip_target = "sip:sink", audio_file = "{sample}", {source} }}
sink = {{ {sink} }}

[expect]
duration_s = 4
codec = "{codec}"
max_gap_ms = 400
sink.max_heard_gap_ms = 400
"""
CALLER = """
[topology]
sink = {{ sip_bind = "127.0.0.1:5062", codec = "pcma,pcmu" }}

[topology.sipp]
role = "external"
address = "127.0.0.1:5064"
calls = "sink"
audio_file = "{sample}"
files."call.xml" = "{scenario}"
command = ["sipp", "-sf", "{{run_dir}}/call.xml", "-i", "{{ip}}", "-mi", "{{ip}}", "-p", "{{port}}", "-m", "1",
  "-s", "b2b", "-nostdin", "{{sink.address}}"]

[expect]
codec = "PCMA"
max_gap_ms = 400
sink.max_heard_gap_ms = 400
"""


@pytest.fixture
def run(judged_call):
    """Make the call of a plan's text; return it when it is over, with the checks that did not pass."""

    def make(text: str):
        orchestrator, checks = judged_call(text)
        return orchestrator, [check for check in checks if check["outcome"] != "pass"]

    return make


@pytest.mark.parametrize(("source", "sink", "codec"), [
    ('codec = "pcma"', 'codec = "pcmu,pcma"', "PCMA"),
    ('codec = "pcmu,pcma"', 'codec = "pcma"', "PCMA"),
    ('codec = "pcmu,pcma", ptime_ms = 40', 'codec = "pcmu,pcma"', "PCMU"),
])  # fmt: skip
def test_the_codec_that_both_have(run, source, sink, codec):
    """The caller's first one that the other side has too; heard at its level, whatever the length of its packets."""
    orchestrator, bad = run(PLAN.format(sample=SAMPLE, source=source, sink=sink, codec=codec))
    assert not bad
    assert orchestrator.process.returncode == 0, orchestrator.output


def test_no_codec_in_common(run):
    """65, and the other side's answer."""
    orchestrator, _ = run(PLAN.format(sample=SAMPLE, source='codec = "pcma"', sink='codec = "pcmu"', codec="PCMA"))
    assert orchestrator.process.returncode == 65, orchestrator.output
    assert orchestrator.wait_line("source failed first: exit 65: the call to .* failed: 488")


@pytest.mark.skipif(not shutil.which("sipp"), reason="the package sip-tester is not installed")
def test_sound_that_goes_on_after_the_bye(run, tmp_path):
    """The call is over when it was hung up; what comes then is nobody's."""
    scenario = (REPOSITORY / "plans" / "peers" / "sipp" / "stream.xml").read_text()
    scenario = scenario.replace('milliseconds="6000"', 'milliseconds="3000"')
    after = '  <recv response="200"/>\n</scenario>'
    assert after in scenario
    path = tmp_path / "after.xml"
    path.write_text(scenario.replace(after, after.replace("</scenario>", '  <pause milliseconds="700"/>\n</scenario>')))
    orchestrator, bad = run(CALLER.format(sample=SAMPLE, scenario=path))
    assert not bad
    assert orchestrator.process.returncode == 0, orchestrator.output
