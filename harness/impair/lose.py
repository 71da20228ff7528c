"""Which packets are lost because the plan names them: by their number, or in SIP by what they are."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass

from b2b.errors import UsageError
from b2b.plan.check import describe, did_you_mean

NUMBERS = re.compile(r"(?P<first>[1-9]\d{0,8})(?P<range>-(?P<last>[1-9]\d{0,8})?)?")
MESSAGE = re.compile(r"(?P<what>[A-Z]+|[1-6]\d\d)(?: (?P<method>[A-Z]+))?(?: (?P<numbers>\d+(?:-\d*)?))?")
ENDLESS = 10**9  # packets; 200 days of 20 ms
WANTED_NUMBERS = 'numbers of packets from 1 on, such as 100, "200-219" or "300-"'
WANTED_MESSAGES = '"INVITE", "200 BYE", "INVITE 2-3" or numbers of messages such as 1 or "4-6"'


@dataclass(frozen=True, slots=True)
class Some:
    """The packets of one direction whose numbers lie in a range, both ends included; with a message, of those alone."""

    first: int
    last: int
    what: str = ""  # a method, or the status of a response
    method: str = ""  # that the response is to

    def __str__(self) -> str:
        """Say it as a plan does."""
        numbers = str(self.first) if self.first == self.last else f"{self.first}-{self.last}"
        if self.last == ENDLESS:
            numbers = f"{self.first}-"
        shown = "" if self.what and numbers == "1" else numbers
        return " ".join(part for part in (self.what, self.method, shown) if part)

    def matches(self, label: str) -> bool:
        """Whether a message is meant; its label is `INVITE`, or `200 INVITE` for a response."""
        what, _, method = label.partition(" ")
        return self.what == what and self.method in ("", method)


def parse_lose(values: object, *, messages: bool) -> tuple[Some, ...]:
    """Read the plan's list. Raises UsageError with what was wanted and what came."""
    wanted = WANTED_MESSAGES if messages else WANTED_NUMBERS
    if not isinstance(values, list):
        raise UsageError(f"wanted a list of {wanted}, came {describe(values)}")
    return tuple(_some(value, messages, wanted) for value in values)


def _some(value: object, messages: bool, wanted: str) -> Some:
    text = str(value) if type(value) in (int, str) else ""
    numbers = _numbers(text)
    if numbers and (isinstance(value, int) or "-" in text or not messages):
        return Some(*numbers)
    if messages and (found := MESSAGE.fullmatch(text)) and (numbers := _numbers(found["numbers"] or "1")):
        for word in (found["what"], found["method"] or ""):
            if word.isalpha():
                _check_method(word)
        if not (found["method"] and found["what"].isalpha()):
            return Some(*numbers, found["what"], found["method"] or "")
    raise UsageError(f"wanted {wanted}, came {describe(value)}")


def _check_method(word: str) -> None:
    from harness.wire.sip import METHODS  # here, because a run that loses no messages can do without

    known = METHODS.split("|")
    if word not in known:
        hint = did_you_mean(word, known, otherwise=f"there is {', '.join(known)}")
        raise UsageError(f"wanted a method of SIP, came {word}; {hint}")


def _numbers(text: str) -> tuple[int, int] | None:
    if not (found := NUMBERS.fullmatch(text)):
        return None
    first = int(found["first"])
    last = (int(found["last"]) if found["last"] else ENDLESS) if found["range"] else first
    return (first, last) if first <= last else None


class Asked:
    """Counts the packets of a direction and knows which of them the plan named."""

    def __init__(self, lose: Iterable[Some]) -> None:
        self._by_number = [some for some in lose if not some.what]
        self._by_message = [some for some in lose if some.what]
        self._seen = [0] * len(self._by_message)

    def names(self, number: int, label: str) -> bool:
        """Whether the next packet, which has that number and in SIP that label, is named."""
        named = any(some.first <= number <= some.last for some in self._by_number)
        for at, some in enumerate(self._by_message):
            if some.matches(label):
                self._seen[at] += 1
                named = named or some.first <= self._seen[at] <= some.last
        return named
