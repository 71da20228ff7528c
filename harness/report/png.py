"""Writes pictures of few colours as PNG (RFC 2083), which takes no more than zlib."""

from __future__ import annotations

import struct
import zlib
from collections.abc import Sequence

import numpy as np

from harness.wire.order import Numbers

SIGNATURE = b"\x89PNG\r\n\x1a\n"
PALETTE_OF_OCTETS = bytes((8, 3, 0, 0, 0))  # bit depth, colour type, and the only compression, filter and interlace


def png(shades: Numbers, colours: Sequence[tuple[int, int, int]]) -> bytes:
    """Return a picture of a row of octets for each line, each the number of its colour, of which there may be 256."""
    height, width = shades.shape
    lines = np.concatenate([np.zeros((height, 1), np.uint8), shades.astype(np.uint8)], axis=1)  # filter 0: as they are
    head = struct.pack(">II", width, height) + PALETTE_OF_OCTETS
    parts = ((b"IHDR", head), (b"PLTE", bytes(np.array(colours, np.uint8))), (b"IDAT", zlib.compress(lines.tobytes())))
    return SIGNATURE + b"".join(_chunk(*part) for part in (*parts, (b"IEND", b"")))


def between(stops: Sequence[tuple[int, int, int]]) -> list[tuple[int, int, int]]:
    """Return 256 colours that go evenly from each of a few to the next."""
    places = np.linspace(0, len(stops) - 1, 256)
    mixed = [np.interp(places, range(len(stops)), [stop[part] for stop in stops]) for part in range(3)]
    return [(int(red), int(green), int(blue)) for red, green, blue in zip(*mixed, strict=True)]


def _chunk(name: bytes, content: bytes) -> bytes:
    return struct.pack(">I", len(content)) + name + content + struct.pack(">I", zlib.crc32(name + content))
