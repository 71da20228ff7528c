"""The call stays right on a busy machine, compared with a plain pair of baresips in the same seconds."""

from __future__ import annotations

import pytest

from calls.places import SAMPLE
from calls.stall import busy_processes
from calls.tapped import tapped_run
from oracle.audio import decode_reference, judge_smk
from oracle.wire import Stream

SECONDS = 30
BUSY = 6
LATE_S = 0.040


def late_packets(streams: list[Stream]) -> float:
    """Return the gaps over 40 ms of an average stream."""
    return sum(len(stream.gaps(LATE_S)) for stream in streams) / len(streams)


@pytest.mark.alone
def test_six_busy_processes(tmp_path):
    """No slip in the recording, and a stream of ours has no more late packets than one of the bare pair."""
    with busy_processes(BUSY):
        run = tapped_run("smk.plan.toml", SECONDS, tmp_path, bare=True)
    ours, bare = late_packets(run.own), late_packets(run.bare)
    print(f"gaps over 40 ms per stream: ours {ours:.2f}, bare {bare:.2f}")
    result = judge_smk(
        decode_reference(SAMPLE), run.heard(), gain_in=0.5, gain_dtmf=0.5, digits="123#", tone_ms=80, pause_ms=80,
        period_ms=2000, at_least_s=SECONDS - 3,
    )  # fmt: skip
    assert not result.steps, (result.problems, run.output)
    assert len(run.bare) == 2
    assert ours <= bare + 1, "one late packet more or less is chance"
