"""A part of the fault matrix: stories drawn by a seed; `make matrix` plays all of them."""

from __future__ import annotations

import random

from matrix.__main__ import outcomes
from matrix.stories import BEGIN, CANARY, IMPAIRER, IN_CALL, ORCHESTRATOR, stories

SEED, DRAWN, JOBS = 7, 3, 3
ALWAYS = {
    f"{ORCHESTRATOR}, killed, {IN_CALL}",
    f"{CANARY}, killed, {IN_CALL}",
    f"{IMPAIRER}, killed, {IN_CALL}",
    f"sink's baresip, killed, {IN_CALL}",
    f"run folder, disk full after 160k, {BEGIN}",
    f"all, at most 12 descriptors, {BEGIN}",
    f"reader of the log, gone after 1 lines, {BEGIN}",
}


def test_a_part_of_the_fault_matrix():
    """Each ends with the code and the verdict that it is to have, all is readable, and nothing is left."""
    everything = stories()
    chosen = [story for story in everything if story.name in ALWAYS]
    assert len(chosen) == len(ALWAYS)
    chosen += random.Random(SEED).sample([story for story in everything if story.name not in ALWAYS], DRAWN)
    wrong = {outcome.story: outcome.problems for outcome in outcomes(chosen, JOBS) if outcome.problems}
    assert not wrong
