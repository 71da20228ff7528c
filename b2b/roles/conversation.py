"""The part of a role in which a call is up: its media flow, its counters are said, and it is hung up in order."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator, Mapping

from b2b import clock, host
from b2b.addresses import Target, parse_target
from b2b.audio.pcm import SAMPLE_BYTES, Meter
from b2b.audio.wav import WavWriter
from b2b.baresip.agent import CallState, UserAgent
from b2b.baresip.config import Account
from b2b.errors import B2bError, SipError
from b2b.roles.desk import Desk, Failed
from b2b.roles.line import Line
from b2b.roles.metrics import Metrics

RETRY_S = 0.1
STUCK_S = 0.3
LEAST_S = 3.0  # of the machine


def dial(desk: Desk, agent: UserAgent, account: Account, target: Target, timeout_ms: int) -> None:
    """Call the target, as soon as somebody listens there, and return when it has answered.

    Raises SipError where nobody does within the timeout, or the call is refused.
    """
    desk.log.info(f"dialing target={target}", event="dialing", target=str(target))
    deadline = answer_by(timeout_ms / 1000)
    first = target if account.outbound is None else parse_target(account.outbound)
    while why := host.why_unreachable(first, from_ip=agent.address, over_tcp=account.transport == "tcp"):
        if deadline.passed:
            raise SipError(f"no call to {target} within {timeout_ms} ms: {why}")
        desk.wait_until(lambda: False, by=clock.Deadline.after(min(RETRY_S, deadline.left)))
    agent.dial(account, target.dialled())
    if not desk.wait_until(lambda: settled(agent, account, CallState.RINGING), by=deadline):
        raise SipError(f"no answer from {target} within {timeout_ms} ms")
    if agent.state(account) is CallState.CLOSED:
        raise SipError(f"the call to {target} failed: {agent.why_closed(account)}")


def answer_by(timeout_s: float) -> clock.Deadline:
    """Return until when a call is to be answered; by whatever speed, baresip needs its moment to start one."""
    deadlines = clock.Deadline.after(timeout_s), clock.Deadline.patience(min(timeout_s, LEAST_S))
    return max(deadlines, key=lambda deadline: deadline.at)


def settled(agent: UserAgent, account: Account, state: CallState) -> bool:
    """Whether a leg is no longer in a state before its call.

    An answer that only sends, or only receives, has baresip stop one of its audio threads before it tells of the
    answer, and those end only while sound flows: so some does, where nothing is told after the other side's SDP.
    """
    call = agent.calls[account.user]
    if call.state is state and call.described_at and not call.early and clock.now() > call.described_at + STUCK_S:
        account.card.send(bytes(account.card.samples * SAMPLE_BYTES))
        account.card.hear(0)
    return agent.state(account) is not state


@contextlib.contextmanager
def in_call(
    desk: Desk,
    agent: UserAgent,
    *,
    hears: Account,
    speaks: Account,
    tick: Callable[[], None],
    lead_ms: float,
    meters: Mapping[str, Meter],
    extra: Callable[[], Mapping[str, int]],
    on_tick: Callable[[], None] = lambda: None,
) -> Iterator[Metrics]:
    """Let the media flow inside the block; on the way out hang up, while they still do, and say the last metrics.

    `tick` is called once a frame by the media thread, `on_tick` now and then by the desk.
    """
    line = Line(
        tick,
        frame_s=speaks.card.seconds,
        lead_s=lead_ms / 1000,
        on_error=lambda error: desk.post(Failed(error)),
    )
    metrics = Metrics(
        desk.log,
        agent,
        hears=hears,
        speaks=speaks,
        meters=meters,
        extra=lambda: {"stalls": line.stalls, **extra()},
    )

    def at_the_desk() -> None:
        metrics.tick()
        on_tick()

    desk.on_tick, desk.on_rtcp = at_the_desk, metrics.rtcp_jitter
    try:
        line.start()
        yield metrics
    except B2bError as error:
        desk.report(error)
        raise
    finally:
        desk.on_tick = lambda: None
        lasted = agent.call_s(hears)
        with contextlib.suppress(SipError):
            metrics.look()
            agent.hang_up()  # baresip's audio threads end only while sound flows
        line.stop()
        desk.tell_the_rest()
        metrics.finish(lasted)


def tell_recording(desk: Desk, recording: WavWriter) -> None:
    """Log what was recorded."""
    desk.log.info(
        f"recorded file={recording.path.name} seconds={recording.seconds:.2f}",
        event="recorded", file=str(recording.path), seconds=recording.seconds,
    )  # fmt: skip
