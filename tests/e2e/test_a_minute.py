"""The call is right: a minute of each plan, measured on the sink's recording and on the wire."""

from __future__ import annotations

import pytest

from calls.places import SAMPLE
from calls.tapped import tapped_run
from oracle.audio import decode_reference, judge_sk, judge_smk
from oracle.wire import one_ssrc_each, wire_is_clean

SECONDS = 60


def assert_clean_wire(run, hops: int) -> None:
    """Both directions of every hop: 20 ms frames of PCMU, one SSRC, no sequence or timestamp jump."""
    assert len(run.own) == 2 * hops
    assert not one_ssrc_each(run.own)
    for stream in run.own:
        assert not wire_is_clean(stream), stream
        assert set(stream.payload_types) == {0}
        assert len(stream.packets) * 0.02 == pytest.approx(SECONDS, abs=1.5)


def test_source_to_sink(tmp_path):
    """The recording is the source's file, sample for sample, within one G.711 code."""
    run = tapped_run("sk.plan.toml", SECONDS, tmp_path)
    result = judge_sk(decode_reference(SAMPLE), run.heard(), at_least_s=SECONDS - 2)
    assert result.ok, (result.problems, run.output)
    assert result.missing_start_s == 0
    assert_clean_wire(run, hops=1)


def test_source_to_mixer_to_sink(tmp_path):
    """The recording minus the source at its gain leaves the digits and nothing else, in order and complete."""
    run = tapped_run("smk.plan.toml", SECONDS, tmp_path)
    result = judge_smk(
        decode_reference(SAMPLE), run.heard(), gain_in=0.5, gain_dtmf=0.5, digits="123#", tone_ms=80, pause_ms=80,
        period_ms=2000, at_least_s=SECONDS - 3,
    )  # fmt: skip
    assert result.ok, (result.problems, run.output)
    assert result.missing_start_s == 0
    assert result.text == "123#" * 29
    assert_clean_wire(run, hops=2)
