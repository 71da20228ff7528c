"""The sides that each role has in a call: one for a source or a sink, two for a mixer."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from b2b.baresip.config import Account
from b2b.baresip.soundcard import Card
from b2b.flags import MIXER, SINK, SOURCE

PTIME_MS = 20  # of the roles that follow their caller


def source_leg(codec: str, ptime_ms: int) -> Account:
    """Return the side that calls."""
    return Account(
        user=SOURCE, card=Card("source", ptime_ms=ptime_ms), answers=False, codec=codec, ptime_ms=ptime_ms
    )  # fmt: skip


def sink_leg(codec: str, user: str) -> Account:
    """Return the side that answers whoever calls."""
    return Account(user=user, card=Card("sink", ptime_ms=PTIME_MS), answers=True, codec=codec, ptime_ms=PTIME_MS)


def mixer_legs(codec: str, user: str) -> tuple[Account, Account]:
    """Return the near side, which the role answers when the far side is up, and the far side."""
    near = Account(user=user, card=Card("near", ptime_ms=PTIME_MS), answers=False, codec=codec, ptime_ms=PTIME_MS)
    far = Account(
        user=f"{user}-out", card=Card("far", ptime_ms=PTIME_MS), answers=False, codec=codec, ptime_ms=PTIME_MS
    )  # fmt: skip
    return near, far


def legs_of(role: str, settings: Mapping[str, Any]) -> tuple[Account, ...]:
    """Return a role's sides out of the settings that a plan has for it."""
    if role == SOURCE:
        return (source_leg(settings["codec"], settings["ptime_ms"]),)
    if role == SINK:
        return (sink_leg(settings["codec"], settings["sip_user"]),)
    assert role == MIXER
    return mixer_legs(settings["codec"], settings["sip_user"])
