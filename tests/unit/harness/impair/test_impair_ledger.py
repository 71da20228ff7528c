"""impair.jsonl: what is written of each packet is what is read, also of a file that was cut off."""

from __future__ import annotations

import json

import pytest
from carrying import carry, lane, packet

from b2b.sniffer import AS_SENT_TTL, encode, is_as_sent
from harness.canary import Stall
from harness.impair.ledger import DEED, STALL, TOTAL, Deed, Ledger, Total, deed_line, line
from harness.impair.packets import bit_at, onward
from harness.impair.process import UDP_AS_SENT
from unit import bpf

LOST = Deed(at_s=10.5, direction="a -> b", kind="rtp", number=3, ssrc=7, seq=65535, lost="random")
LATE = Deed(at_s=10.6, direction="a -> b", kind="rtp", number=4, ssrc=7, seq=0, delay_ms=40.0, late_ms=0.25, copies=2)
HELD = Deed(at_s=10.7, direction="a -> b", kind="rtp", number=5, ssrc=7, seq=1, delay_ms=20.1, overtaken=True)
ODD = Deed(at_s=10.7, direction="a -> b", kind="rtp", number=6, ssrc=7, seq=2, delay_ms=50.0, flipped_bit=320)
RTCP = Deed(at_s=11, direction="a -> b", kind="rtp", delay_ms=40)
INVITE = Deed(at_s=1, direction="a -> b", kind="sip", number=1, message="INVITE", lost="asked")
TOTALS = [
    line(TOTAL, direction="a -> b", kind="rtp", packets=100, others=2, drops=3),
    line(TOTAL, direction="a -> b", kind="sip", packets=5),
    line(TOTAL, direction="b -> a", kind="rtp", packets=90),
]


@pytest.fixture
def ledger(tmp_path):
    """Return a function that reads lines from a file."""

    def read(*lines: str) -> Ledger:
        (tmp_path / "impair.jsonl").write_text("".join(lines))
        return Ledger.read(tmp_path / "impair.jsonl")

    return read


def test_what_is_written_is_read(ledger):
    """Every kind of line."""
    deeds = [LOST, LATE, HELD, ODD, RTCP, INVITE]
    found = ledger(*map(deed_line, deeds), line(STALL, start_s=12.0, length_s=0.02), *TOTALS)
    assert found.deeds == deeds
    assert found.of("a -> b") == [LOST, LATE, HELD, ODD]
    assert found.stalls == [Stall(start_s=12.0, length_s=0.02)]
    assert found.totals[0] == Total(direction="a -> b", kind="rtp", packets=100, others=2)
    assert found.drops == 3


def test_a_line_says_only_what_happened():
    """Or an hour of delayed packets were a file of zeros."""
    assert json.loads(deed_line(LOST)) == {
        "what": DEED, "at_s": 10.5, "direction": "a -> b", "kind": "rtp", "number": 3, "ssrc": 7, "seq": 65535,
        "lost": "random",
    }  # fmt: skip
    assert json.loads(deed_line(LATE))["seq"] == 0


def test_a_file_that_was_cut_off(ledger, tmp_path):
    """What is whole of it is read; no file is an empty one."""
    assert ledger(deed_line(LOST), deed_line(LATE)[:-9]).deeds == [LOST]
    assert ledger("7\n", "{}\n", "[]\n").deeds == []
    nothing = Ledger.read(tmp_path / "none")
    assert [*nothing.deeds, *nothing.totals, *nothing.stalls] == []


def test_the_summary_is_what_was_done(ledger):
    """A sentence for each direction with something to tell."""
    again = Deed(at_s=10, direction="a -> b", kind="rtp", number=1, ssrc=7, seq=9, lost="asked")
    found = ledger(*map(deed_line, [LOST, again, LATE, HELD, ODD, RTCP, INVITE]), *TOTALS)
    assert list(found.summary()) == [
        "impaired a -> b: 2 of 100 lost (1 random, 1 asked), 1 doubled, 1 overtaken, 1 corrupted, "
        "2 delayed by 40.0 to 50.0 ms (and by at most 0.25 more)",
        "impaired a -> b SIP: 1 of 5 lost (1 asked)",
    ]


def test_a_packet_goes_on_as_through_a_router():
    """With the usual time to live and no checksum of UDP; all else stays, but for a bit that is to be changed."""
    sent = packet(b"hello", 1, 2)
    came = onward(sent)
    assert (came[8], came[26:28]) == (64, b"\0\0")
    assert (came[:8], came[9:26], came[28:]) == (sent[:8], sent[9:26], sent[28:])
    changed = onward(sent, 8 * 28)
    assert changed[28:] == b"\xe8ello"


@pytest.mark.parametrize(
    ("size", "is_rtp", "where", "bit"),
    [(5, False, 0, 224), (5, False, 0.99999, 263), (20, True, 0, 320), (12, True, 0.5, None), (0, False, 0.5, None)],
)
def test_which_bit_is_changed(size, is_rtp, where, bit):
    """One of the content, never one of a header."""
    assert bit_at(packet(bytes(size), 1, 2), where, is_rtp=is_rtp) == bit


def test_an_empty_packet_cannot_be_corrupted():
    """It goes on as it is."""
    carried = carry(lane(1, corrupt=100), [(0.0, packet(bytes(12), 1, 2))])
    assert [parcel.flipped_bit for parcel in carried.parcels] == [None]
    assert len(carried.arrived) == 1


def with_byte(at: int, value: int) -> bytes:
    """Return a packet as it is sent in an impaired network, with one octet of its own."""
    result = bytearray(packet(b"hello", 1, 2))
    result[8], result[at] = AS_SENT_TTL, value
    return bytes(result)


@pytest.mark.parametrize(
    ("frame", "is_ours"),
    [
        (with_byte(8, AS_SENT_TTL), True),
        (with_byte(8, 64), False),  # what we have sent on
        (with_byte(9, 1), False),  # ICMP is not diverted
        (with_byte(9, 6), False),
        (with_byte(0, 0x65), False),  # IPv6
        (b"", False),
    ],
)
def test_what_is_on_its_way_to_be_impaired(frame, is_ours):
    """The filter of the process, and what every other tap leaves out."""
    assert bool(bpf.run(encode(UDP_AS_SENT), frame, order="big")) is is_ours
    assert is_as_sent(frame) is is_ours


