"""What holds of every line and every message between processes, whatever is in it."""

from __future__ import annotations

import json
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from b2b.baresip.control import as_event, encode, split_netstrings
from b2b.errors import UsageError
from b2b.logs import CONTROL, LogLine, Ready, printable
from b2b.plan.change import parse_change
from harness.jsonl import fits, parse_object

REPEATED = settings(max_examples=150, deadline=None, derandomize=True)
ANY_TEXT = st.text(st.characters() | st.sampled_from("\x1b\x9b\u202e\u2028\ud800\n\t{}"), max_size=40)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | ANY_TEXT,
    lambda some: st.lists(some, max_size=3) | st.dictionaries(ANY_TEXT, some, max_size=3),
    max_leaves=8,
)


@REPEATED
@given(ANY_TEXT)
def test_printable_text_is_one_line_that_commands_nobody(text: str) -> None:
    """Doing it again changes nothing, and every file takes it."""
    shown = printable(text)
    assert not CONTROL.search(shown)
    assert not {"\n", "\t"} & set(shown)
    assert printable(shown) == shown
    shown.encode()


@REPEATED
@given(ANY_TEXT, st.dictionaries(st.text(max_size=8), JSON, max_size=3))
def test_a_log_line_as_json_is_one_line_and_reads_back(msg: str, fields: dict[str, Any]) -> None:
    """Its words as a terminal may see them, its fields as they were."""
    fields = {key: value for key, value in fields.items() if key not in ("ts", "level", "role", "msg")}
    text = LogLine(ts="t", level="INFO", role="sink", msg=printable(msg), fields=fields).json()
    assert not CONTROL.search(text)
    assert "\n" not in text
    assert LogLine.parse(text) == LogLine(ts="t", level="INFO", role="sink", msg=printable(msg), fields=fields)


@REPEATED
@given(ANY_TEXT)
def test_any_line_is_a_log_line_or_none(line: str) -> None:
    """Never an exception."""
    assert Ready.parse(line) is None or line.strip().startswith("READY ")
    if parsed := LogLine.parse(line):
        assert not CONTROL.search(parsed.text())


@REPEATED
@given(st.lists(ANY_TEXT.filter(lambda text: text.isprintable()), max_size=5), st.data())
def test_netstrings_come_out_as_they_went_in(commands: list[str], data: st.DataObject) -> None:
    """In whatever pieces."""
    stream = b"".join(encode(f"say {command}", str(n)) for n, command in enumerate(commands))
    buffer, found = bytearray(), []
    while stream:
        cut = data.draw(st.integers(1, len(stream)))
        buffer += stream[:cut]
        stream = stream[cut:]
        found += [json.loads(body) for body in split_netstrings(buffer)]
    assert [(one["params"], one["token"]) for one in found] == [(c, str(n)) for n, c in enumerate(commands)]


@REPEATED
@given(st.dictionaries(st.sampled_from(["type", "accountaor", "param", "peeruri", "id", "rtcp_stats", "x"]), JSON))
def test_any_object_is_an_event_or_none(message: dict[str, Any]) -> None:
    """Whatever its values are."""
    event = as_event(message)
    assert event is None or all(isinstance(text, str) for text in (event.type, event.user, event.param, event.peer))


@REPEATED
@given(JSON)
def test_what_fits_has_sense(value: Any) -> None:
    """A number that fits can be counted with; what was written is read back, where it is an object."""
    if fits(value, float):
        assert abs(float(value)) < 1e16
    assert (parse_object(json.dumps(value)) is not None) == isinstance(value, dict)


@REPEATED
@given(st.text(max_size=60) | st.from_regex(r"[a-z]{1,4}(\.[a-z]{1,4}){1,3}=.{0,20}", fullmatch=True))
def test_any_change_is_read_or_refused(text: str) -> None:
    """In a sentence."""
    try:
        keys, _ = parse_change(text)
    except UsageError as refused:
        assert str(refused).startswith("wanted ")  # noqa: PT017 - most are none
    else:
        assert all(keys)
