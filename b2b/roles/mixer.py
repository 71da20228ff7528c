"""The mixer: answers the source, adds digits to what it hears, and passes the mix on to its target."""

from __future__ import annotations

from contextlib import ExitStack

from b2b.audio import pcm
from b2b.audio.digits import check_fits, parse_sequence
from b2b.audio.tones import Sequence
from b2b.baresip.agent import CallState
from b2b.roles.conversation import dial, in_call
from b2b.roles.desk import Desk
from b2b.roles.ear import Ear
from b2b.roles.keypad import INBAND, Keypad
from b2b.roles.legs import mixer_legs
from b2b.roles.line import lead_in
from b2b.roles.settings import MixerSettings

LEAD_MS = 200


def sequence_of(desk: Desk, settings: MixerSettings) -> Sequence:
    """Return the digits to add, with one warning for what is skipped. Raises UsageError for what cannot be sent."""
    written = parse_sequence(settings.dtmf_seq)
    check_fits(written.digits, settings.dtmf_tone_ms, settings.dtmf_pause_ms, settings.dtmf_period_ms)
    if written.skipped:
        desk.log.warning(f"skipped {written.skipped!r} in --dtmf-seq {settings.dtmf_seq!r}: no DTMF digit")
    return Sequence(
        written.digits if settings.dtmf_mode == INBAND else "",
        tone_ms=settings.dtmf_tone_ms,
        pause_ms=settings.dtmf_pause_ms,
        period_ms=settings.dtmf_period_ms,
    )


def run(desk: Desk, settings: MixerSettings) -> None:
    """Call the target, answer the source once the target has answered, mix until either hangs up."""
    sequence = sequence_of(desk, settings)
    with ExitStack() as stack:
        legs = mixer_legs(settings.codec, settings.user or settings.sip_user)
        inner, outer = desk.reached(*legs, dtmf_mode=settings.dtmf_mode)
        near, far = stack.enter_context(inner.card), stack.enter_context(outer.card)
        agent = stack.enter_context(desk.agent(inner, outer))
        ear = Ear(near)
        level_in, level_out = pcm.Meter(), pcm.Meter()
        position = 0

        def tick() -> None:
            nonlocal position
            near.send(pcm.silence(near.samples))
            far.hear(0)
            source_is_up = agent.state(inner) is CallState.ESTABLISHED
            heard = ear.hear() if source_is_up else near.hear(0)
            if agent.state(inner) is CallState.CLOSED:  # baresip hangs up only while sound flows
                far.send(pcm.silence(far.samples))
                return
            heard = heard or pcm.silence(near.samples)
            digits = sequence.frame(position, near.samples)
            mixed = pcm.mix(heard, settings.mix_gain_in, digits, settings.mix_gain_dtmf)
            position += near.samples if source_is_up else 0
            far.send(mixed)
            level_in.add(heard)
            level_out.add(mixed)

        def extra() -> dict[str, int]:
            return {"send_drops": far.overruns}

        period_s = settings.dtmf_period_ms / 1000
        keypad = Keypad(
            desk, agent, outer, parse_sequence(settings.dtmf_seq).digits, mode=settings.dtmf_mode, first_s=period_s,
            period_s=period_s,
        )  # fmt: skip

        desk.ready(agent)
        dial(desk, agent, outer, settings.target, settings.dial_timeout_ms)
        lead_in(far, LEAD_MS)
        lead_in(near, LEAD_MS)
        with in_call(
            desk,
            agent,
            hears=inner,
            speaks=outer,
            tick=tick,
            lead_ms=LEAD_MS,
            meters={"rms_in_dbov": level_in, "rms_out_dbov": level_out},
            extra=extra,
            on_tick=lambda: keypad.tick(agent.calls[inner.user].answered_at),
        ):
            desk.wait_until(lambda: agent.state(inner) is not CallState.NONE or agent.state(outer) is CallState.CLOSED)
            if agent.state(inner) is CallState.RINGING:
                agent.answer(inner)
            desk.wait_until(lambda: CallState.CLOSED in (agent.state(inner), agent.state(outer)))
