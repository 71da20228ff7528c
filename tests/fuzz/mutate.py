"""Makes broken inputs out of good ones, the same ones from the same seed."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator, Sequence

LONGEST = 1 << 16  # octets of an input, unless its seed was longer
MOST_CHANGES = 6
NUMBERS = (0, 1, 0x7F, 0x80, 0xFF, 0x7FFF, 0x8000, 0xFFFF, 0x7FFFFFFF, 0x80000000, 0xFFFFFFFF)
ALWAYS = (b"\x1b[2J", b"\x9b31m", "\u202e".encode(), b"\xff", b"9" * 20, b"-1", b"\n", b"\0")

Change = Callable[[random.Random, bytearray], None]


def inputs(seeds: Sequence[bytes], words: Sequence[bytes], seed: int) -> Iterator[bytes]:
    """Yield inputs without end: first the seeds as they are, then ever new changes of them."""
    yield from seeds
    chance = random.Random(seed)
    changes = _changes(seeds, (*words, *ALWAYS))
    while True:
        data = bytearray(chance.choice(seeds))
        most = max(LONGEST, len(data))
        for _ in range(chance.randint(1, MOST_CHANGES)):
            chance.choice(changes)(chance, data)
        yield bytes(data[:most])


def _changes(seeds: Sequence[bytes], words: Sequence[bytes]) -> tuple[Change, ...]:
    def put_word(chance: random.Random, data: bytearray) -> None:
        at = chance.randint(0, len(data))
        word = chance.choice(words)
        data[at : at + chance.choice((0, len(word)))] = word

    def put_part_of_another(chance: random.Random, data: bytearray) -> None:
        other, at = chance.choice(seeds), chance.randint(0, len(data))
        start, end = _piece(chance, other)
        data[at : at + chance.choice((0, end - start))] = other[start:end]

    return (_flip, _flip, _octet, _number, _drop, _repeat, _cut_off, put_word, put_word, put_part_of_another)


def _flip(chance: random.Random, data: bytearray) -> None:
    if data:
        data[chance.randrange(len(data))] ^= 1 << chance.randrange(8)


def _octet(chance: random.Random, data: bytearray) -> None:
    if data:
        data[chance.randrange(len(data))] = chance.randrange(256)


def _number(chance: random.Random, data: bytearray) -> None:
    size = chance.choice((2, 4))
    if len(data) >= size:
        at = chance.randint(0, len(data) - size)
        value = chance.choice(NUMBERS) & ((1 << 8 * size) - 1)
        data[at : at + size] = value.to_bytes(size, chance.choice(("little", "big")))


def _drop(chance: random.Random, data: bytearray) -> None:
    start, end = _piece(chance, data)
    del data[start:end]


def _repeat(chance: random.Random, data: bytearray) -> None:
    start, end = _piece(chance, data)
    data[end:end] = data[start:end] * chance.choice((1, 1, 2, 50))


def _cut_off(chance: random.Random, data: bytearray) -> None:
    if chance.random() < 0.2:
        del data[chance.randint(0, len(data)) :]


def _piece(chance: random.Random, data: bytes | bytearray) -> tuple[int, int]:
    start = chance.randint(0, len(data))
    return start, min(len(data), start + chance.choice((1, 4, 16, 64, 400)))
