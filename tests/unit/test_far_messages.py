"""What two machines say to each other, a line each, and what is none of it."""

from __future__ import annotations

import io

import pytest

from b2b.far.messages import LONGEST, NonsenseError, Sender, encode, read_messages


def test_what_a_login_prints_comes_before():
    pipe = io.BytesIO(b"Welcome to lab1\nLast login: never\n" + encode("hello", version="1") + encode("done"))
    assert [message["is"] for message in read_messages(pipe, skip=2)] == ["hello", "done"]


@pytest.mark.parametrize("line", [
    b"Welcome\n", b"{}\n", b"[]\n", b'{"is": 3}\n', b"\xff\xfe\n", b"[" * 5000 + b"\n", b'{"is": "line"', b"\n",
    b"x" * (LONGEST + 1),
])  # fmt: skip
def test_anything_else_is_none(line):
    """Afterwards too, and however long."""
    pipe = io.BytesIO(encode("hello") + line)
    messages = read_messages(pipe, skip=50)
    assert next(messages)["is"] == "hello"
    with pytest.raises(NonsenseError, match=r"^wanted a message, came b"):
        next(messages)


def test_nobody_waits_for_an_end_that_does_not_read(tmp_path):
    """What it would have read is lost, and nothing else."""
    import os

    reading, writing = os.pipe()
    with os.fdopen(writing, "wb") as pipe:
        sender = Sender(pipe)
        for _ in range(100):
            sender.send(b"x" * 10_000 + b"\n")
        sender.close(0.1)
        os.close(reading)
        sender.close(10)
