"""When a call was on hold (RFC 3264 section 8.4), by the session descriptions that its two sides exchanged."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace

from harness.wire.sip import Media, Sighting

NOWHERE = ("0.0.0.0", "::")  # how a call was held before there were directions, RFC 2543
BOTH = (True, True)
NEVER = float("inf")
SETTLES_S = 0.2  # around a hold: baresip starts and stops a call's threads one by one


@dataclass(frozen=True, slots=True, kw_only=True)
class Hold:
    """A stretch of a call in which sound is not to go both ways, as it is for one direction; seconds since the epoch.

    Where a direction is not to be `silent`, whoever holds may send music, or nothing.
    """

    start_s: float  # when it was asked for
    by_sender: bool  # whether whoever sends in this direction asked for it
    silent: bool
    agreed_s: float | None = None  # when the other side took it; None where it did not
    refusal: str = ""  # what it said instead, "" for nothing at all
    resumed_s: float = NEVER  # when the end of it was asked for
    end_s: float = NEVER  # and when that was answered
    resume_refusal: str | None = None

    def overlap_s(self, start_s: float, end_s: float) -> float:
        """Return how much of a stretch the call was on hold."""
        return max(0.0, min(end_s, self.end_s) - max(start_s, self.start_s))


def held_s(holds: Sequence[Hold], start_s: float, end_s: float) -> float:
    """Return for how much of a stretch a call was on hold; holds do not overlap."""
    return sum(hold.overlap_s(start_s, end_s) for hold in holds)


def off_hold_s(holds: Sequence[Hold], start_s: float, length_s: float) -> float:
    """Return how much of a silence no hold accounts for."""
    on_hold_s = held_s(holds, start_s, start_s + length_s)
    return max(0.0, length_s - on_hold_s - SETTLES_S) if on_hold_s else length_s


def holds_of(sightings: Sequence[Sighting], caller_tag: str) -> tuple[list[Hold], list[Hold]]:
    """Return the holds of one call's messages, as they are for the way from the caller on and for the way back."""
    there, back, agreed = list[Hold](), list[Hold](), dict[bool, str]()
    for one in _exchanges(sightings, caller_tag):
        if not agreed:
            agreed = dict(one.said) if one.accepted else {}
            continue
        # Where it was not agreed to, what counts is what was asked for.
        before, after = _flows(agreed), _flows({**(agreed if one.accepted else {}), **one.said})
        if there and there[-1].resumed_s == NEVER and after == BOTH:
            there[-1], back[-1] = (_resumed(hold, one) for hold in (there[-1], back[-1]))
        elif after not in (before, BOTH) and not (there and there[-1].resumed_s == NEVER):
            there.append(_hold(one, by_sender=one.by_caller, silent=not after[0]))
            back.append(_hold(one, by_sender=not one.by_caller, silent=not after[1]))
        if one.accepted:
            agreed |= one.said
    return there, back


@dataclass(slots=True)
class _Exchange:
    """An offer and what came of it; `said` are the directions, of the caller under True."""

    at_s: float
    by_caller: bool
    said: dict[bool, str] = field(default_factory=dict)
    status: int | None = None
    reason: str = ""
    final_s: float | None = None

    @property
    def accepted(self) -> bool:
        return self.status is not None and self.status < 300


def _exchanges(sightings: Sequence[Sighting], caller_tag: str) -> Iterator[_Exchange]:
    """Yield what came of each INVITE and UPDATE, in the order in which they were sent first."""
    found: dict[tuple[bool, int], _Exchange] = {}
    for time_s, _src, _dst, message in sightings:
        if message.method not in ("INVITE", "ACK", "UPDATE"):
            continue
        asked_by_caller = tag(message.sender) == caller_tag
        one = found.setdefault((asked_by_caller, message.cseq), _Exchange(time_s, asked_by_caller))
        if media := message.media:
            one.said[asked_by_caller == (message.status is None)] = _direction(media)
        if message.status is not None and message.status >= 200 and one.status is None:
            one.status, one.reason, one.final_s = message.status, message.reason, time_s
    return iter(found.values())


def tag(header: str) -> str:
    """Return the tag of a From or To header: who in a call is meant."""
    return header.partition(";tag=")[2].partition(";")[0]


def _direction(media: Media) -> str:
    """Return which way sound may go, as seen by who says it."""
    if media.address.ip not in NOWHERE:
        return media.direction
    return {"sendrecv": "sendonly", "recvonly": "inactive"}.get(media.direction, media.direction)


def _flows(said: Mapping[bool, str]) -> tuple[bool, bool]:
    """Return whether sound may go from the caller on, and back."""
    caller, callee = (said.get(side, "sendrecv") for side in (True, False))
    return _may(caller, callee), _may(callee, caller)


def _may(sender: str, receiver: str) -> bool:
    return sender in ("sendrecv", "sendonly") and receiver in ("sendrecv", "recvonly")


def _hold(one: _Exchange, *, by_sender: bool, silent: bool) -> Hold:
    return Hold(
        start_s=one.at_s,
        by_sender=by_sender,
        silent=silent,
        agreed_s=one.final_s if one.accepted else None,
        refusal="" if one.accepted else _said(one),
    )


def _resumed(hold: Hold, one: _Exchange) -> Hold:
    ended = replace(hold, resumed_s=one.at_s, end_s=one.at_s if one.final_s is None else one.final_s)
    return ended if one.accepted else replace(ended, resume_refusal=_said(one))


def _said(one: _Exchange) -> str:
    return f"{one.status} {one.reason}".rstrip() if one.status is not None else ""
