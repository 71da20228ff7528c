"""The sides that each role has in a call: one for a source or a sink, two for a mixer."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from b2b.addresses import Target, parse_target
from b2b.baresip.config import Account, Credentials
from b2b.baresip.soundcard import Card
from b2b.flags import MIXER, SINK, SOURCE

PTIME_MS = 20  # of the roles that follow their caller


def source_leg(codec: str, user: str | None, ptime_ms: int) -> Account:
    """Return the side that calls."""
    card = Card("source", ptime_ms=ptime_ms)
    return Account(user=user or SOURCE, card=card, answers=False, codec=codec, ptime_ms=ptime_ms)


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


def reached(
    legs: tuple[Account, ...],
    *,
    register: Target | None,
    outbound: Target | None,
    transport: str,
    credentials: Credentials | None = None,
    dtmf_mode: str = "inband",
) -> tuple[Account, ...]:
    """Return the sides with how they reach others: only the first registers, but all call by the same ways."""
    ways: dict[str, Any] = {
        "domain": register.place if register else None,
        "outbound": str(outbound) if outbound else None,
        "transport": transport,
        "credentials": credentials,
        "dtmf_mode": "info" if dtmf_mode == "info" else None,
    }
    return tuple(replace(leg, registers=bool(register) and leg is legs[0], **ways) for leg in legs)


def legs_of(role: str, settings: Mapping[str, Any]) -> tuple[Account, ...]:
    """Return a role's sides out of the settings that a plan has for it, without its password."""
    register, outbound = (
        parse_target(settings[key]) if key in settings else None for key in ("register", "outbound")
    )
    return reached(
        _legs_of(role, settings),
        register=register,
        outbound=outbound,
        transport=settings["transport"],
        dtmf_mode=settings.get("dtmf_mode", "inband"),
    )


def _legs_of(role: str, settings: Mapping[str, Any]) -> tuple[Account, ...]:
    codec, user = settings["codec"], settings.get("user")
    if role == SOURCE:
        return (source_leg(codec, user, settings["ptime_ms"]),)
    if role == SINK:
        return (sink_leg(codec, user or settings["sip_user"]),)
    assert role == MIXER
    return mixer_legs(codec, user or settings["sip_user"])
