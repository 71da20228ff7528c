"""The flags of each role, read and checked."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from b2b.addresses import Bind, Target
from b2b.hold import Hold


@dataclass(frozen=True, slots=True, kw_only=True)
class Common:
    """What every role is told."""

    sip_bind: Bind
    log_format: str
    supervised: bool
    work_dir: Path | None
    kill_after_s: float
    codec: str = "pcmu"
    transport: str = "udp"
    register: Target | None = None
    user: str | None = None
    password_file: Path | None = None
    password_env: str = "B2B_PASSWORD"
    outbound: Target | None = None
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class SourceSettings(Common):
    """See `b2b --role source --help`."""

    target: Target
    audio_file: Path
    prebuffer_ms: int
    ptime_ms: int
    loop: bool
    duration_s: float | None
    dial_timeout_ms: int
    capture: Path | None = None
    dtmf: str = ""
    dtmf_after_ms: int = 1000
    dtmf_mode: str = "inband"
    dtmf_tone_ms: int = 80
    dtmf_pause_ms: int = 80
    hold: Hold | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class MixerSettings(Common):
    """See `b2b --role mixer --help`."""

    target: Target
    dtmf_seq: str
    dtmf_period_ms: int
    dtmf_tone_ms: int
    dtmf_pause_ms: int
    dtmf_mode: str = "inband"
    mix_gain_in: float
    mix_gain_dtmf: float
    dial_timeout_ms: int
    sip_user: str


@dataclass(frozen=True, slots=True, kw_only=True)
class SinkSettings(Common):
    """See `b2b --role sink --help`; `aplay_cmd` is empty where nothing is to be played."""

    capture: Path | None
    aplay_cmd: str
    sip_user: str
