"""Targets that make or carry words and sound: plans, command lines, the control socket, log lines, sound files."""

from __future__ import annotations

import contextlib
import io
import json
import queue
import re
import socket
import threading
from functools import cache, partial
from unittest.mock import patch

import click

from b2b.addresses import Bind
from b2b.audio.wav import header
from b2b.baresip.control import CallEvent, Control
from b2b.baresip.stats import parse_audio_debug
from b2b.cli.app import b2b, refused, role_first
from b2b.errors import AudioError, UsageError
from b2b.logs import LogLine
from b2b.orchestrator.children import read_line
from b2b.orchestrator.console import Console
from b2b.orchestrator.events import LogSeen, WordsSeen
from b2b.plan.load import load_plan
from b2b.plan.resolve import resolve
from b2b.plan.write import to_toml
from b2b.roles.desk import Desk
from b2b.roles.settings import SinkSettings
from calls.places import REPOSITORY, SAMPLE
from fuzz.places import MemoryFile, harmless, said
from harness.expect import expectations
from harness.impair.run import dry_run
from harness.sound.files import decode, read_wav

HANGS_S = 20.0
TABLES = {"expect", "impair"}
NODES = load_plan(REPOSITORY / "plans" / "sk.plan.toml", known_tables=TABLES).nodes
_file = MemoryFile("input")


def plan(data: bytes) -> None:
    """Read a plan as far as it goes without running it, and write it as it was resolved."""
    try:
        loaded = resolve(load_plan(_file.put(data), known_tables=TABLES), host_ip="127.0.0.1")
        expectations(loaded)
        list(dry_run(loaded))
    except UsageError:
        return
    harmless("".join(loaded.warnings))
    again = resolve(load_plan(_file.put(to_toml(loaded).encode()), known_tables=TABLES, to_run=False),
                    host_ip="127.0.0.1")  # fmt: skip
    assert [node.name for node in again.nodes] == [node.name for node in loaded.nodes]


def command_line(data: bytes) -> None:
    """Read a command line of NUL-separated words, up to where something would be done."""
    words = [word.decode("utf-8", "surrogateescape") for word in data.split(b"\0")]
    try:
        name, command, rest = b2b.resolve_command(click.Context(b2b), role_first(words))
        if command and not {"-h", "--help", "--version"} & set(rest):
            command.make_context(name or "", rest)
    except (click.ClickException, UsageError) as error:
        said(partial(refused, error))


def control(data: bytes) -> None:
    """Say this to a role on its control socket, and let it log what it understood."""
    ours, theirs = socket.socketpair()
    heard, ended = list[CallEvent](), queue.SimpleQueue[str]()
    with theirs, patch("socket.create_connection", lambda *_where, **_more: ours):
        link = Control(1, on_event=heard.append, on_loss=ended.put)
        threading.Thread(target=_say, args=(theirs, data), daemon=True).start()
        assert ended.get(timeout=HANGS_S)
        link.close()
    with contextlib.redirect_stdout(io.StringIO()) as out:
        desk = Desk("sink", SinkSettings(
            sip_bind=Bind("127.0.0.1", 0), log_format="json", supervised=False, work_dir=None, kill_after_s=1,
            capture=None, aplay_cmd="", sip_user="b2b",
        ))  # fmt: skip
        for event in heard:
            desk.post(event)
        desk.tell_the_rest()
    for line in out.getvalue().split("\n")[:-1]:
        assert LogLine.parse(harmless(line))


