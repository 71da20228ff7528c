"""Fourier transforms of sound, by numpy: scipy's are as fast, but take a fifth of a second to import."""

from __future__ import annotations

from numpy.fft import irfft, rfft

__all__ = ["fast_length", "irfft", "rfft"]


def fast_length(least: int) -> int:
    """Return the smallest product of twos, threes and fives that is no less; transforms of such a length are fast."""
    fastest = 1 << max(0, least - 1).bit_length()
    fives = 1
    while fives < fastest:
        length = fives
        while length < fastest:
            doublings = max(0, -(-least // length) - 1).bit_length()
            fastest = min(fastest, length << doublings)
            length *= 3
        fives *= 5
    return fastest
