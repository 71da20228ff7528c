"""The sink: answers the first call and plays or records what it hears."""

from __future__ import annotations

from contextlib import ExitStack

from b2b.audio import pcm
from b2b.audio.player import Player
from b2b.audio.wav import WavWriter
from b2b.baresip.agent import CallState
from b2b.roles.conversation import in_call, settled, tell_recording
from b2b.roles.desk import Desk, Failed
from b2b.roles.ear import Ear
from b2b.roles.legs import PTIME_MS, sink_leg
from b2b.roles.line import lead_in
from b2b.roles.settings import SinkSettings

LEAD_MS = 200


def run(desk: Desk, settings: SinkSettings) -> None:
    """Listen, answer, hear until the caller hangs up."""
    with ExitStack() as stack:
        recording = player = None
        if settings.capture:
            recording = WavWriter(settings.capture)
            stack.callback(recording.close)
        (account,) = desk.reached(sink_leg(settings.codec, settings.user or settings.sip_user))
        card = stack.enter_context(account.card)
        agent = stack.enter_context(desk.agent(account))
        if settings.aplay_cmd:
            player = stack.enter_context(
                Player(
                    settings.aplay_cmd,
                    own_group=not settings.supervised,
                    on_death=lambda error: desk.post(Failed(error)),
                )
            )
        level = pcm.Meter()
        takers = [level.add, *([recording.write] if recording else []), *([player.play] if player else [])]
        ear = Ear(card, *takers)

        def tick() -> None:
            card.send(pcm.silence(card.samples))
            ear.hear()

        def extra() -> dict[str, int]:
            return {"player_drops": player.drops if player else 0}

        desk.ready(agent)
        desk.wait_until(lambda: agent.state(account) is not CallState.NONE)
        desk.wait_until(lambda: settled(agent, account, CallState.RINGING))
        lead_in(card, LEAD_MS)
        with in_call(
            desk,
            agent,
            hears=account,
            speaks=account,
            tick=tick,
            lead_ms=LEAD_MS,
            meters={"rms_in_dbov": level},
            extra=extra,
        ):
            desk.wait_until(lambda: agent.state(account) is CallState.CLOSED)
        if recording:
            tell_recording(desk, recording)
        if player and player.drops:
            desk.log.warning(f"the player was too slow: {player.drops} frames of {PTIME_MS} ms were dropped")
