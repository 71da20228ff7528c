"""The roles started by hand, each a command of its own, as in the requirements' first example."""

from __future__ import annotations

import itertools
import signal

import numpy as np
import pytest

from calls.places import SAMPLE
from calls.recording import read_wav
from oracle.audio import decode_reference, judge_sk, judge_smk

COUNTERS = ("packets_tx", "packets_rx", "rtp_loss", "tx_overruns", "tx_underruns", "rx_overruns", "rx_underruns")


def test_the_sink_hears_the_whole_file(b2b, speech, tmp_path):
    """All of the file, to its last sample and nothing else, is in the recording; both roles end with 0."""
    file, heard = speech(4), tmp_path / "heard.wav"
    sink = b2b("--role", "sink", "--capture", heard, "--log-format", "json")
    source = b2b("source", "--target", f"sip:{sink.wait_ready()}", "--audio-file", file, "--log-format", "json")
    assert source.wait_exit() == 0, source.output
    assert sink.wait_exit() == 0, sink.output
    result = judge_sk(decode_reference(file), read_wav(heard))
    assert not result.problems
    assert result.missing_start_s == 0
    assert result.missing_end_s == 0
    for role in (source, sink):
        assert role.wait_line(r"^READY role=")
        assert role.metrics()[-1]["final"]
        assert role.metrics()[-1]["rtp_loss"] == 0
    assert source.metrics()[-1]["packets_tx"] == sink.metrics()[-1]["packets_rx"] >= 200


def test_counters_never_go_down(b2b, tmp_path):
    """Metrics come every five seconds and at the end, and a counter only grows."""
    sink = b2b("sink", "--capture", tmp_path / "heard.wav", "--log-format", "json")
    source = b2b(
        "source", "--target", f"sip:{sink.wait_ready()}", "--audio-file", SAMPLE, "--log-format", "json",
        "--duration-s", 11,
    )  # fmt: skip
    assert source.wait_exit() == 0, source.output
    assert sink.wait_exit() == 0, sink.output
    for role in (source, sink):
        told = role.metrics()
        assert len(told) >= 3
        assert all(0 <= one["jitter_ms_p50"] <= one["jitter_ms_p95"] for one in told)
        assert all(one["cpu_pct"] >= 0 for one in told)
        for earlier, later in itertools.pairwise(told):
            assert all(later[name] >= earlier[name] for name in COUNTERS)
            assert later["packets_tx"] > earlier["packets_tx"]


def test_the_mixer_adds_its_digits(b2b, tmp_path):
    """Source at its gain, digits at theirs, nothing else; the mixer may be up long before its target."""
    heard = tmp_path / "heard.wav"
    port = 47062
    mixer = b2b("mixer", "--target", f"sip:127.0.0.1:{port}", "--dtmf-seq", "+1 9", "--mix-gain-in", 0.4)
    address = mixer.wait_ready()
    mixer.wait_line("dialing")
    sink = b2b("sink", "--sip-bind", f"127.0.0.1:{port}", "--capture", heard)
    source = b2b("source", "--target", f"sip:{address}", "--audio-file", SAMPLE, "--duration-s", 7)
    for role in (source, mixer, sink):
        assert role.wait_exit() == 0, role.output
    assert mixer.output.count("skipped") == 1
    result = judge_smk(
        decode_reference(SAMPLE), read_wav(heard), gain_in=0.4, gain_dtmf=0.5, digits="19", tone_ms=80, pause_ms=80,
        period_ms=2000,
    )  # fmt: skip
    assert not result.problems, [role.output for role in (source, mixer, sink)]
    assert "".join(digit.key for digit in result.digits) == "19" * 3


@pytest.mark.parametrize("ptime_ms", [10, 30, 40])
def test_packets_of_other_lengths(b2b, speech, tmp_path, ptime_ms):
    """The sound card follows --ptime-ms, and so does the wire; what is heard stays whole."""
    file, heard = speech(3), tmp_path / "heard.wav"
    sink = b2b("sink", "--capture", heard)
    source = b2b(
        "source", "--target", f"sip:{sink.wait_ready()}", "--audio-file", file, "--ptime-ms", ptime_ms,
        "--log-format", "json",
    )  # fmt: skip
    assert source.wait_line(rf"^READY .* ptime={ptime_ms}ms$")
    assert source.wait_exit() == 0, source.output
    assert sink.wait_exit() == 0, sink.output
    assert not judge_sk(decode_reference(file), read_wav(heard)).problems
    final = source.metrics()[-1]
    assert final["packets_tx"] == pytest.approx(final["call_s"] * 1000 / ptime_ms, abs=300 / ptime_ms)


def test_a_second_caller_is_busy(b2b, tmp_path):
    """The sink takes the first call and answers 486 to the second; the first never notices."""
    sink = b2b("sink", "--capture", tmp_path / "heard.wav")
    target = f"sip:{sink.wait_ready()}"
    first = b2b("source", "--target", target, "--audio-file", SAMPLE, "--duration-s", 6)
    first.wait_line("call established")
    second = b2b("source", "--target", target, "--audio-file", SAMPLE)
    assert second.wait_exit() == 65
    assert "486" in second.wait_line("ERROR").string
    assert first.wait_exit() == 0, first.output
    assert sink.wait_exit() == 0, sink.output
    assert not judge_sk(decode_reference(SAMPLE), read_wav(tmp_path / "heard.wav")).problems


def test_loop_goes_on_until_stopped(b2b, speech, tmp_path):
    """--loop starts the file again without a gap; SIGTERM hangs up and is a clean end for both."""
    file, heard = speech(1.5), tmp_path / "heard.wav"
    sink = b2b("sink", "--capture", heard)
    source = b2b(
        "source", "--target", f"sip:{sink.wait_ready()}", "--audio-file", file, "--loop", "--log-format", "json"
    )
    source.wait_line('"event": "metrics"')
    source.interrupt(signal.SIGTERM)
    assert source.wait_exit() == 0, source.output
    assert sink.wait_exit() == 0, sink.output
    assert not judge_sk(np.tile(decode_reference(file), 9), read_wav(heard)).problems


def test_the_recording_survives_its_sink(b2b, tmp_path):
    """A sink that is killed leaves a recording that can be read, up to the last moment."""
    heard = tmp_path / "heard.wav"
    sink = b2b("sink", "--capture", heard)
    source = b2b(
        "source", "--target", f"sip:{sink.wait_ready()}", "--audio-file", SAMPLE, "--duration-s", 8,
        "--log-format", "json",
    )  # fmt: skip
    source.wait_line('"event": "metrics"')
    while_it_runs = len(read_wav(heard))
    sink.interrupt(signal.SIGKILL)
    assert sink.wait_exit() == -signal.SIGKILL
    assert len(read_wav(heard)) >= while_it_runs > 4 * 8000
    assert not judge_sk(decode_reference(SAMPLE), read_wav(heard)).problems
    assert source.wait_exit() == 0, source.output
