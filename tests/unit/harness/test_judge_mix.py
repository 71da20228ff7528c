"""What is said of a sink behind mixers: their digits' levels; and of one that heard nothing, why."""

from __future__ import annotations

import numpy as np
import pytest

from b2b.audio.wav import WavWriter
from calls.synthetic import make_run
from harness.call import Call
from harness.expect import Expectations, SinkExpectation
from harness.judging.run import judge
from harness.verdict import Outcome
from oracle import g711, simulate
from oracle.g711 import RATE

SECONDS, LEAD = 12, 4321
PLAN = """
[topology]
source = { sip_target = "sip:127.0.0.1:5063", audio_file = "{folder}/played.wav" }
sink.sip_bind = "127.0.0.1:5062"

[topology.first]
role = "mixer"
sip_bind = "127.0.0.1:5063"
sip_target = "sip:127.0.0.1:5064"
dtmf_seq = "123#"
mix_gain_in = 0.5
mix_gain_dtmf = 0.5

[topology.second]
role = "mixer"
sip_bind = "127.0.0.1:5064"
sip_target = "sip:127.0.0.1:5062"
dtmf_seq = "45"
mix_gain_in = 0.8
mix_gain_dtmf = 0.25
"""


def write(path, sound):
    """Write a recording."""
    writer = WavWriter(path)
    writer.write(sound.astype("<i2").tobytes())
    writer.close()


@pytest.fixture
def heard(tmp_path):
    """Return a function that makes a run of two mixers, and returns the checks of its sink by where and name."""

    def heard(first_db=0.0, second_db=0.0):
        voice = simulate.voice(SECONDS, 1)
        write(tmp_path / "played.wav", voice)
        first = simulate.digits(len(voice), "123#", 80, 80, 2000, 0.5 * 10 ** (first_db / 20))
        second = np.roll(simulate.digits(len(voice), "45", 80, 80, 2000, 0.25 * 10 ** (second_db / 20)), RATE)
        sound = simulate.mix(simulate.mix(voice, 0.5, first), 0.8, second)
        write(tmp_path / "sink.wav", simulate.in_silence(sound, LEAD, 2000))
        (tmp_path / "plan.toml").write_text(PLAN.replace("{folder}", str(tmp_path)))
        verdict = judge(Call(tmp_path), Expectations(sinks={"sink": SinkExpectation()}))
        return {(check.where, check.name): check for check in verdict.checks if check.where[-4:] == "sink"}

    return heard


def test_each_mixers_digits_have_their_level(heard):
    """After its own gain, and that of the mixer after it."""
    checks = heard()
    assert checks["sink", "digit level of first"].wanted.startswith("-17.0 dBm0")
    assert checks["sink", "digit level of second"].wanted.startswith("-21.0 dBm0")
    sound = [check for (where, _), check in checks.items() if "->" not in where]
    assert [str(check) for check in sound if check.outcome is not Outcome.PASS] == []
    assert checks["sink", "codes"].outcome is Outcome.PASS


@pytest.mark.parametrize(("levels", "wrong"), [((3, 0), "first"), ((0, -3), "second")])
def test_a_mixer_whose_digits_are_too_loud_or_too_faint_is_named(heard, levels, wrong):
    """It alone; the file's level is right."""
    failed = [check for check in heard(*levels).values() if check.outcome is Outcome.FAIL and "->" not in check.where]
    assert [(check.where, check.name) for check in failed] == [("sink", f"digit level of {wrong}")]
    assert f"({sum(levels):+.2f} dB)"[:3] in failed[0].got


@pytest.mark.parametrize(("lost", "got"), [
    ((), "silence: RTP arrived, but nothing was in it"),
    (range(200), "silence: no RTP arrived"),
])  # fmt: skip
def test_a_sink_that_heard_nothing_says_why(tmp_path, lost, got):
    """From its capture."""
    call = make_run(tmp_path, lost=tuple(lost))
    write(tmp_path / "sink.wav", np.zeros(9000))
    verdict = judge(call, Expectations(sinks={"sink": SinkExpectation()}))
    [check] = [check for check in verdict.checks if check.where == "sink"]
    assert (check.name, check.outcome, check.got) == ("heard", Outcome.FAIL, got)


def test_pesq_is_scored_where_somebody_asks(tmp_path):
    """What is no speech has no score, and that is said."""
    call = make_run(tmp_path)
    tone = np.rint(3000 * np.sin(np.arange(4 * RATE) * 2 * np.pi * 440.3 / RATE) * np.linspace(0.5, 1, 4 * RATE))
    for name in ("played.wav", "sink.wav"):
        write(tmp_path / name, tone)
    verdict = judge(call, Expectations(sinks={"sink": SinkExpectation(min_pesq=3.5)}))
    [check] = [check for check in verdict.checks if check.name == "pesq"]
    assert check.outcome is Outcome.UNKNOWN
    assert "no speech" in check.got or "not installed" in check.got


@pytest.mark.parametrize("loop", [True, False])
def test_a_source_that_loops_begins_its_file_anew(tmp_path, loop):
    """Which is a jump back where it was not told to."""
    voice = simulate.voice(SECONDS, 2)
    write(tmp_path / "played.wav", voice)
    write(tmp_path / "sink.wav", simulate.in_silence(g711.through(np.tile(voice, 3)[: 30 * RATE]), LEAD, 2000))
    source = f'source = {{ sip_target = "sip:sink", audio_file = "{tmp_path}/played.wav", loop = {str(loop).lower()} }}'
    (tmp_path / "plan.toml").write_text(f"[topology]\n{source}\nsink = {{}}\n")
    checks = judge(Call(tmp_path), Expectations(sinks={"sink": SinkExpectation()})).checks
    failed = [check.name for check in checks if check.where == "sink" and check.outcome is not Outcome.PASS]
    assert failed == ([] if loop else ["heard gap"])
