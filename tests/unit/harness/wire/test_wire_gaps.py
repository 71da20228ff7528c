"""Gaps: 20 ms between neighbours is healthy, one lost packet makes 40, two make 60."""

from __future__ import annotations

import pytest
from wire_makers import T0, healthy, one_stream, rtp

from harness.wire.gaps import Gap
from harness.wire.streams import Stream

Packets = list[tuple[float, bytes]]


def distances(stream: Stream) -> tuple[float, float, float]:
    """By timestamp, by arrival, and the larger."""
    return stream.max_gap_timestamp_ms, stream.max_gap_arrival_ms, stream.max_gap_ms


def without(packets: Packets, *places: int) -> Packets:
    """Return the packets that are left."""
    return [packet for i, packet in enumerate(packets) if i not in places]


@pytest.mark.parametrize("lost", [1, 2, 3, 5, 20])
def test_lost_packets_make_a_gap(lost: int) -> None:
    """As long as they were, and one more; where it is and what it was is told."""
    stream = one_stream(without(healthy(60), *range(10, 10 + lost)))
    length_ms = 20 * (lost + 1)
    assert distances(stream) == (length_ms, length_ms, length_ms)
    gaps = stream.gaps()
    assert len(gaps) == (lost > 1)  # 40 ms pass
    assert stream.worst_gap == Gap(
        after_seq=109,
        before_seq=110 + lost,
        start_s=T0 + 0.18,
        by_timestamp_s=length_ms / 1000,
        by_arrival_s=length_ms / 1000,
        lost=lost,
        kind="lost",
    )
    assert stream.worst_gap.length_s == length_ms / 1000


def test_a_sender_that_waits_is_late() -> None:
    """Nothing missing, no jump of the timestamp."""
    stream = one_stream([(ms + 60 * (ms >= 200), data) for ms, data in healthy(30)])
    assert distances(stream) == (20, 80, 80)
    (gap,) = stream.gaps()
    assert (gap.kind, gap.after_seq, gap.before_seq, gap.lost) == ("late", 109, 110, 0)
    assert stream.worst_by_timestamp is not None
    assert stream.worst_by_timestamp.by_timestamp_s == 0.02


def test_a_sender_that_says_nothing_is_silent() -> None:
    """The timestamp goes on and the numbers do not."""
    packets = [(20.0 * i + 200 * (i >= 10), rtp(i, 160 * i + 1600 * (i >= 10))) for i in range(30)]
    (gap,) = one_stream(packets).gaps()
    assert (gap.kind, gap.length_s, gap.lost) == ("silent", 0.22, 0)


def test_a_burst_after_a_stall_is_one_late_gap() -> None:
    """What was held back comes at once."""
    packets = [(max(ms, 300) if 200 <= ms < 300 else ms, data) for ms, data in healthy(30)]
    stream = one_stream(packets)
    assert distances(stream) == (20, 120, 120)
    assert [gap.kind for gap in stream.gaps()] == ["late"]


def test_one_lost_and_a_stall_is_named_after_the_larger() -> None:
    """Losing one passes; the stall does not."""
    packets = [(ms + 60 * (ms >= 220), data) for ms, data in without(healthy(30), 10)]
    (gap,) = one_stream(packets).gaps()
    assert (gap.kind, gap.lost, gap.by_timestamp_s, gap.by_arrival_s) == ("late", 1, 0.04, 0.1)


def test_the_limit_is_the_callers() -> None:
    """And a gap is longer than it."""
    stream = one_stream(without(healthy(60), 10, 20, 21))
    assert [gap.lost for gap in stream.gaps()] == [2]
    assert [gap.lost for gap in stream.gaps(longer_than_s=0.03)] == [1, 2]
    assert stream.gaps(longer_than_s=0.06) == ()


def test_copies_make_no_gap_and_fill_none() -> None:
    """A retransmission while nothing else comes is not sound."""
    packets = healthy(30)
    doubled = sorted([*packets, (packets[5][0] + 7, packets[5][1]), (packets[9][0] + 150, packets[9][1])])
    assert distances(one_stream(doubled)) == (20, 20, 20)
    stalled = [(ms + 100 * (ms >= 200), data) for ms, data in packets]
    stalled += [(ms + 50, data) for ms, data in stalled[9:10]]
    assert distances(one_stream(sorted(stalled))) == (20, 120, 120)


