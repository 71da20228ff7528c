"""G.711 µ-law as tables, and the distance between two samples counted in codes.

Encoders in the field disagree at the decision thresholds, on up to 8 % of the samples of quiet speech, but never
by more than one code. So recordings are compared in codes, not in linear steps.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

Samples = npt.NDArray[np.int16]
Numbers = npt.NDArray[Any]

RATE = 8000
PEAK = 32124  # the largest magnitude that µ-law decodes to: G.711 clips here, not at 32767
PEAK_DBM0 = 3.17  # the level of a sine with that peak (G.711, table 5)
SILENCE = 0xFF  # the octet of a zero sample

_BIAS, _CLIP = 132, 32635


def _magnitude_of(codes: npt.NDArray[np.int32]) -> npt.NDArray[np.int32]:
    """The 7 bits of segment and step, counted up from silence."""
    return ~codes & 0x7F


def _make_encode_table() -> npt.NDArray[np.uint8]:
    linear = np.arange(-32768, 32768, dtype=np.int32)
    biased = np.minimum(np.abs(linear), _CLIP) + _BIAS
    segment = np.floor(np.log2(biased)).astype(np.int32) - 7
    step = (biased >> (segment + 3)) & 0x0F
    sign = np.where(linear < 0, 0x80, 0)
    return np.asarray(~(sign | segment << 4 | step) & 0xFF, np.uint8)


def _make_decode_table() -> Samples:
    codes = np.arange(256, dtype=np.int32)
    magnitude = _magnitude_of(codes)
    value = (((magnitude & 0x0F) << 3) + _BIAS << (magnitude >> 4)) - _BIAS
    return np.where(codes < 0x80, -value, value).astype(np.int16)


def _make_index_table() -> Samples:
    codes = np.arange(256, dtype=np.int32)
    magnitude = _magnitude_of(codes)
    return np.where(codes < 0x80, -magnitude, magnitude).astype(np.int16)


_ENCODE, _DECODE, _INDEX = _make_encode_table(), _make_decode_table(), _make_index_table()


def encode(samples: Samples) -> npt.NDArray[np.uint8]:
    """Return the µ-law octet of each linear 16-bit sample."""
    return _ENCODE[samples.astype(np.int32) + 32768]


def decode(codes: npt.NDArray[np.uint8]) -> Samples:
    """Return the linear 16-bit sample of each µ-law octet."""
    return _DECODE[codes]


def code_index(codes: npt.NDArray[np.uint8]) -> Samples:
    """Return -127 to 127, rising with the decoded value; both codes for zero are 0, neighbours differ by 1."""
    return _INDEX[codes]


def sample_index(samples: Samples) -> Samples:
    """Return the monotone code index of each linear sample."""
    return code_index(encode(samples))


def code_distance(one: Samples, other: Samples) -> Samples:
    """How many codes two recordings lie apart, sample by sample: "within one G.711 code" is at most 1."""
    return np.asarray(np.abs(sample_index(one) - sample_index(other)), np.int16)


def saturate(samples: Numbers) -> Samples:
    """Round to 16 bits and hold at the rails, as a sound mixer should."""
    return np.asarray(np.clip(np.rint(samples), -32768, 32767), np.int16)


def through(samples: Samples) -> Samples:
    """What is heard after one G.711 leg; a second leg at the same gain changes nothing more."""
    return decode(encode(samples))
