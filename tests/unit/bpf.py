"""Runs classic BPF programs on bytes, as the kernel would, so that filters are tested without it.

After the kernel's `Documentation/networking/filter.rst`; seccomp loads its words in the machine's own order, packet
filters in the network's.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from typing import Literal

INSTRUCTION = struct.Struct("HBBI")
LOAD_WORD, LOAD_HALF, LOAD_BYTE = 0x20, 0x28, 0x30
LOAD_HALF_INDEXED, LOAD_HEADER_LENGTH = 0x48, 0xB1
JUMP, JUMP_IF_EQUAL, JUMP_IF_SET, AND, RETURN = 0x05, 0x15, 0x45, 0x54, 0x06
SIZES = {LOAD_WORD: 4, LOAD_HALF: 2, LOAD_BYTE: 1, LOAD_HALF_INDEXED: 2}


def instructions(program: bytes) -> Iterator[tuple[int, int, int, int]]:
    """Take a program apart into (code, jump if true, jump if false, k)."""
    return INSTRUCTION.iter_unpack(program)


def run(program: bytes, data: bytes, *, order: Literal["little", "big"]) -> int:
    """Return what the program returns on that data; a load from beyond its end returns 0, as in the kernel."""
    steps = list(instructions(program))
    accumulator = index = at = 0
    while True:
        code, if_true, if_false, k = steps[at]
        at += 1
        if code in SIZES:
            start = k + (index if code == LOAD_HALF_INDEXED else 0)
            loaded = data[start : start + SIZES[code]]
            if len(loaded) < SIZES[code]:
                return 0
            accumulator = int.from_bytes(loaded, order)
        elif code == LOAD_HEADER_LENGTH:
            index = 4 * (data[k] & 15)
        elif code == AND:
            accumulator &= k
        elif code == JUMP:
            at += k
        elif code == JUMP_IF_EQUAL:
            at += if_true if accumulator == k else if_false
        elif code == JUMP_IF_SET:
            at += if_true if accumulator & k else if_false
        elif code == RETURN:
            return k
        else:
            raise ValueError(f"wanted an instruction that this evaluator knows, came {code:#x}")
