"""Numbers and texts as a page can carry them."""

from __future__ import annotations

import base64
import re

import numpy as np

from harness.wire.order import Numbers

ESCAPES = re.compile(r"\x1b(?:\[[0-9;?]*[ -/]*[@-~]|\][^\x07\x1b]*(?:\x07|\x1b\\)|.)?")
CONTROLS = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u200e\u200f\u202a-\u202e\u2066-\u2069\ufeff]")


def floats(values: Numbers) -> str:
    """Return base64 of little-endian float32."""
    return text(np.asarray(values, "<f4").tobytes())


def text(octets: bytes) -> str:
    """Return base64."""
    return base64.b64encode(octets).decode()


def plain(words: str) -> str:
    """Return text without a terminal's escapes; other controls, which could hide or turn round what stands beside them,
    are shown by their numbers.
    """
    return CONTROLS.sub(lambda found: f"\\x{ord(found[0]):02x}", ESCAPES.sub("", words.replace("\r\n", "\n")))
