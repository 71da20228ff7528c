"""What stands in for scipy's own, which takes long to import, gives what scipy's gives."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.fft import next_fast_len
from scipy.ndimage import maximum_filter1d

from harness.sound.active import _held
from harness.sound.spectrum import fast_length


def test_lengths_for_a_fast_transform():
    """Each the smallest that is no less."""
    lengths = [*range(1, 3000), 123_457, 999_999, 1_048_577, 5_000_001]
    assert [fast_length(length) for length in lengths] == [next_fast_len(length, real=True) for length in lengths]


@pytest.mark.parametrize("count", [1, 5, 1600, 1601, 1602, 5000])
def test_the_largest_of_the_last_so_many(count):
    """Also where there are not so many yet."""
    values = np.random.default_rng(count).random(count).astype(np.float32)
    assert np.array_equal(_held(values, 1601), maximum_filter1d(values, 1601, origin=800, mode="constant"))
