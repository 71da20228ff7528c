"""The SIP ladder: who sent which message to whom, and when."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from harness.report.page.view import Chain, Ladder, Message
from harness.wire.sip import Sighting, SipMessage

MOST = 400


def ladder(
    sightings: Sequence[Sighting], nodes: Mapping[str, str], origin_s: float, chains: Sequence[Chain] = ()
) -> Ladder:
    """Return the ladder; `nodes` says on which "ip:port" each node listens, and others go by their addresses.

    Columns are in the order of the boxes in `chains`, so that a call goes from left to right; others follow.
    """
    names = {address: name for name, address in nodes.items()}
    shown = sightings[:MOST]
    participants: list[str] = []
    for sighting in shown:
        for address in (sighting.src, sighting.dst):
            if (who := names.get(str(address), str(address))) not in participants:
                participants.append(who)
    order = [box.name for chain in chains for box in chain.boxes]
    participants.sort(key=lambda who: order.index(who) if who in order else len(order))
    seen: set[tuple[str, str]] = set()
    messages = []
    for time_s, src, dst, message in shown:
        key = (f"{src} {dst}", message.text)
        messages.append(
            Message(
                at_s=time_s - origin_s,
                src=participants.index(names.get(str(src), str(src))),
                dst=participants.index(names.get(str(dst), str(dst))),
                title=_title(message),
                about=_about(message),
                text=message.text,
                again=key in seen,
            )
        )
        seen.add(key)
    return Ladder(participants, messages, len(sightings) - len(shown))


def _title(message: SipMessage) -> str:
    if message.status is None:
        return message.method
    return f"{message.status} {message.reason} ({message.method})".replace("  ", " ")


def _about(message: SipMessage) -> str:
    """Return in a few words what its session description says."""
    if (media := message.media) is None:
        return ""
    codecs = ", ".join(media.codecs[kind].name if kind in media.codecs else str(kind) for kind in media.payload_types)
    ptime = f", {media.ptime_ms:g} ms" if media.ptime_ms else ""
    return f"{media.address} {codecs}{ptime}{'' if media.direction == 'sendrecv' else f', {media.direction}'}"
