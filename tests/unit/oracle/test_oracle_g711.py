"""The tables of G.711."""

import numpy as np

from oracle import g711, simulate

EVERY_CODE = np.arange(256, dtype=np.uint8)
EVERY_SAMPLE = np.arange(-32768, 32768).astype(np.int16)


def test_every_code_survives_decoding_and_encoding():
    """µ-law is idempotent; only the second zero becomes the first."""
    again = g711.encode(g711.decode(EVERY_CODE))
    assert np.flatnonzero(again != EVERY_CODE).tolist() == [0x7F]
    assert again[0x7F] == g711.SILENCE


def test_known_codes():
    """The anchors of the standard: silence, the smallest step, both rails."""
    codes = np.array([0xFF, 0xFE, 0x7E, 0x80, 0x00], np.uint8)
    assert g711.decode(codes).tolist() == [0, 8, -8, g711.PEAK, -g711.PEAK]
    assert g711.encode(np.array([0, 8, -8, 32767, -32768], np.int16)).tolist() == codes.tolist()


def test_the_index_rises_with_the_sample_by_one_code_at_a_time():
    """255 values in a row, and no step is skipped."""
    steps = np.diff(g711.sample_index(EVERY_SAMPLE))
    assert set(steps.tolist()) == {0, 1}
    assert g711.code_index(EVERY_CODE).min() == -127
    assert g711.code_index(EVERY_CODE).max() == 127


def test_another_encoder_is_never_further_than_one_code_away():
    """That is why recordings are compared within one code."""
    distance = g711.code_distance(simulate.encode_like_itu(EVERY_SAMPLE), g711.through(EVERY_SAMPLE))
    assert distance.max() == 1
    assert 100 < distance.sum() < 2000


def test_a_mix_stays_at_the_rails():
    """Saturation, not wrap-around."""
    assert g711.saturate(np.array([40000.0, -40000.0, 1.4])).tolist() == [32767, -32768, 1]
