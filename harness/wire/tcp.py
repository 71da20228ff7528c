"""Puts the segments of TCP into order: a capture has them lost, twice and overtaken, as the wire and its taps have."""

from __future__ import annotations

from dataclasses import dataclass, field

FAR = 1 << 20  # octets from where we are: another connection between the same ports
MOST_AHEAD = 32  # segments that are kept while one before them is missing; then the capture has lost that one


@dataclass(slots=True)
class Flow:
    """One direction of a connection, from the first octets that were seen of it."""

    _due: int | None = None  # the number of the octet that comes next
    _ahead: dict[int, bytes] = field(default_factory=dict)

    def take(self, number: int, octets: bytes) -> tuple[bytes, bool]:
        """Take a segment by its first octet's number; return what can be read now, and whether some before is lost."""
        if not octets:
            return b"", False
        lost = self._due is not None and abs(_signed(number - self._due)) > FAR
        if self._due is None or lost:
            self._due, self._ahead = number, {}
        self._ahead[number] = max(self._ahead.get(number, b""), octets, key=len)
        if len(self._ahead) > MOST_AHEAD:
            due, lost = self._due, True
            self._due = min(self._ahead, key=lambda one: _signed(one - due))
        return self._read(), lost

    def _read(self) -> bytes:
        data, due = b"", self._due or 0
        while ready := [number for number in self._ahead if _signed(number - due) <= 0]:
            number = min(ready, key=lambda one: _signed(one - due))
            new = self._ahead.pop(number)[-_signed(number - due) :]
            data, due = data + new, (due + len(new)) & 0xFFFFFFFF
        self._due = due
        return data


def _signed(difference: int) -> int:
    """Return a difference of 32-bit numbers as the shorter way round."""
    return ((difference + (1 << 31)) & 0xFFFFFFFF) - (1 << 31)
