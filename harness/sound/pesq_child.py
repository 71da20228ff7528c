"""The process in which PESQ runs: pairs of sounds on standard input, their scores as JSON on standard output."""

from __future__ import annotations

import json
import sys

import numpy as np

from harness.sound.g711 import RATE


def main() -> None:
    """Read the lengths of all sounds in octets, a line of JSON, then reference and recording by turns, S16_LE."""
    from pesq import PesqError, pesq  # type: ignore[import-not-found,import-untyped,unused-ignore]

    lengths = json.loads(sys.stdin.buffer.readline())
    sounds = [np.frombuffer(sys.stdin.buffer.read(length), "<i2") for length in lengths]
    scores: list[float | None] = []
    for file, heard in zip(sounds[::2], sounds[1::2], strict=True):
        try:
            scores.append(float(pesq(RATE, file, heard, "nb")) if heard.any() else None)
        except PesqError:  # no utterance, or too short
            scores.append(None)
    print(json.dumps(scores))


if __name__ == "__main__":
    main()
