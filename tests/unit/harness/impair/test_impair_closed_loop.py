"""What a plan injects is what the analysis of the arrived packets reports: where, and how much, for a hundred seeds.

The seeds are fixed, so each of these is either always true or never. Counts of independent events are binomial; all
bounds are four standard deviations wide, which one count in sixteen thousand would miss.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator, Sequence

import numpy as np
import pytest
from carrying import Carried, as_stream, carry, lane, sound

from harness.impair.crossing import crossing
from harness.impair.lose import Some
from harness.impair.table import Burst

SEEDS = range(100)
PACKETS = 400
SENT = sound(PACKETS)
BEFORE = as_stream(SENT)
SIGMAS = 4


def all_seeds(**asked: object) -> Iterator[Carried]:
    """Yield what comes out for each seed."""
    return (carry(lane(seed, **asked), SENT) for seed in SEEDS)


def assert_binomial(counts: Sequence[int], share: float, *, of: int = PACKETS) -> None:
    """Check each count and their mean."""
    sigma = math.sqrt(of * share * (1 - share))
    assert max(abs(count - of * share) for count in counts) <= SIGMAS * sigma
    assert abs(np.mean(counts) - of * share) <= SIGMAS * sigma / math.sqrt(len(counts))


def test_nothing_is_done_unasked() -> None:
    """Every packet goes on at once, as it was but for the time to live."""
    carried = carry(lane(1), SENT)
    assert [at_s for at_s, _ in carried.arrived] == [at_s for at_s, _ in SENT]
    assert carried.stream.payloads == BEFORE.payloads
    assert not any(parcel.touched for parcel in carried.parcels)


@pytest.mark.parametrize("loss", [0.5, 2, 10, 50])
def test_random_loss(loss: float) -> None:
    """As many are missing as were lost, and about as many were lost as were asked for."""
    found = list(all_seeds(loss=loss))
    for carried in found:
        inner = [number for number in carried.lost() if 1 < number < PACKETS]
        edges = _edges(carried.lost())
        assert carried.stream.missing == len(carried.lost()) - edges <= len(inner)
    assert_binomial([len(carried.lost()) for carried in found], loss / 100)


def _edges(lost: Sequence[int]) -> int:
    """Count the lost packets before the first and after the last that came: no analysis of arrivals can know them."""
    came = sorted({*range(1, PACKETS + 1)} - set(lost))
    return came[0] - 1 + PACKETS - came[-1]


def test_losses_are_independent() -> None:
    """After a lost packet the next one is lost as often as any: runs are as long as chance makes them, 1 / (1 - p)."""
    lost = [carried.lost() for carried in all_seeds(loss=20)]
    total = sum(map(len, lost))
    again = sum(number + 1 in set(numbers) for numbers in lost for number in numbers)
    assert abs(again / total - 0.2) <= SIGMAS * math.sqrt(0.2 * 0.8 / total)


@pytest.mark.parametrize(("loss", "mean"), [(3, 4), (10, 2), (5, 10), (20, 1)])
def test_burst_loss(loss: float, mean: float) -> None:
    """The share and the mean length of bursts are those of the model, whose states last geometrically long."""
    share = loss / 100
    lost = [carried.lost() for carried in all_seeds(burst=Burst(loss=loss, mean=mean))]
    total, packets = sum(map(len, lost)), PACKETS * len(SEEDS)
    # The states of neighbours correlate by 1 - r - q, which makes sums of them vary more than independent ones.
    keeps = 1 - 1 / mean - share / (1 - share) / mean
    sigma = math.sqrt(packets * share * (1 - share) * (1 + keeps) / (1 - keeps))
    assert abs(total - packets * share) <= SIGMAS * sigma
    bursts = sum(number - 1 not in set(numbers) for numbers in lost for number in numbers)
    spread = math.sqrt(mean * (mean - 1) / bursts)
    cut = len(SEEDS) / bursts * mean  # a burst that an end of the stream cut short
    assert abs(total / bursts - mean) <= SIGMAS * spread + cut


def test_exact_loss() -> None:
    """Exactly these, whatever the seed: their numbers, the gaps that they leave, and where."""
    lose = (Some(100, 100), Some(101, 101), Some(200, 219), Some(390, 10**9))
    for carried in all_seeds(lose=lose):
        assert carried.lost() == [100, 101, *range(200, 220), *range(390, PACKETS + 1)]
        stream = carried.stream
        assert stream.missing == 22
        assert [(gap.after_seq, gap.lost, round(1000 * gap.length_s)) for gap in stream.gaps()] == [
            ((65000 + 98) & 0xFFFF, 2, 60), ((65000 + 198) & 0xFFFF, 20, 420),
        ]  # fmt: skip
        assert {parcel.lost for parcel in carried.parcels} == {"", "asked"}


def test_delay() -> None:
    """Every packet is late by that much, and the stream as good as before."""
    carried = carry(lane(1, delay_ms=150), SENT)
    found = crossing("", BEFORE, carried.stream)
    assert np.allclose(found.delays_s, 0.15, atol=1e-6)  # floats of seconds since the epoch
    assert carried.stream.jitter.max_ms < 0.001


@pytest.mark.parametrize("jitter_ms", [1, 10, 19])
def test_jitter(jitter_ms: float) -> None:
    """Extra delays are even from 0 to J, so neighbours differ by J / 3 in the mean: that is RFC 3550's jitter."""
    means, delays = [], []
    for carried in all_seeds(jitter_ms=jitter_ms, delay_ms=30):
        found = crossing("", BEFORE, carried.stream)
        assert 0.03 - 1e-6 <= found.delays_s.min() <= found.delays_s.max() <= 0.03 + jitter_ms / 1000 + 1e-6
        assert carried.stream.reordered == carried.stream.missing == 0
        means.append(carried.stream.jitter.mean_ms)
        delays.append(1000 * found.delays_s.mean() - 30)
    spread = jitter_ms / math.sqrt(12 * PACKETS)  # of the mean of an even distribution
    assert max(abs(delay - jitter_ms / 2) for delay in delays) <= SIGMAS * spread
    # RFC 3550's filter needs some tens of packets to rise from 0: 1 / 16 of the way with each.
    assert np.mean(means) == pytest.approx(jitter_ms / 3 * (1 - 16 / PACKETS), rel=0.02)