def _say(to: socket.socket, data: bytes) -> None:
    """Say it in two pieces, as far as somebody listens."""
    with contextlib.suppress(OSError):
        for piece in (data[: len(data) // 2], data[len(data) // 2 :]):
            to.sendall(piece)
        to.shutdown(socket.SHUT_WR)


def counters(data: bytes) -> None:
    """Read baresip's answer to `audio_debug`."""
    if stats := parse_audio_debug(data.decode("utf-8", "replace")):
        assert stats.lost >= 0


def log_lines(data: bytes) -> None:
    """Take what a role wrote, or somebody below it, into the merged log: as text, as JSON, in the run folder."""
    for as_json in (False, True):
        kept = io.StringIO()
        with contextlib.redirect_stdout(io.StringIO()) as out:
            console = Console(NODES, color="never", as_json=as_json, run_log=kept)
            for line in data.split(b"\n"):
                event = read_line("sink", line.decode(errors="replace"))
                if isinstance(event, LogSeen):
                    console.show("sink", event.line)
                elif isinstance(event, WordsSeen):
                    console.say(event.words, node="sink", level="WARNING")
        harmless(kept.getvalue() + out.getvalue()).encode()
        assert kept.getvalue().count("\n") == out.getvalue().count("\n") <= data.count(b"\n") + 1


def recording(data: bytes) -> None:
    """Read a WAV file as our recordings are read."""
    with contextlib.suppress(AudioError):
        assert len(read_wav(_file.put(data))) <= len(data) // 2


def sound_file(data: bytes) -> None:
    """Decode a file by ffmpeg."""
    with contextlib.suppress(AudioError):
        decode(_file.put(data))


def plans() -> tuple[bytes, ...]:
    """Return the plans that come with the project, with what they lie beside."""
    found = [path.read_bytes() for path in sorted((REPOSITORY / "plans").rglob("*.plan.toml"))]
    audio = f'"{SAMPLE}"'.encode()
    return tuple(re.sub(rb'"[^"]*sample\.mp3"', audio, plan) for plan in found)


def command_lines() -> tuple[bytes, ...]:
    """Return command lines as the README has them, and one of each command."""
    lines = (
        "--role sink --sip-bind 127.0.0.1:5062 --capture heard.wav",
        "mixer --sip-bind 127.0.0.1:5063 --target sip:127.0.0.1:5062 --dtmf-seq 123# --mix-gain-in 0.25",
        "--role source --target sip:127.0.0.1:5063 --audio-file sample.mp3 --ptime-ms 20 --duration-s 5",
        "--role orchestrator --plan plans/smk.plan.toml --set mixer.dtmf_seq=1 --network host --dry-run",
        "judge run --json --report page.html", "rtp one.pcap two.pcap --json", "dtmf heard.wav",
        "compare one two -o page.html", "history runs", "watch run --lines 3", "selftest --seeds 2", "doctor",
    )  # fmt: skip
    return tuple(line.replace(" ", "\0").encode() for line in lines)


def conversations() -> tuple[bytes, ...]:
    """Return what baresip says on its control socket."""
    call = {
        "event": True, "type": "CALL_ESTABLISHED", "class": "call", "accountaor": "sip:sink@127.0.0.1",
        "direction": "incoming", "peeruri": "sip:b2b@127.0.0.1:5060", "id": "2ab0b1f1", "param": "sip:b2b@127.0.0.1",
    }  # fmt: skip
    statistics = {"tx": {"sent": 250, "lost": 0, "jit": 875}, "rx": {"sent": 250, "lost": 0, "jit": 750}, "rtt": 0}
    said = (
        call, {**call, "type": "CALL_RTCP", "param": "audio", "rtcp_stats": statistics},
        {"response": True, "ok": True, "data": "\x1b[31mwords\u0000", "token": "1"},
    )  # fmt: skip
    bodies = [json.dumps(values).encode() for values in said]
    return (b"".join(b"%d:%s," % (len(body), body) for body in bodies), b"100000:" + b"[" * 100000 + b",")


COUNTERS = (
    b"--- Audio stream ---\n tx:   encode: PCMU 8000Hz 1ch\n       aubuf: 160/480 bytes (or 1, ur 2)\n rx:   decode:\n"
    b"       aubuf: 160/480 bytes (or 3, ur 4)\n       n_discard: 5\n--- Stream debug ---\n local: 127.0.0.1:10000, "
    b"remote: 127.0.0.1:20000/20001\n TX: packets=250, errors=0\n RTP: rcvd=240 lost=-2\n",
)
LINES = (
    b'{"ts": "2026-01-01T00:00:00.000Z", "level": "INFO", "role": "sink", "msg": "a\\u001b[31mred\\ud800",'
    b' "event": "x"}\n'
    b"READY role=sink sip=127.0.0.1:5062 codec=pcmu ptime=20ms\n\x1b[31mred\x1b[0m \xe2\x80\xae words\r\n",
)


@cache
def recordings() -> tuple[bytes, ...]:
    """Return WAV files: as our recordings are, and with other chunks before the sound."""
    sound = bytes(range(256)) * 20
    extra = b"LIST" + (5).to_bytes(4, "little") + b"hello\0"
    head = header(len(sound))
    return head + sound, head[:12] + extra + head[12:] + sound, header(0) + sound


@cache
def sound_files() -> tuple[bytes, ...]:
    """Return a second of speech as MP3, and WAV files."""
    return SAMPLE.read_bytes()[:9000], *recordings()
