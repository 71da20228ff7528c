"""G.711: mu-law as a scale, how many codes two samples lie apart, what is heard after a leg, what octets sound like."""

from __future__ import annotations

import functools
from typing import Any

import numpy as np
import numpy.typing as npt

Samples = npt.NDArray[np.int16]
Floats = npt.NDArray[np.float64]
Numbers = npt.NDArray[Any]

RATE = 8000
STILL = 10.0  # 16-bit steps that are silence: the smallest code but zero is 8
PEAK = 32124  # the largest magnitude of a mu-law code: G.711 clips here


@functools.cache
def _scale() -> tuple[npt.NDArray[np.int16], npt.NDArray[np.int16]]:
    """Return the code of each 16-bit sample from -32768 on, -127 to 127, and the sample of each code from -127 on."""
    steps = np.arange(128)
    values = ((steps % 16 * 8 + 132) << steps // 16) - 132
    magnitudes = np.abs(np.arange(-32768, 32768))
    # Decision thresholds lie half way, but the code of zero is half as wide as its neighbours.
    codes = np.searchsorted((values[1:] + values[:-1]) / 2, magnitudes, side="right")
    signed = np.where(np.arange(-32768, 32768) < 0, -codes, codes)
    return signed.astype(np.int16), np.concatenate((-values[:0:-1], values)).astype(np.int16)


def codes(samples: Numbers) -> npt.NDArray[np.int16]:
    """Return each sample's place on the scale, -127 to 127; what is out of range is held at the rails."""
    return _scale()[0][np.clip(np.rint(samples), -32768, 32767).astype(np.int32) + 32768]


def through(samples: Numbers) -> Samples:
    """Return what is heard after a leg of mu-law."""
    return _scale()[1][codes(samples).astype(np.int32) + 127]


def octets(samples: Numbers) -> npt.NDArray[np.uint8]:
    """Return the octets that carry the samples on the wire: sign and magnitude, inverted (G.711 table 2a)."""
    places = codes(samples)
    return np.where(places < 0, 0x7F + places, 0xFF - places).astype(np.uint8)


def ulaw(payload: bytes) -> Samples:
    """Return the samples that mu-law octets stand for."""
    octet = np.frombuffer(payload, np.uint8).astype(np.int32)
    return np.asarray(_scale()[1][np.where(octet < 0x80, octet - 0x7F, 0xFF - octet) + 127])


def alaw(payload: bytes) -> Samples:
    """Return the samples that A-law octets stand for."""
    return np.asarray(_alaw()[np.frombuffer(payload, np.uint8)])


@functools.cache
def _alaw() -> npt.NDArray[np.int16]:
    """Return the sample of each A-law octet, whose even bits are inverted (G.711 table 1a)."""
    octet = np.arange(256) ^ 0x55
    segment, step = octet >> 4 & 7, octet & 15
    magnitude = np.where(segment == 0, 16 * step + 8, (16 * step + 264) << np.maximum(0, segment - 1))
    return np.where(octet & 0x80, magnitude, -magnitude).astype(np.int16)
