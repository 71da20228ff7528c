"""The configuration that baresip is started with, as text."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from b2b.baresip.soundcard import Card

MODULE_FOLDERS = ("/usr/lib/baresip/modules", "/usr/local/lib/baresip/modules")
MODULES = ("g711.so", "alsa.so")
APPLICATIONS = ("ctrl_tcp.so", "menu.so")

# The requirements ask for 60 ms, and the shortest packets are 10 ms.
JITTER_BUFFER_FRAMES = (6, 20)
JITTER_BUFFER_MS = (60, 200)  # as 4.1 and later count it
OLDEST = (1, 0, 0)
# Milliseconds of sound between the network and the player: what it starts with, and what it may grow to. A machine
# that stalls for longer than the first has a slip; with baresip's own 20-160 every minute had one, with 60-500 a
# minute on a machine that was busy in bursts. It is paid for in delay, which nobody here minds.
PLAYER_BUFFER_MS = (160, 600)

CONFIG = """\
sip_listen {address}:{port}
net_interface {address}
call_max_calls {max_calls}
call_local_timeout 3600
audio_player alsa,{card}_out
audio_source alsa,{card}_in
audio_alert alsa,{card}_out
audio_path /nonexistent
ringback_disabled yes
statmode_default off
ausrc_srate 8000
auplay_srate 8000
ausrc_channels 1
auplay_channels 1
audio_buffer {buffer_min}-{buffer_max}
rtp_stats yes
ctrl_tcp_listen 127.0.0.1:{control_port}
module_path {modules_in}
{by_version}
{modules}
"""


REGISTER_EVERY_S = 300
HIDDEN = "***"


@dataclass(frozen=True, slots=True, kw_only=True)
class Credentials:
    """What answers a challenge. The password is in no text but the one that baresip reads."""

    user: str
    password: str = field(repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Account:
    """One side of baresip: the user it is called by, and the sound card that it speaks and hears through.

    `domain` is where the user belongs to, as host[:port]: a registrar with `registers`; by default our own address.
    """

    user: str
    card: Card
    answers: bool
    codec: str
    ptime_ms: int
    domain: str | None = None
    registers: bool = False
    outbound: str | None = None
    transport: str = "udp"
    credentials: Credentials | None = None
    dtmf_mode: str | None = None

    def line(self, address: str, *, secret: bool = False) -> str:
        """Return the account as baresip's `accounts` file has it, with the password only if it is to be `secret`."""
        mode = "auto" if self.answers else "manual"
        over = ";transport=tcp" if self.transport == "tcp" else ""
        line = (
            f"<{self.uri(address)}{over}>;regint={REGISTER_EVERY_S if self.registers else 0};answermode={mode}"
            f";audio_codecs={self.codec};ptime={self.ptime_ms}"
            f";audio_source=alsa,{self.card.name}_in;audio_player=alsa,{self.card.name}_out"
        )
        if self.outbound:
            line += f';outbound="{self.outbound}{over};lr"'
        if self.dtmf_mode:
            line += f";dtmfmode={self.dtmf_mode}"
        if self.credentials:
            password = self.credentials.password if secret else HIDDEN
            line += f";auth_user={self.credentials.user};auth_pass={password}"
        return line

    def uri(self, address: str) -> str:
        """Return the account's address of record, by which `uafind` finds it."""
        return f"sip:{self.user}@{self.domain or address}"


def modules_folder() -> str:
    """Return where this machine's baresip has its modules; the usual place if there is none."""
    return next((folder for folder in MODULE_FOLDERS if Path(folder).is_dir()), MODULE_FOLDERS[0])


def by_version(version: tuple[int, ...]) -> list[str]:
    """Return the settings that have come, gone, or changed their names between 1.0 and 4.9."""
    lines = []
    frames, milliseconds = ("{}-{}".format(*span) for span in (JITTER_BUFFER_FRAMES, JITTER_BUFFER_MS))
    if version < (3, 3, 0):
        lines.append("poll_method epoll")
    if version < (1, 1, 0):
        lines.append("menu_bell no")
    if version >= (1, 1, 0):
        lines.append("call_hold_other_calls no")
    if version < (4, 6, 0):
        lines.append("audio_txmode thread")  # later there is no other way
    if version < (3, 2, 0):
        lines.append(f"jitter_buffer_delay {frames}")
    elif version < (4, 1, 0):
        lines += ["audio_jitter_buffer_type fixed", f"audio_jitter_buffer_delay {frames}"]
    else:
        lines += ["audio_jitter_buffer_type fixed", f"audio_jitter_buffer_ms {milliseconds}"]
    return lines


def config(
    *,
    address: str,
    port: int,
    control_port: int,
    card: str,
    max_calls: int,
    modules_in: str,
    version: tuple[int, ...] = OLDEST,
) -> str:
    """Return the `config` file of that version of baresip."""
    modules = [f"module {name}" for name in MODULES]
    modules += [f"{'module_tmp' if version < (2, 11, 0) else 'module_app'} account.so"]
    modules += [f"module_app {name}" for name in APPLICATIONS]
    return CONFIG.format(
        address=address,
        port=port,
        card=card,
        control_port=control_port,
        max_calls=max_calls,
        buffer_min=PLAYER_BUFFER_MS[0],
        buffer_max=PLAYER_BUFFER_MS[1],
        by_version="\n".join(by_version(version)),
        modules_in=modules_in,
        modules="\n".join(modules),
    )


def accounts(legs: Sequence[Account], address: str, *, secret: bool = False) -> str:
    """Return the `accounts` file; with passwords only where it is to be `secret`."""
    return "".join(leg.line(address, secret=secret) + "\n" for leg in legs)


def asound(cards: Sequence[Card]) -> str:
    """Return ALSA's configuration with every sound card in it."""
    return "".join(card.asound() for card in cards)