def test_large_jitter_overtakes_nobody() -> None:
    """A network's queues keep the order; reordering is asked for by its own name."""
    for carried in itertools.islice(all_seeds(jitter_ms=200), 10):
        assert carried.stream.reordered == 0
        assert len(carried.arrived) == PACKETS


@pytest.mark.parametrize("reorder", [0.5, 5, 30])
def test_reorder(reorder: float) -> None:
    """As many come after a later one as were held back, and nothing is missing."""
    found = list(all_seeds(reorder=reorder))
    counts = [sum(parcel.overtaken for parcel in carried.parcels) for carried in found]
    for carried, count in zip(found, counts, strict=True):
        stream = carried.stream
        assert (stream.reordered, stream.missing, stream.duplicates) == (count, 0, 0)
        late = [parcel.due_s - parcel.came_s for parcel in carried.parcels if parcel.overtaken]
        assert max(late, default=0) <= 0.02 + 1e-9
    share = reorder / 100
    keeps = -share / (1 - share)  # two neighbours are never both held
    sigma = math.sqrt(PACKETS * share * (1 - share) * max(0.01, (1 + keeps) / (1 - keeps)))
    assert max(abs(count - PACKETS * share) for count in counts) <= SIGMAS * sigma + 1


def test_a_held_packet_goes_on_when_nobody_comes() -> None:
    """The last of a stream waits for 100 ms, not for ever."""
    carried = carry(lane(3, reorder=50), SENT[:2])
    held = [parcel for parcel in carried.parcels if parcel.due_s - parcel.came_s > 0.09]
    assert len(carried.arrived) == 2
    assert all(not parcel.overtaken for parcel in held)
    assert max(at_s for at_s, _ in carried.arrived) <= SENT[1][0] + 0.1 + 1e-9


@pytest.mark.parametrize("duplicate", [0.5, 20, 100])
def test_duplicates(duplicate: float) -> None:
    """Copies come right behind, and are no loss and no gap."""
    counts = []
    for carried in all_seeds(duplicate=duplicate):
        stream = carried.stream
        counts.append(stream.duplicates)
        assert stream.packets == PACKETS + stream.duplicates
        assert (stream.missing, stream.max_gap_ms) == (0, 20)
    if duplicate < 100:
        assert_binomial(counts, duplicate / 100)
    else:
        assert set(counts) == {PACKETS}


@pytest.mark.parametrize("corrupt", [0.1, 5, 100])
def test_corrupt(corrupt: float) -> None:
    """One bit of the sound differs from what was sent; the headers never do."""
    counts = []
    for carried in all_seeds(corrupt=corrupt):
        stream = carried.stream
        found = crossing("", BEFORE, stream)
        assert (stream.missing, stream.max_gap_ms, stream.payload_types) == (0, 20, {0: PACKETS})
        assert set(found.corrupted) == {
            (65000 + n) & 0xFFFF for n, parcel in enumerate(carried.parcels) if parcel.flipped_bit is not None
        }
        counts.append(len(found.corrupted))
        bits = [
            bin(int.from_bytes(one) ^ int.from_bytes(other)).count("1")
            for one, other in zip(BEFORE.payloads, stream.payloads, strict=True)
        ]
        assert sum(bits) == len(found.corrupted)
    if corrupt < 100:
        assert_binomial(counts, corrupt / 100)


