"""Digits that reached a node otherwise than as tones: as telephone-events (RFC 4733), or by SIP INFO."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from harness.call import Call

RELAY = re.compile(r"Signal\s*=\s*([0-9*#A-Da-d])", re.IGNORECASE)  # application/dtmf-relay
PLAIN = re.compile(r"\s*([0-9*#A-Da-d])\s*")  # application/dtmf
INBAND, RFC4733, INFO = "inband", "rfc4733", "info"


@dataclass(frozen=True, slots=True, kw_only=True)
class Heard:
    """A digit, when it came in seconds from the call's answer, and how."""

    digit: str
    start_s: float
    by: str
    length_s: float = 0.0

    @property
    def end_s(self) -> float:
        """When it ended."""
        return self.start_s + self.length_s


def signalled(call: Call, node: str) -> list[Heard]:
    """Return the digits that were signalled to a node, in the order in which they came."""
    return sorted([*_events(call, node), *_infos(call, node)], key=lambda heard: heard.start_s)


def _events(call: Call, node: str) -> Iterator[Heard]:
    from harness.wire.summary import keys

    for leg in call.legs:
        if leg.dst == node:
            for stream in leg.streams:
                for key in keys(stream):
                    start_s = key.at_s - (leg.answered_at_s or leg.invited_at_s)
                    yield Heard(digit=key.key, start_s=start_s, by=RFC4733, length_s=key.length_s)


def _infos(call: Call, node: str) -> Iterator[Heard]:
    seen: set[tuple[str, int]] = set()
    answered = {leg.call_id: leg.answered_at_s or leg.invited_at_s for leg in call.legs}
    for sighting in call.wire.sip:
        message = sighting.message
        if message.method != "INFO" or message.status is not None or str(sighting.dst) != call.addresses.get(node):
            continue
        kind = message.headers.get("content-type", "").partition(";")[0].strip().lower()
        found = {"application/dtmf-relay": RELAY.search, "application/dtmf": PLAIN.fullmatch}.get(kind, RELAY.search)(
            message.body
        )
        if found and (message.call_id, message.cseq) not in seen:  # else it was sent again
            seen.add((message.call_id, message.cseq))
            start_s = sighting.time_s - answered.get(message.call_id, sighting.time_s)
            yield Heard(digit=found[1].upper(), start_s=start_s, by=INFO)
