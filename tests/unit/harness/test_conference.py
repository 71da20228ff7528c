"""The checks of a conference, on recordings that were mixed for it: each goes red for the very fault."""

from __future__ import annotations

import json

import numpy as np
import pytest
from scipy.io import wavfile

from calls.places import REPOSITORY
from harness.call import Call
from harness.expect import expectations
from harness.judging.conference import check_conference, is_conference
from harness.sound import RATE, decode
from harness.sound.g711 import through

VOICES = {name: REPOSITORY / "fixtures" / f"party-{number}.mp3" for number, name in enumerate(("ann", "ben", "cat"), 1)}
PLAN = """
[topology]
bridge = {{ role = "external", address = "127.0.0.1:5060", command = ["x"] }}
{parties}
[expect]
ann.hears = ["ben", "cat"]
ben.hears = []
"""


@pytest.fixture(scope="module")
def said():
    """Return what each party says."""
    return {name: decode(path) for name, path in VOICES.items()}


@pytest.fixture
def checked(tmp_path, said):
    """Return a function that checks what a party heard of each at a level in dB, and of a tone."""

    def check(name: str, *, tone: float = 0, **levels_db: float) -> dict[str, tuple[str, str]]:
        heard = tone * np.sin(2 * np.pi * 1000 * np.arange(7 * RATE) / RATE)
        for number, (party, level_db) in enumerate(levels_db.items()):
            start = 800 + 500 * number
            heard[start:] += 10 ** (level_db / 20) * said[party][: len(heard) - start]
        wavfile.write(tmp_path / f"{name}.wav", RATE, through(np.clip(np.rint(heard), -32768, 32767).astype(np.int16)))
        parties = [
            f'{party} = {{ role = "source", sip_target = "sip:bridge", audio_file = "{path}" }}'
            for party, path in VOICES.items()
        ]
        (tmp_path / "plan.toml").write_text(PLAN.format(parties="\n".join(parties)))
        (tmp_path / "summary.json").write_text(json.dumps({"nodes": {}}))
        call = Call(tmp_path)
        wanted = expectations(call.plan)
        assert wanted is not None
        listener = call.listener(name)
        assert is_conference(call, listener)
        return {
            check.name: (check.outcome.value, check.got)
            for check in check_conference(call, listener, wanted.sinks[name])
        }

    return check


def test_a_good_conference(checked):
    """Both others at their level, not itself, and nothing else."""
    found = checked("ann", ben=0, cat=0)
    assert list(found) == ["does not hear itself", "hears ben", "hears cat", "hears nothing else"]
    assert {outcome for outcome, _got in found.values()} == {"pass"}


@pytest.mark.parametrize(("heard", "bad"), [
    ({"ben": 0}, "hears cat"),
    ({"ben": 0, "cat": -4}, "hears cat"),
    ({"ben": 0, "cat": 0, "ann": -9}, "does not hear itself"),
    ({"ben": 0, "cat": 0, "tone": 2000}, "hears nothing else"),
])  # fmt: skip
def test_what_is_wrong(checked, heard, bad):
    """One who is missing, too quiet, oneself, or somebody from elsewhere."""
    assert checked("ann", **heard)[bad][0] == "fail"


def test_one_who_hears_nobody(checked):
    """An empty list is an expectation too: a leak is found."""
    assert {outcome for outcome, _got in checked("ben").values()} == {"pass"}
    found = checked("ben", cat=-6)
    assert found["does not hear cat"][0] == "fail"
