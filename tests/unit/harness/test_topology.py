"""The context manager below the fixtures, where it makes no call."""

from __future__ import annotations

import pytest

from b2b.errors import UsageError
from harness.topology import kept, new_folder, topology


@pytest.mark.parametrize(("keep", "good", "stays"), [
    ("all", True, True), ("all", False, True), ("failed", True, False), ("failed", False, True),
    ("none", True, False), ("none", False, False),
])  # fmt: skip
def test_which_folders_stay(keep, good, stays):
    """By policy."""
    assert kept(keep, good=good) is stays


def test_folders_made_in_one_instant_are_different(tmp_path):
    """Workers beside each other run plans of the same name."""
    folders = {new_folder(tmp_path / "runs", "smk") for _ in range(20)}
    assert len(folders) == 20
    assert all(folder.stat().st_mode & 0o77 == 0 and "smk" in folder.name for folder in folders)


def test_a_plan_that_cannot_be_used_raises_its_sentence(tmp_path):
    """The orchestrator's own, and nothing is left where the call would have been."""
    folder = tmp_path / "run"
    with (
        pytest.raises(UsageError, match=r"no\.plan\.toml: wanted a plan, but it cannot be read"),
        topology(tmp_path / "no.plan.toml", run_dir=folder, keep="none"),
    ):
        pass
    assert not folder.exists()


def test_a_value_that_no_plan_can_have(tmp_path):
    """Is refused before anything is started."""
    with (
        pytest.raises(UsageError, match=r"mixer\.dtmf_seq: wanted a value that TOML has, came None"),
        topology("x.plan.toml", run_dir=tmp_path / "run", mixer={"dtmf_seq": None}),
    ):
        pass