def test_every_bit_may_be_corrupted() -> None:
    """From the first of the payload to the last, none more often than chance has it."""
    bits = [parcel.flipped_bit for carried in all_seeds(corrupt=100) for parcel in carried.parcels]
    first, count = 8 * (20 + 8 + 12), 8 * 160
    assert (min(bits), max(bits)) == (first, first + count - 1)
    seen = np.bincount(np.array(bits) - first, minlength=count)
    mean = len(bits) / count
    assert abs(seen - mean).max() <= 5 * math.sqrt(mean)  # of 1280 counts some are beyond four


def test_a_rate_that_is_enough_only_delays() -> None:
    """A packet of 200 octets takes 20 ms at 80 kbit/s: one behind the other, none waits."""
    carried = carry(lane(1, rate_kbps=80), SENT)
    found = crossing("", BEFORE, carried.stream)
    assert not found.lost
    assert np.allclose(found.delays_s, 0.02, atol=1e-6)


def test_a_rate_that_is_too_small_loses_what_waits_too_long() -> None:
    """At 64 kbit/s one packet in five is too many; the others leave 25 ms apart after the longest wait."""
    carried = carry(lane(1, rate_kbps=64, queue_ms=200), SENT)
    found = crossing("", BEFORE, carried.stream)
    assert len(found.lost) == pytest.approx(PACKETS / 5, abs=200 / 20 + 1)
    assert {parcel.lost for parcel in carried.parcels} == {"", "rate"}
    assert found.delays_s.max() <= 0.2 + 0.025 + 1e-6
    times = carried.stream.columns.times_s
    assert np.allclose(np.diff(times), 0.025, atol=1e-6)


def test_a_cut() -> None:
    """From that time on nothing comes any more, counted from the direction's first packet."""
    carried = carry(lane(1, cut_after_s=5), [(17 + at_s, packet) for at_s, packet in SENT])
    assert carried.lost() == list(range(251, PACKETS + 1))
    assert {parcel.lost for parcel in carried.parcels[250:]} == {"cut"}
    found = crossing("", BEFORE, carried.stream)
    assert (found.sent, len(found.lost)) == (PACKETS, PACKETS - 250)


def test_what_has_no_number_shares_delay_and_cut() -> None:
    """RTCP is neither lost at random nor counted, but no more passes a cut than the sound does."""
    road = lane(1, loss=100, delay_ms=40, cut_after_s=1)
    road.take(SENT[0][1], 0.0)
    kept, cut = road.take_other(b"x", 0.5), road.take_other(b"x", 1.5)
    assert (kept.due_s, kept.copies) == (0.54, 1)
    assert (cut.copies, cut.lost) == (0, "cut")
    assert (road.packets, road.others) == (1, 2)


def test_the_same_seed_does_the_same() -> None:
    """Also at other times, at another pace and with other impairments beside it; another seed does something else."""
    first = carry(lane(5, loss=10), SENT)
    later = carry(lane(5, loss=10, delay_ms=70, duplicate=30), [(9 + 1.7 * at_s, packet) for at_s, packet in SENT])
    other = carry(lane(6, loss=10), SENT)
    assert first.lost() == later.lost() != other.lost()


def test_all_at_once() -> None:
    """What each packet was done to is what comes out, however it is combined."""
    asked = {
        "loss": 5, "burst": Burst(loss=5, mean=3), "jitter_ms": 15, "delay_ms": 20, "reorder": 5, "duplicate": 5,
        "corrupt": 5, "lose": (Some(1, 3),),
    }  # fmt: skip
    for carried in all_seeds(**asked):
        found = crossing("", BEFORE, carried.stream)
        seqs = {n: (65000 + n) & 0xFFFF for n in range(PACKETS)}
        parcels = list(enumerate(carried.parcels))
        assert list(found.lost) == [seqs[n] for n, parcel in parcels if parcel.lost]
        assert set(found.doubled) == {seqs[n] for n, parcel in parcels if parcel.copies == 2}
        assert set(found.corrupted) == {seqs[n] for n, parcel in parcels if parcel.flipped_bit is not None}
        assert found.overtaken == sum(parcel.overtaken for parcel in carried.parcels)
        times = [at_s for at_s, _ in carried.arrived]
        assert all(one <= other for one, other in itertools.pairwise(times))
