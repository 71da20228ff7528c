"""The source: calls the target, plays a file to it, and may record what it hears."""

from __future__ import annotations

import math
from contextlib import ExitStack

from b2b import clock
from b2b.audio import pcm
from b2b.audio.decoder import Decoder
from b2b.audio.digits import parse_sequence
from b2b.audio.tones import Sequence
from b2b.audio.wav import WavWriter
from b2b.baresip.agent import CallState, UserAgent
from b2b.baresip.config import Account
from b2b.errors import SipError
from b2b.roles.conversation import dial, in_call, tell_recording
from b2b.roles.desk import Desk
from b2b.roles.ear import Ear
from b2b.roles.holding import Holding
from b2b.roles.keypad import INBAND, Keypad
from b2b.roles.legs import source_leg
from b2b.roles.line import lead_in
from b2b.roles.metrics import Metrics
from b2b.roles.settings import SourceSettings

LEAD_MS = 300  # sound that lies in baresip, ready to be sent
FILL_S = 10.0
RECOMMENDED_PREBUFFER_MS = 1000
UNSENT_S = 2.0  # for what baresip has ahead at the end of the file; what it was to send on hold it never sends
TAIL_S = 1.5  # silence after the file, in which the jitter buffers along the way play its end


def run(desk: Desk, settings: SourceSettings) -> None:
    """Decode ahead, call, play until the end of the file or of the call's duration, hang up."""
    with ExitStack() as stack:
        recording = WavWriter(settings.capture) if settings.capture else None
        if recording:
            stack.callback(recording.close)
        leg = source_leg(settings.codec, settings.user, settings.ptime_ms)
        (account,) = desk.reached(leg, dtmf_mode=settings.dtmf_mode)
        card = stack.enter_context(account.card)
        sound = stack.enter_context(Decoder(settings.audio_file, ahead_ms=settings.prebuffer_ms, loop=settings.loop))
        agent = stack.enter_context(desk.agent(account))
        sound.wait_filled(clock.Deadline.patience(FILL_S))
        if settings.prebuffer_ms < RECOMMENDED_PREBUFFER_MS:
            desk.log.warning(
                f"--prebuffer-ms is below {RECOMMENDED_PREBUFFER_MS}: a decoder that stalls for longer may be heard"
            )
        desk.ready(agent, ptime_ms=settings.ptime_ms)
        dial(desk, agent, account, settings.target, settings.dial_timeout_ms)
        level, level_in = pcm.Meter(), pcm.Meter()
        ear = Ear(card, level_in.add, recording.write) if recording else None

        digits = parse_sequence(settings.dtmf).digits
        tones = Tones(settings, digits if settings.dtmf_mode == INBAND else "")
        keypad = Keypad(
            desk, agent, account, digits, mode=settings.dtmf_mode, first_s=settings.dtmf_after_ms / 1000
        )

        holding = Holding(desk, agent, account, settings.hold)

        def take(samples: int) -> bytes:
            frame = tones.over(sound.take(samples))
            level.add(frame)
            return frame

        def tick() -> None:
            card.send(take(card.samples))
            if ear:
                ear.hear()
            else:
                card.hear(0)

        def now_and_then() -> None:
            answered_at = agent.calls[account.user].answered_at
            keypad.tick(answered_at)
            holding.tick(answered_at)

        def extra() -> dict[str, int]:
            return {"decoder_underruns": sound.underruns, "send_drops": card.overruns}

        lead_ms = lead_in(card, LEAD_MS, take)
        with in_call(
            desk,
            agent,
            hears=account,
            speaks=account,
            tick=tick,
            lead_ms=lead_ms,
            meters={"rms_out_dbov": level} | ({"rms_in_dbov": level_in} if recording else {}),
            extra=extra,
            on_tick=now_and_then,
        ) as metrics:
            desk.log.info(
                f"streaming file={settings.audio_file.name} ptime={settings.ptime_ms}ms",
                event="streaming", file=str(settings.audio_file), ptime_ms=settings.ptime_ms,
            )  # fmt: skip
            _play(desk, settings, sound, agent, account, metrics)
        if recording:
            tell_recording(desk, recording)


class Tones:
    """The digits that take the place of the sound, as a telephone does it; they count from the first frame."""

    def __init__(self, settings: SourceSettings, digits: str) -> None:
        length_ms = len(digits) * (settings.dtmf_tone_ms + settings.dtmf_pause_ms)
        self._start, self._end = (pcm.samples_in(settings.dtmf_after_ms + ms) for ms in (0, length_ms))
        self._sequence = Sequence(
            digits, tone_ms=settings.dtmf_tone_ms, pause_ms=settings.dtmf_pause_ms, period_ms=max(1, length_ms)
        )
        self._at = 0

    def over(self, frame: bytes) -> bytes:
        """Return the next frame, with digits in it where they are due."""
        at, samples = self._at, len(frame) // pcm.SAMPLE_BYTES
        self._at += samples
        first, after = max(at, self._start), min(at + samples, self._end)
        if first >= after:
            return frame
        period = self._end - self._start  # after which a sequence begins for the first time
        tones = self._sequence.frame(first - self._start + period, after - first)
        start, end = (pcm.SAMPLE_BYTES * (place - at) for place in (first, after))
        return frame[:start] + pcm.mix(frame[start:end], 0.0, tones, 1.0) + frame[end:]


def _play(
    desk: Desk, settings: SourceSettings, sound: Decoder, agent: UserAgent, account: Account, metrics: Metrics
) -> None:
    """Return when the call's duration is over, or its sound, or the call. Raises where that is too early."""

    def hung_up() -> bool:
        return agent.state(account) is CallState.CLOSED

    def sent() -> bool:
        frames = math.ceil(sound.taken_bytes / pcm.SAMPLE_BYTES / account.card.samples)
        return metrics.packets_tx >= frames

    answered_at = agent.calls[account.user].since
    end = clock.Deadline(answered_at + settings.duration_s) if settings.duration_s else None
    if not desk.wait_until(lambda: hung_up() or sound.finished, by=end):
        return
    metrics.look_often()
    unsent = max(clock.Deadline.after(UNSENT_S), clock.Deadline.patience(UNSENT_S), key=lambda by: by.at)
    by = min(end or unsent, unsent, key=lambda by: by.at)
    if not desk.wait_until(lambda: hung_up() or sent(), by=by) and by is end:
        return
    sound.check()
    if not hung_up():
        _tell_end(desk, settings, sound)
        desk.wait_until(hung_up, by=clock.Deadline.after(TAIL_S))
    elif end or not settings.loop:
        lasted_s = clock.now() - answered_at
        raise SipError(f"the other side hung up after {lasted_s:.1f} s, before the end of the sound")


def _tell_end(desk: Desk, settings: SourceSettings, sound: Decoder) -> None:
    """Log that the file has ended, and what was odd about that."""
    seconds = sound.taken_bytes / (pcm.RATE * pcm.SAMPLE_BYTES)
    if settings.duration_s:
        desk.log.warning(
            f"the file ended after {seconds:.1f} s, before the {settings.duration_s:g} s of --duration-s; "
            "--loop would start it again"
        )
    if sound.complaint:
        desk.log.warning(f"{settings.audio_file} may be damaged: ffmpeg said: {sound.complaint}")
    desk.log.info(f"end of file after {seconds:.1f} s", event="end_of_file", seconds=seconds)
