"""Checks of one party of a bridge or conference: it hears those that it should, at their level, and nobody else."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from harness.call import Call
from harness.expect import SinkExpectation
from harness.heard_by import named
from harness.judging.outcome import outcome_of
from harness.listener import Listener
from harness.verdict import Check

UNHEARD_DB = -20.0  # chance alone gives less to who is not there
REST_DB = -12.0  # two G.711 legs, a slip of a jitter buffer and comfort noise leave less


def is_conference(call: Call, listener: Listener) -> bool:
    """Whether several are to be heard at a node, or nobody at all."""
    hears = named(listener.node, call.plan)
    return hears is not None and len(hears) != 1


def check_conference(call: Call, listener: Listener, wanted: SinkExpectation) -> Iterator[Check]:
    """Yield a check for each party of the plan that speaks, and one for what is nobody's."""
    from harness.sound import decode
    from harness.sound.parties import take_apart

    name, file = listener.node.name, listener.wav.name
    hears = frozenset(named(listener.node, call.plan) or ())
    speakers = [node for node in call.plan.nodes if "audio_file" in node.settings]
    said = {node.name: decode(Path(node.settings["audio_file"])) for node in speakers}
    mix = take_apart(listener.samples, said, present=hears)
    for party in mix.parties:
        got = f"{party.level_db:+.1f} dB"
        if party.name in hears:
            good = abs(party.level_db - wanted.level_db) <= wanted.max_level_error_db
            limit = f"{wanted.level_db:+g} dB within {wanted.max_level_error_db:g}"
            yield Check(
                name=f"hears {party.name}", where=name, outcome=outcome_of(good), wanted=limit, got=got, file=file
            )
        else:
            who = "itself" if party.name == name else party.name
            good = party.level_db <= UNHEARD_DB
            yield Check(
                name=f"does not hear {who}", where=name, outcome=outcome_of(good), wanted=f"at most {UNHEARD_DB:g} dB",
                got=got, file=file,
            )  # fmt: skip
    if hears:
        yield Check(
            name="hears nothing else", where=name, outcome=outcome_of(mix.rest_db <= REST_DB),
            wanted=f"at most {REST_DB:g} dB of what it hears", got=f"{mix.rest_db:.1f} dB", file=file,
        )  # fmt: skip
