"""What baresip's `audio_debug` says of one call, as numbers."""

from __future__ import annotations

import re
from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class LegStats:
    """Counters of one leg since its call began; `remote` is where its RTP goes, as ip:port."""

    local_port: int
    remote: str
    packets_tx: int
    packets_rx: int
    lost: int
    tx_overruns: int
    tx_underruns: int
    rx_overruns: int
    rx_underruns: int
    rx_discards: int


# A number that int() refuses, of five thousand digits, is none of ours.
_AUBUF = re.compile(r"aubuf:.*\bor (\d{1,18}), ur (\d{1,18})\)")
_LOCAL = re.compile(r"local: \S*:(\d{1,5}), remote: ([^/\s]+)")
_SENT = re.compile(r"TX: packets=(\d{1,18})")
_RECEIVED = re.compile(r"rcvd=(\d{1,18})")
_LOST = re.compile(r"lost=(-?\d{1,18})")
_DISCARDED = re.compile(r"n_discard:\s*(\d{1,18})")


def parse_audio_debug(text: str) -> LegStats | None:
    """Read the answer to `audio_debug`; None where there is no call in it.

    A line that a version of baresip does not print counts as 0.
    """
    if not (addresses := _LOCAL.search(text)):
        return None
    buffers = [(int(found[1]), int(found[2])) for found in _AUBUF.finditer(text)]
    (tx_overruns, tx_underruns), (rx_overruns, rx_underruns) = [*buffers, (0, 0), (0, 0)][:2]
    return LegStats(
        local_port=int(addresses[1]),
        remote=addresses[2],
        packets_tx=_number(_SENT, text),
        packets_rx=_number(_RECEIVED, text),
        lost=max(0, _number(_LOST, text)),
        tx_overruns=tx_overruns,
        tx_underruns=tx_underruns,
        rx_overruns=rx_overruns,
        rx_underruns=rx_underruns,
        rx_discards=_number(_DISCARDED, text),
    )


def _number(pattern: re.Pattern[str], text: str) -> int:
    found = pattern.search(text)
    return int(found[1]) if found else 0
