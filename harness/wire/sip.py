"""Reads as much of SIP (RFC 3261) and SDP (RFC 4566) as it takes to know who talks to whom, where and how."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import NamedTuple

from harness.wire.frames import Datagram
from harness.wire.tcp import Flow

METHODS = "INVITE|ACK|BYE|CANCEL|OPTIONS|REGISTER|PRACK|UPDATE|INFO|REFER|NOTIFY|SUBSCRIBE|MESSAGE|PUBLISH"
REQUEST = re.compile(rf"({METHODS}) (\S+) SIP/2\.0\s*$")
STATUS = re.compile(r"SIP/2\.0 ([1-6]\d\d)(?: (.*))?$")
COMPACT = {"i": "call-id", "f": "from", "t": "to", "m": "contact", "v": "via", "l": "content-length"}
SENT_BY = re.compile(r"SIP\s*/\s*2\.0\s*/\s*\w+\s+(\[[^\]]+\]|[^\s;:,]+)(?:\s*:\s*(\d{1,6}))?", re.IGNORECASE)
STARTS = tuple(f"{word} ".encode() for word in (*METHODS.split("|"), "SIP/2.0"))
LENGTH = re.compile(rb"^(?:content-length|l)\s*:\s*(\d{1,6})\s*$", re.IGNORECASE | re.MULTILINE)
LONGEST_NUMBER = 10  # digits of a CSeq, RFC 3261 section 8.1.1.5; int() refuses what has thousands
LONGEST_MESSAGE = 1 << 18  # octets of SIP that TCP may bring before we give up looking for the end


class Codec(NamedTuple):
    """What a payload type means."""

    name: str
    clock_hz: int


# RFC 3551 section 6; 19 is what comfort noise was before RFC 3389.
STATIC: Mapping[int, Codec] = MappingProxyType({
    0: Codec("PCMU", 8000), 3: Codec("GSM", 8000), 4: Codec("G723", 8000), 5: Codec("DVI4", 8000),
    6: Codec("DVI4", 16000), 7: Codec("LPC", 8000), 8: Codec("PCMA", 8000), 9: Codec("G722", 8000),
    10: Codec("L16", 44100), 11: Codec("L16", 44100), 12: Codec("QCELP", 8000), 13: Codec("CN", 8000),
    14: Codec("MPA", 90000), 15: Codec("G728", 8000), 16: Codec("DVI4", 11025), 17: Codec("DVI4", 22050),
    18: Codec("G729", 8000), 19: Codec("CN", 8000), 25: Codec("CelB", 90000), 26: Codec("JPEG", 90000),
    28: Codec("nv", 90000), 31: Codec("H261", 90000), 32: Codec("MPV", 90000), 33: Codec("MP2T", 90000),
    34: Codec("H263", 90000),
})  # fmt: skip
NO_AUDIO = ("telephone-event", "cn", "tone", "x-nse", "nse")  # the last two are Cisco's events


class Address(NamedTuple):
    """An IP address and a port."""

    ip: str
    port: int

    def __str__(self) -> str:
        """Return it as SIP writes it."""
        return f"[{self.ip}]:{self.port}" if ":" in self.ip else f"{self.ip}:{self.port}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Media:
    """The first audio stream of an SDP: where it is to be sent, and how."""

    address: Address
    payload_types: tuple[int, ...]
    codecs: Mapping[int, Codec]  # of those, the ones with a known meaning
    ptime_ms: float | None = None
    direction: str = "sendrecv"

    @property
    def audio_types(self) -> tuple[int, ...]:
        """The payload types that carry sound, the preferred first."""
        return tuple(kind for kind in self.payload_types if kind not in self.codecs or is_audio(self.codecs[kind]))


class Announced(NamedTuple):
    """What an SDP says of an address: sound to be sent there, T.38, or something else."""

    address: Address
    is_t38: bool
    media: Media | None  # of sound


@dataclass(frozen=True, slots=True, kw_only=True)
class SipMessage:
    """A request, or with a status a response."""

    method: str  # of the request, or of the request that is responded to
    status: int | None = None
    reason: str = ""
    uri: str = ""
    headers: Mapping[str, str] = field(repr=False)  # by lower-case full name; of several the first
    body: str = field(default="", repr=False)
    text: str = field(default="", repr=False)  # all of it, as it came

    @property
    def call_id(self) -> str:
        """What all messages of a call have in common."""
        return self.headers.get("call-id", "")

    @property
    def cseq(self) -> int:
        """The number of the request within its call; 0 if it has none."""
        number = self.headers.get("cseq", "").split()[:1]
        return int(number[0]) if number and number[0].isdecimal() and len(number[0]) <= LONGEST_NUMBER else 0

    @property
    def sender(self) -> str:
        """The From header."""
        return self.headers.get("from", "")

    @property
    def receiver(self) -> str:
        """The To header."""
        return self.headers.get("to", "")

    @property
    def sent_by(self) -> Address | None:
        """Where the last hop of the request says that it listens: the topmost Via."""
        found = SENT_BY.search(self.headers.get("via", ""))
        port = int(found[2] or 5060) if found else 0
        return Address(found[1].strip("[]"), port) if found and port <= 0xFFFF else None

    @property
    def media(self) -> Media | None:
        """The audio that the body offers or accepts; None where it does neither."""
        return parse_sdp(self.body)


class Sighting(NamedTuple):
    """A message on its way."""

    time_s: float
    src: Address
    dst: Address
    message: SipMessage


def is_audio(codec: Codec) -> bool:
    """Whether the payload is sound: not digits, not comfort noise."""
    return codec.name.lower() not in NO_AUDIO


def parse_sip(payload: bytes) -> SipMessage | None:
    """Return the message in a datagram, or None for what is none."""
    if not payload.startswith(STARTS):
        return None
    text = payload.decode("utf-8", "replace").replace("\r\n", "\n")
    head, _, body = text.partition("\n\n")
    first, *lines = re.sub(r"\n[ \t]+", " ", head).split("\n")  # a header may go on in the next line
    headers: dict[str, str] = {}
    for line in lines:
        name, colon, value = line.partition(":")
        if colon:
            key = name.strip().lower()
            headers.setdefault(COMPACT.get(key, key), value.strip())
    if request := REQUEST.match(first):
        return SipMessage(method=request[1], uri=request[2], headers=headers, body=body, text=text)
    if status := STATUS.match(first):
        method = headers.get("cseq", "").split()[1:2]
        about = method[0].upper() if method else ""
        return SipMessage(
            method=about, status=int(status[1]), reason=status[2] or "", headers=headers, body=body, text=text
        )
    return None


def parse_sdp(body: str) -> Media | None:
    """Return the first audio of a session description, or None where there is none (or its port is 0: rejected)."""
    return next((said.media for said in announced(body) if said.media), None)


def announced(text: str) -> Iterator[Announced]:
    """Yield what the session descriptions in a text say of addresses; MEGACO and MGCP carry several in braces."""
    for description in BEGINNING.split(text.replace("\r\n", "\n"))[1:]:
        session, *sections = re.split(r"^m=", description.partition("}")[0], flags=re.MULTILINE)
        of_all, direction = _last(CONNECTION, session), _last(DIRECTION, session)
        for section in sections:
            found = re.match(r"(\w+) (\d{1,5})(?:/\d+)? (\S+)", section)
            connection = _last(CONNECTION, section) or of_all
            if found and connection and 0 < int(found[2]) <= 0xFFFF:
                address = Address(connection, int(found[2]))
                media = _audio(address, section, direction) if found[1] == "audio" else None
                yield Announced(address, found[3].lower().startswith("udptl"), media)


def _audio(address: Address, audio: str, direction: str | None) -> Media:
    """Read a section about audio; `direction` is what the session says of all."""
    types = tuple(int(kind) for kind in audio.partition("\n")[0].split()[3:] if PAYLOAD_TYPE.fullmatch(kind))
    maps = {int(kind): Codec(name, int(hz)) for kind, name, hz in RTPMAP.findall(audio) if int(hz)}
    ptime = _last(PTIME, audio)
    return Media(
        address=address,
        payload_types=types,
        codecs={kind: maps.get(kind) or STATIC[kind] for kind in types if kind in maps or kind in STATIC},
        ptime_ms=float(ptime) if ptime else None,
        direction=_last(DIRECTION, audio) or direction or "sendrecv",
    )


# What these leave out, such as control characters and numbers of five thousand digits, is nobody's address or codec.
BEGINNING = re.compile(r"^[ \t]*(?=v=0[ \t]*$)", re.MULTILINE)
CONNECTION = r"^c=IN IP[46] ([!-.0-~]{1,255})"
PAYLOAD_TYPE = re.compile(r"[0-9]|[1-9][0-9]|1[01][0-9]|12[0-7]")
PTIME = r"^a=ptime:\s*(\d{1,4}(?:\.\d{1,3})?)\b"
RTPMAP = re.compile(r"^a=rtpmap:\s*(\d{1,3})\s+([!-.0-~]{1,63})/(\d{1,9})", re.MULTILINE)
DIRECTION = r"^a=(sendrecv|sendonly|recvonly|inactive)\s*$"


def _last(pattern: str, text: str) -> str | None:
    found = re.findall(pattern, text, re.MULTILINE)
    return str(found[-1]) if found else None


class SipListener:
    """Finds the SIP among datagrams, and in TCP where each message begins and ends."""

    def __init__(self) -> None:
        self._pending: dict[tuple[str, int, str, int], bytes] = {}
        self._flows: dict[tuple[str, int, str, int], Flow] = defaultdict(Flow)

    def hear(self, datagram: Datagram) -> Iterator[Sighting]:
        """Yield the messages that a datagram holds, or that it completes."""
        time_s, src, sport, dst, dport, proto, payload, number = datagram
        for raw in self._segment((src, sport, dst, dport), payload, number) if proto == "tcp" else (payload,):
            if message := parse_sip(raw):
                yield Sighting(time_s, Address(src, sport), Address(dst, dport), message)

    def _segment(self, flow: tuple[str, int, str, int], payload: bytes, number: int | None) -> Iterator[bytes]:
        """Yield the messages of a flow that are complete now. Segments without a number are taken as they came."""
        if number is not None:
            payload, lost = self._flows[flow].take(number, payload)
            if lost:
                self._pending.pop(flow, None)
        data = (self._pending.pop(flow, b"") + payload).lstrip(b"\r\n")  # line ends between messages keep a path open
        while data.startswith(STARTS) and len(data) <= LONGEST_MESSAGE:
            head, gap, rest = data.partition(b"\r\n\r\n")
            found = LENGTH.search(head) if gap else None
            length = int(found[1]) if found else 0
            if not gap or len(rest) < length:
                self._pending[flow] = data
                return
            yield head + gap + rest[:length]
            data = rest[length:].lstrip(b"\r\n")
        if data and any(start.startswith(data) for start in STARTS):  # not enough to tell
            self._pending[flow] = data
