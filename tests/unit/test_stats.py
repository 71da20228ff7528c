"""What baresip's `audio_debug` says of a call, read from the words of baresip 1.0.0 itself."""

from __future__ import annotations

from dataclasses import asdict

import pytest

from b2b.baresip.stats import LegStats, parse_audio_debug

# Debian's 1.0.0 after 5 s of a call with a mixer; counters that were 0 there have numbers that tell them apart.
TEXT = """
--- Audio stream ---
 tx:   encode: PCMU 8000Hz/1ch ptime=20ms S16LE
       aubuf: wish_sz=320 cur_sz=9600 filling=0 (cur 600.00ms, max 600.00ms, or 64, ur 11)
       source: alsa,sink_in S16LE
       time = 6.000 sec
 rx:   decode: PCMU 8000Hz/1ch S16LE
       aubuf: wish_sz=960 cur_sz=320 filling=0 (cur 20.00ms, max 500.00ms, or 12, ur 30)
       player: alsa,sink_out S16LE
       n_discard:7
       time = 5.919 sec
 audio tx pipeline:        alsa ---> PCMU
 audio rx pipeline:        alsa <--- PCMU
 audio dir=sendrecv pt_enc=0
 local: 0.0.0.0:36650, remote: 127.0.0.1:15220/127.0.0.1:15221
 mnat: (none) (connected=no)
 menc: (none) (secure=no)
RTP debug:
 Encode: seq=31882 ssrc=0xa9da7f80
----- RTCP Session: -----
  cname=sip:sink@127.0.0.1:39670 SSRC=0xa9da7f80/2849668992 rx=8000Hz
  member 0xedeb2aba: lost=5 Jitter=0.7ms RTT=0.0ms
                 IP=127.0.0.1:15220 psent=250 rcvd=295
  TX: packets=300, octets=48000
--- jitter buffer debug---
 running=1 min=3 cur=3 max=10 [frames]
 seq_put=23170
"""

STATS = LegStats(
    local_port=36650,
    remote="127.0.0.1:15220",
    packets_tx=300,
    packets_rx=295,
    lost=5,
    tx_overruns=64,
    tx_underruns=11,
    rx_overruns=12,
    rx_underruns=30,
    rx_discards=7,
)


def without(*beginnings: str) -> str:
    """Return the text without the lines that begin so."""
    return "".join(line + "\n" for line in TEXT.splitlines() if not line.strip().startswith(beginnings))


def test_every_counter_is_read_from_its_own_line() -> None:
    """Sending and hearing are told apart by their order."""
    assert parse_audio_debug(TEXT) == STATS


@pytest.mark.parametrize("text", ["", "\n", "no active call", "--- Audio stream ---\n", without("local:")])
def test_no_call_has_no_counters(text: str) -> None:
    """A call has addresses."""
    assert parse_audio_debug(text) is None


@pytest.mark.parametrize(
    ("beginnings", "zeros"),
    [
        (("n_discard",), {"rx_discards"}),
        (("TX:",), {"packets_tx"}),
        (("member", "IP="), {"lost", "packets_rx"}),
        (("aubuf",), {"tx_overruns", "tx_underruns", "rx_overruns", "rx_underruns"}),
        (("time", "mnat", "menc", "running", "seq_put", "audio"), set()),
    ],
)
def test_a_line_that_is_not_there_counts_as_zero(beginnings: tuple[str, ...], zeros: set[str]) -> None:
    """Nobody has sent RTCP yet, say, or a later version has dropped it; the others are as they were."""
    found = parse_audio_debug(without(*beginnings))
    assert found
    assert asdict(found) == {**asdict(STATS), **dict.fromkeys(zeros, 0)}


def test_a_negative_loss_is_none() -> None:
    """RTCP counts duplicates against it."""
    found = parse_audio_debug(TEXT.replace("lost=5", "lost=-3"))
    assert found
    assert found.lost == 0


def test_large_counters_are_read_whole() -> None:
    """A day of packets."""
    found = parse_audio_debug(TEXT.replace("packets=300", "packets=4320000").replace("ur 30", "ur 99999999999"))
    assert found
    assert (found.packets_tx, found.rx_underruns) == (4_320_000, 99_999_999_999)


def test_the_addresses_of_version_1_1_are_read_too() -> None:
    """Whatever stands before the port, it is the local one."""
    found = parse_audio_debug(TEXT.replace("local: 0.0.0.0:36650", "local: 127.0.0.1:36650"))
    assert found == STATS
