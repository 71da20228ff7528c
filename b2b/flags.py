"""Every flag of every role, once: the command line, the plan's keys and the orchestrator read this table."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

SOURCE, MIXER, SINK, ORCHESTRATOR = "source", "mixer", "sink", "orchestrator"
EXTERNAL = "external"  # what a plan calls a device that is not b2b; it has no flags
CALLING_ROLES = (SOURCE, MIXER, SINK)
NODE_ROLES = (*CALLING_ROLES, EXTERNAL)
ROLES = (*CALLING_ROLES, ORCHESTRATOR)
ABOUT = {
    SOURCE: "calls a target and plays an audio file to it",
    MIXER: "answers a call, adds DTMF digits to what it hears, and passes the mix on in a call of its own",
    SINK: "answers a call and plays or records what it hears",
    ORCHESTRATOR: "reads a plan, runs the roles in it as processes, and tells how the call went",
}

DEFAULT_APLAY = "aplay -f S16_LE -r 8000 -c 1"


@dataclass(frozen=True, slots=True, kw_only=True)
class Flag:
    """One option: its kind is int, float, str, bool, `path`, or the tuple of its choices."""

    name: str
    roles: tuple[str, ...]
    help: str
    kind: Any = str
    default: Any = None
    metavar: str | None = None
    minimum: float | None = None
    maximum: float | None = None
    above: float | None = None
    hidden: bool = False
    in_plan: bool = True
    common: bool = False
    many: bool = False
    plan_only: bool = False

    @property
    def option(self) -> str:
        """The flag as it is typed."""
        return f"--{self.name}"

    @property
    def key(self) -> str:
        """The flag's key in a plan's node, which is also its parameter name."""
        return "sip_target" if self.name == "target" else self.name.replace("-", "_")

    def refusal(self, number: float) -> str:
        """Return what was wanted where a number is out of bounds (NaN always is); "" where it is fine."""
        kind = "a whole number" if self.kind is int else "a number"
        if self.minimum is not None and not self.minimum <= number < math.inf:
            return f"{kind} of at least {self.minimum:g}"
        if self.maximum is not None and not number <= self.maximum:
            return f"{kind} of at most {self.maximum:g}"
        if self.above is not None and not self.above < number < math.inf:
            return f"{kind} above {self.above:g}"
        return "" if math.isfinite(number) else kind


FLAGS = (
    Flag(name="sip-bind", roles=CALLING_ROLES, default="127.0.0.1:0", metavar="IP:PORT", common=True,
         help="Address to listen on for SIP; RTP uses the same address. Port 0 takes a free one. Whatever is not "
              "127.0.0.1 can be reached by others."),
    Flag(name="target", roles=(SOURCE, MIXER), metavar="SIP-URI", common=True,
         help="Whom to call, as sip:127.0.0.1:5062 or sip:user@host:port."),
    Flag(name="host", roles=CALLING_ROLES, metavar="[USER@]HOST", plan_only=True,
         help="Run the role on that machine, which ssh reaches."),
    Flag(name="transport", roles=CALLING_ROLES, kind=("udp", "tcp"), default="udp",
         help="What SIP goes over; with tcp the role calls over it, and listens on both."),
    Flag(name="register", roles=CALLING_ROLES, metavar="SIP-URI",
         help="Register with this server before READY, as sip:192.0.2.1:5060; calls then reach the role through it."),
    Flag(name="user", roles=CALLING_ROLES, metavar="NAME",
         help="Name to register, call and authenticate with; a mixer or sink is called by it too."),
    Flag(name="password-file", roles=CALLING_ROLES, kind="path", metavar="FILE",
         help="File with the password that answers a challenge (digest, RFC 3261 section 22)."),
    Flag(name="password-env", roles=CALLING_ROLES, default="B2B_PASSWORD", metavar="NAME",
         help="Variable of the environment with the password, where there is no file."),
    Flag(name="outbound", roles=CALLING_ROLES, metavar="SIP-URI",
         help="Send every request to this proxy first."),
    Flag(name="log-format", roles=ROLES, kind=("text", "json"), default="text", in_plan=False, common=True,
         help="Format of the log lines on standard output."),
    Flag(name="color", roles=ROLES, kind=("auto", "always", "never"), default="auto", in_plan=False, common=True,
         help="Colours in the orchestrator's output; a role's own lines never have any."),
    Flag(name="audio-file", roles=(SOURCE,), kind="path", metavar="FILE",
         help="What to play: anything that ffmpeg reads (mp3, wav, ogg, flac, m4a, …)."),
    Flag(name="prebuffer-ms", roles=(SOURCE,), kind=int, default=1000, metavar="MS", minimum=0,
         help="Sound decoded ahead, in milliseconds; a decoder that stalls for less is never heard."),
    Flag(name="ptime-ms", roles=(SOURCE,), kind=(10, 20, 30, 40), default=20,
         help="Sound in each RTP packet, in milliseconds."),
    Flag(name="codec", roles=CALLING_ROLES, kind=("pcmu", "pcma", "pcmu,pcma", "pcma,pcmu"), default="pcmu",
         help="G.711 µ-law, A-law, or both with the preferred one first: what is offered, and what is accepted."),
    Flag(name="loop", roles=(SOURCE,), kind=bool, default=False,
         help="Start the file again at its end, until told to stop."),
    Flag(name="duration-s", roles=(SOURCE,), kind=float, metavar="S", above=0,
         help="Hang up that many seconds after the call was answered; without it the end of the file ends the call."),
    Flag(name="dtmf", roles=(SOURCE,), default="", metavar="DIGITS",
         help="Digits to send once, of 0-9 * # A-D; '+' and blanks are skipped. Tones take the place of the sound."),
    Flag(name="dtmf-after-ms", roles=(SOURCE,), kind=int, default=1000, metavar="MS", minimum=0,
         help="How long after the call was answered the digits are sent, in milliseconds."),
    Flag(name="dtmf-mode", roles=(SOURCE, MIXER), kind=("inband", "rfc4733", "info"), default="inband",
         help="How digits are sent: as tones, as telephone-events, or by SIP INFO (which baresip 1.0 cannot)."),
    Flag(name="hold", roles=(SOURCE,), metavar="FROM-TO",
         help="Put the call on hold and take it up again, from when to when in milliseconds after the answer, as "
              "2000-4000. Nothing is sent meanwhile; the file goes on, unheard."),
    Flag(name="dtmf-seq", roles=(MIXER,), default="123#", metavar="DIGITS",
         help="Digits to add, of 0-9 * # A-D; '+' and blanks are skipped."),
    Flag(name="dtmf-period-ms", roles=(MIXER,), kind=int, default=2000, metavar="MS", above=0,
         help="The sequence starts again that often, in milliseconds; first one period after the call was answered."),
    Flag(name="dtmf-tone-ms", roles=(SOURCE, MIXER), kind=int, default=80, metavar="MS", minimum=40,
         help="Length of each digit's tone in milliseconds (Q.24 asks for at least 40)."),
    Flag(name="dtmf-pause-ms", roles=(SOURCE, MIXER), kind=int, default=80, metavar="MS", minimum=40,
         help="Silence after each digit in milliseconds (Q.24 asks for at least 40)."),
    Flag(name="mix-gain-in", roles=(MIXER,), kind=float, default=0.5, metavar="X", minimum=0,
         help="Factor on the incoming sound."),
    Flag(name="mix-gain-dtmf", roles=(MIXER,), kind=float, default=0.5, metavar="X", minimum=0,
         help="Factor on the digits, which are -9 dBm0 per tone before it."),
    Flag(name="dial-timeout-ms", roles=(SOURCE, MIXER), kind=int, default=10000, metavar="MS", above=0,
         help="Keep trying the target that long, in milliseconds, until it answers."),
    Flag(name="sip-user", roles=(MIXER, SINK), default="b2b", metavar="USER",
         help="User part of the SIP URI that is answered, besides a URI without one."),
    Flag(name="aplay-cmd", roles=(SINK,), default=DEFAULT_APLAY, metavar="COMMAND",
         help="Player: any command that reads S16_LE, 8000 Hz, mono from its standard input."),
    Flag(name="capture", roles=(SOURCE, SINK), kind="path", metavar="FILE.wav", in_plan=False,
         help="Record what is heard (8 kHz mono S16). A sink then plays only with an explicit player command."),
    Flag(name="plan", roles=(ORCHESTRATOR,), kind="path", metavar="FILE", help="The plan, in TOML."),
    Flag(name="set", roles=(ORCHESTRATOR,), metavar="NODE.KEY=VALUE", default=(), many=True,
         help="Change the plan for this run, as mixer.mix_gain_in=0.25 or expect.max_gap_ms=60; may be repeated."),
    Flag(name="grace-ms", roles=(ORCHESTRATOR,), kind=int, default=5000, metavar="MS", minimum=0,
         help="After the first SIGTERM wait that long, in milliseconds, before the second."),
    Flag(name="kill-ms", roles=(ORCHESTRATOR,), kind=int, default=15000, metavar="MS", minimum=0,
         help="SIGKILL whatever is left that long after the first SIGTERM, in milliseconds."),
    Flag(name="ready-ms", roles=(ORCHESTRATOR,), kind=int, default=10000, metavar="MS", above=0,
         help="Give up when a role is not READY after that long, in milliseconds."),
    Flag(name="duration-s", roles=(ORCHESTRATOR,), kind=float, metavar="S", above=0,
         help="Length of the call in seconds, from its answer; default: the plan's expect.duration_s, else the file."),
    Flag(name="speed", roles=(ORCHESTRATOR,), kind=float, metavar="X", minimum=1, maximum=50,
         help="Let the run's time go that many times as fast as this machine's; default: the plan's run.speed, else 1. "
              "Needs libfaketime, and a plan of b2b's own roles alone."),
    Flag(name="ssh", roles=(ORCHESTRATOR,), metavar="COMMAND",
         help="How to reach the hosts of a plan's nodes; default: the plan's run.ssh, else ssh."),
    Flag(name="b2b-there", roles=(ORCHESTRATOR,), metavar="COMMAND",
         help="What b2b is on those hosts; default: the plan's run.b2b_there, else b2b."),
    Flag(name="run-dir", roles=(ORCHESTRATOR,), kind="path", metavar="FOLDER",
         help="Where everything about the run is kept; default: a new folder below reports/runs/."),
    Flag(name="network", roles=(ORCHESTRATOR,), kind=("auto", "private", "host"), default="auto",
         help="private: a network namespace of the run's own; host: this machine's; auto: private where it can be."),
    Flag(name="free-ports", roles=(ORCHESTRATOR,), kind=bool, default=False,
         help="Without a private network, let every node of a self-contained plan listen on a free port instead of "
              "its own, so that several runs do not meet."),
    Flag(name="listen", roles=(ORCHESTRATOR,), kind=bool, default=False,
         help="Let every sink play with aplay besides recording."),
    Flag(name="watch", roles=(ORCHESTRATOR,), kind=bool, default=False,
         help="On a terminal, show live how each role and each leg is doing; elsewhere nothing changes."),
    Flag(name="dry-run", roles=(ORCHESTRATOR,), kind=bool, default=False,
         help="Check the plan and show what would be started, without starting it."),
    Flag(name="supervised", roles=CALLING_ROLES, kind=bool, default=False, hidden=True, in_plan=False,
         help="Wait for `start` on standard input, and stop at its end."),
    Flag(name="work-dir", roles=CALLING_ROLES, kind="path", hidden=True, in_plan=False,
         help="Keep baresip's configuration and log in this folder."),
    Flag(name="kill-after-s", roles=CALLING_ROLES, kind=float, default=15.0, hidden=True, in_plan=False,
         help="Be gone that many seconds after standard input has ended."),
)


def flags_of(role: str) -> tuple[Flag, ...]:
    """Return the flags of one role in the order of the table; those that only a plan has are none."""
    return tuple(flag for flag in FLAGS if role in flag.roles and not flag.plan_only)


def plan_flags(role: str) -> dict[str, Flag]:
    """Return the keys of a plan's node of that role that are flags of the role itself."""
    return {flag.key: flag for flag in flags_of(role) if flag.in_plan}


def plan_keys(role: str) -> dict[str, Flag]:
    """Return all keys that a plan's node of that role may have: those about the node, and the role's flags."""
    return {flag.key: flag for flag in FLAGS if role in flag.roles and flag.in_plan}
