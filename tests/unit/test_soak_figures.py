"""What counts as growing in a soak."""

from __future__ import annotations

import importlib.util
import random

import pytest

from calls.places import REPOSITORY

SPEC = importlib.util.spec_from_file_location("soak", REPOSITORY / "benchmarks" / "soak.py")
assert SPEC
assert SPEC.loader
soak = importlib.util.module_from_spec(SPEC)
SPEC.loader.exec_module(soak)


def grown(**values):
    """Return the names of the figures that are said to grow."""
    samples = [dict(zip(values, row, strict=True)) for row in zip(*values.values(), strict=True)]
    return [name for name, grows, _ in soak.rows(samples, len(samples)) if grows]


@pytest.mark.parametrize(("leak_kb", "found"), [(0, False), (0.5, False), (20, True)])
def test_memory_that_leaks(leak_kb, found):
    """A thousand calls with noise of a megabyte, and what is loaded once at the beginning."""
    noise = random.Random(1)
    memory = [80 + min(10, call) + noise.uniform(-0.5, 0.5) + leak_kb * call / 1000 for call in range(1000)]
    assert grown(**{"memory, MB": memory}) == ["memory, MB"] * found


def test_one_descriptor_in_two_hundred_calls():
    """It is found; one that is there now and then is not."""
    leaking, steady = [9 + call // 200 for call in range(1000)], [1 + (call % 7 == 0) for call in range(1000)]
    assert grown(descriptors=leaking, threads=steady) == ["descriptors"]


def test_starts_that_get_slower():
    """The first, for which nothing was in memory yet, does not count."""
    assert soak.slower([9, *[1.0] * 999]) == 1
    assert soak.slower([9, *[1 + call / 1000 for call in range(999)]]) == pytest.approx(1.9 / 1.1, abs=0.02)


def test_a_picture_of_it():
    """One line for each figure, and one for the starts."""
    samples = [{"descriptors": 9.0, "threads": 1.0}] * 3
    assert soak.picture(samples, [1.0, 1.1, 1.0]).count("<polyline") == 3
