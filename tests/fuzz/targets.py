"""Every target: what reads, what good input looks like, and how many inputs a whole campaign gives it.

A target raises for a finding only: an exception that nobody foresaw, something that would reach a terminal.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from fuzz import elsewhere, folders, network, speech

CORPUS = Path(__file__).parent / "corpus"
MANY, FEW = 1_000_000, 10_000  # inputs; few where ffmpeg takes part or whole files are judged


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """Something of ours that reads what others wrote."""

    name: str
    read: Callable[[bytes], None]
    seeds: Callable[[], Sequence[bytes]]
    words: Sequence[bytes] = ()  # that mean something to it
    count: int = MANY
    short: int = 200  # inputs of every run of the unit tests

    @property
    def corpus(self) -> list[Path]:
        """The inputs that once were findings."""
        return sorted((CORPUS / self.name).glob("*"))


JSON = (b"null", b"[]", b"{}", b"-1", b"1e999", b"NaN", b'"\\ud800"', b'"\\u001b[31m"', b"[" * 5000, b"9" * 5000,
        b"true", b'"wall_s": "x",', b'"node": []', b'"event": {}')  # fmt: skip
SIP = (b"Via: SIP/2.0/UDP h:" + b"9" * 5000, b"CSeq: " + b"9" * 5000, b"\r\n" * 40, b"l: 99999\r\n", b"\0",
       b"v=0\r\n", b"m=audio " + b"9" * 5, b"a=ptime:" + b"9" * 400, b"a=rtpmap:" + b"9" * 5000 + b" x/8000\r\n",
       b"a=rtpmap:0 \x1b[31m/8000\r\n", b"a=rtpmap:0 PCMU/0\r\n", b"c=IN IP4 \x1b[31m\r\n", b"\r\n\r\n")  # fmt: skip
TOML = (b"a." * 2000 + b"a = 1\n", b"[" * 5000, b'"\\u001b"', b"nan", b"-inf", b"9" * 5000, b"[[topology]]\n",
        b"[expect]\n", b"sip_target", b"role = ", b"1979-05-27", b'"""', b"[impair]\nseed = 1\n")  # fmt: skip
WORDS = (b"\0--", b"--role", b"--set", b"\0=\0", b"--plan", b"\xed\xa0\x80", b"nan", b"inf", b"9" * 5000,
         b"sip:@", b"\0-h")

TARGETS = (
    Target(name="plan", read=speech.plan, seeds=speech.plans, words=TOML),
    Target(name="command-line", read=speech.command_line, seeds=speech.command_lines, words=WORDS),
    Target(name="capture", read=network.capture, seeds=network.captures, words=network.CAPTURE_WORDS),
    Target(name="capture-watched", read=network.growing_capture, seeds=network.captures, words=network.CAPTURE_WORDS),
    Target(name="capture-real", read=network.capture, seeds=network.real_captures, words=network.CAPTURE_WORDS,
           count=FEW, short=40),
    Target(name="rtp", read=network.rtp, seeds=network.packets),
    Target(name="rtcp", read=network.rtcp, seeds=network.reports),
    Target(name="sip", read=network.sip, seeds=network.messages, words=SIP),
    Target(name="sdp", read=network.sdp, seeds=network.descriptions, words=SIP),
    Target(name="control", read=speech.control, seeds=speech.conversations, words=(*JSON, b"5:", b",", b'"rx": []')),
    Target(name="machine", read=elsewhere.machine, seeds=elsewhere.conversations,
           words=(*JSON, b'"file": "../x"', b'"file": "/x"', b'"at": ', b'"data": "', b'"is": "', b"\n")),
    Target(name="counters", read=speech.counters, seeds=lambda: speech.COUNTERS, words=(b"9" * 5000, b"rcvd=")),
    Target(name="log-lines", read=speech.log_lines, seeds=lambda: speech.LINES, words=JSON),
    Target(name="wav", read=speech.recording, seeds=speech.recordings, words=(b"data", b"fmt ", b"\xff\xff\xff\xff")),
    Target(name="ffmpeg", read=speech.sound_file, seeds=speech.sound_files, count=FEW, short=6),
    Target(name="run-compared", read=folders.comparing, seeds=folders.texts, words=JSON, count=FEW, short=40),
    Target(name="run-watched", read=folders.watching, seeds=folders.texts, words=JSON, count=FEW, short=40),
    Target(name="run-judged", read=folders.judging, seeds=folders.folders, words=JSON, count=FEW, short=15),
)
BY_NAME = {target.name: target for target in TARGETS}