@pytest.mark.parametrize("order", [(0, 2, 1, 3), (0, 3, 1, 2), (0, 2, 3, 1), (3, 2, 1, 0)], ids=str)
def test_overtaken_packets_make_no_gap(order: tuple[int, ...]) -> None:
    """They fill their place, in timestamps as in arrival."""
    packets = healthy(30)
    times = [ms for ms, _ in packets]
    datas = [data for _, data in packets]
    datas[10:14] = [datas[10 + i] for i in order]
    stream = one_stream(zip(times, datas, strict=True))
    assert stream.reordered >= 1
    assert distances(stream) == (20, 20, 20)


def test_a_loss_beside_overtaken_packets_is_still_found() -> None:
    """Their order does not hide it."""
    packets = without(healthy(30), 12, 13)
    times, datas = [ms for ms, _ in packets], [data for _, data in packets]
    datas[10], datas[11] = datas[11], datas[10]
    stream = one_stream(zip(times, datas, strict=True))
    assert distances(stream) == (60, 60, 60)
    assert [gap.lost for gap in stream.gaps()] == [2]


def test_digits_instead_of_sound_make_no_gap() -> None:
    """Telephone-events bear the timestamp of their beginning, and what they replace is not missing."""
    packets = healthy(40)
    for i in range(10, 20):
        packets[i] = (packets[i][0], rtp(100 + i, 1000 + 1600, kind=101, marker=i == 10, payload=b"\x01\x0a\x00\xa0"))
    stream = one_stream(packets)
    assert distances(stream) == (20, 20, 20)
    assert (stream.markers, stream.late, stream.payload_types) == (1, 0, {0: 30, 101: 10})
    assert stream.ptime_ms == 20


def test_digits_beside_sound_hide_nothing() -> None:
    """Some senders go on with the sound; then it is judged as ever."""
    packets: Packets = []
    for i in range(30):
        packets.append((20.0 * i, rtp(2 * i, 160 * i)))
        packets.append((20.0 * i, rtp(2 * i + 1, 1600, kind=101, payload=b"\x01\x0a\x00\xa0")))
    assert distances(one_stream(packets)) == (20, 20, 20)
    stalled = [(ms + 70 * (ms >= 200), data) for ms, data in packets]
    assert distances(one_stream(stalled)) == (20, 90, 90)
    assert one_stream(without(packets, *range(20, 24))).max_gap_timestamp_ms == 60


@pytest.mark.parametrize("lost", [1, 2, 4])
def test_packets_lost_beside_digits_are_a_gap(lost: int) -> None:
    """Nobody knows what they were; they may have been sound."""
    packets = healthy(40)
    for i in range(10, 20):
        packets[i] = (packets[i][0], rtp(100 + i, 1000 + 1600, kind=101, payload=b"\x01\x0a\x00\xa0"))
    stream = one_stream(without(packets, *range(20, 20 + lost)))
    assert stream.max_gap_timestamp_ms == 20 * (lost + 1)
    among = one_stream(without(packets, *range(13, 13 + lost)))
    assert among.max_gap_timestamp_ms == 20  # between digits only digits can be missing
    assert among.lost == lost


@pytest.mark.parametrize("kind", [13, 19])
def test_comfort_noise_excuses_the_silence_after_it(kind: int) -> None:
    """That is what it is for."""
    packets = healthy(10)
    packets.append((200.0, rtp(110, 1000 + 1600, kind=kind, payload=b"\x40")))
    packets += [(ms + 2000, data) for ms, data in healthy(10, seq=111, stamp=1000 + 16000)]
    assert distances(one_stream(packets)) == (20, 20, 20)


def test_timestamps_that_wrap_make_no_gap() -> None:
    """They may begin anywhere."""
    assert distances(one_stream(healthy(30, stamp=0xFFFFF000))) == (20, 20, 20)


def test_marker_bits_make_no_difference() -> None:
    """They announce sound after a silence; a silence it is all the same."""
    assert distances(one_stream(healthy(30, marker=True))) == (20, 20, 20)
