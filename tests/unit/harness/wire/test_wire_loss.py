"""Losses one by one and in bursts, the E-model, clock skew and telephone-events: figures with a known truth."""

from __future__ import annotations

import numpy as np
import pytest

from harness.wire.emodel import mos, r_factor
from harness.wire.events import events
from harness.wire.loss import Losses, losses
from harness.wire.rtp import RtpPacket
from harness.wire.skew import skew_ppm

KEYS = "0123456789*#ABCD"


def came(count: int, *lost: int) -> np.ndarray:
    """Return the numbers that came of so many."""
    return np.array(sorted({*range(count)} - {*lost}))


def test_nothing_lost():
    """No burst, no density, no division by it."""
    assert losses(came(100)) == Losses()
    assert losses(np.array([7])) == Losses()


def test_lone_losses_are_no_burst():
    """Three among three thousand, where RFC 3611's own counters find a burst."""
    found = losses(came(3000, 500, 1000, 1500))
    assert (found.bursts, found.burst_density, found.longest_run) == (0, 0.0, 1)
    assert found.gap_density == pytest.approx(3 / 3000)


@pytest.mark.parametrize(("apart", "bursts"), [(16, 1), (17, 0)])
def test_sixteen_packets_in_between_end_a_burst(apart, bursts):
    """Gmin: with fifteen they are still one."""
    assert losses(came(200, 100, 100 + apart)).bursts == bursts


def test_a_burst_and_a_lone_loss():
    """Each has its density."""
    found = losses(came(1000, 100, 101, 105, 800))
    assert found.bursts == 1
    assert found.mean_burst == 6
    assert found.burst_density == pytest.approx(3 / 6)
    assert found.gap_density == pytest.approx(1 / (1000 - 6))
    assert found.mean_run == pytest.approx(4 / 3)
    assert found.longest_run == 2


def test_bursts_of_random_losses_add_up():
    """Lost in bursts and outside of them are all that was lost."""
    random = np.random.default_rng(3)
    for _ in range(100):
        count = int(random.integers(2, 400))
        kept = np.flatnonzero(random.random(count) > random.random())
        if len(kept) < 2:
            continue
        found = losses(kept)
        due = kept[-1] - kept[0] + 1
        inside = found.bursts * found.mean_burst
        assert found.burst_density * inside + found.gap_density * (due - inside) == pytest.approx(due - len(kept))


@pytest.mark.parametrize(("percent", "score"), [(0, 4.41), (0.5, 4.14), (1, 3.83), (2, 3.26), (3, 2.79), (5, 2.17)])
def test_the_score_of_g711_without_concealment(percent, score):
    """Published values for random loss."""
    r = r_factor("PCMU", percent, 1.0)
    assert r is not None
    assert mos(r) == pytest.approx(score, abs=0.006)


@pytest.mark.parametrize(("codec", "percent", "score"), [
    ("G729", 0, 4.10), ("g729", 2, 3.79), ("G723", 3, 3.39), ("AMR", 3, 3.47), ("AMR", 5, 3.01),
])  # fmt: skip
def test_other_codecs(codec, percent, score):
    """Worse to begin with, less sensitive to loss."""
    r = r_factor(codec, percent, 1.0)
    assert r is not None
    assert mos(r) == pytest.approx(score, abs=0.006)


def test_losses_in_a_row_are_worse_than_one_by_one():
    """And a codec that nobody has measured has no score."""
    assert r_factor("PCMA", 2, 4.0) < r_factor("PCMA", 2, 1.0)
    assert r_factor("opus", 2, 1.0) is None


@pytest.mark.parametrize(("r", "score"), [(-5, 1.0), (0, 1.0), (100, 4.5), (93.2, 4.41), (50, 2.575)])
def test_ratings_as_scores(r, score):
    """The ends are held."""
    assert mos(r) == pytest.approx(score, abs=0.005)


@pytest.mark.parametrize("ppm", [-200.0, -20.0, 0.0, 50.0, 500.0])
def test_skew_is_found_under_jitter(ppm):
    """Packets come late at random, some of them very; the earliest tell the clock."""
    random = np.random.default_rng(1)
    sent_s = 0.02 * np.arange(3000)
    times_s = sent_s / (1 + ppm * 1e-6) + random.exponential(0.003, 3000) + 1e9
    times_s[1000:1010] += 0.2
    timestamps = (np.arange(3000) * 160 + 0xFFFFF000) & 0xFFFFFFFF
    assert skew_ppm(times_s, timestamps, 8000) == pytest.approx(ppm, abs=15)


def test_too_little_to_tell_the_skew():
    """Short streams, unknown clocks, and what is no drift any more."""
    times_s, timestamps = 0.02 * np.arange(400), 160 * np.arange(400)
    assert skew_ppm(times_s, timestamps, 8000) is None
    assert skew_ppm(0.02 * np.arange(3000), 160 * np.arange(3000), 0) is None
    assert skew_ppm(0.03 * np.arange(3000), 160 * np.arange(3000), 8000) is None


def event(key: str, seq: int, timestamp: int, length: int, *, end: bool = False, kind: int = 101) -> RtpPacket:
    """Return a telephone-event packet; volume 10."""
    payload = bytes([KEYS.index(key), (0x80 if end else 0) | 10]) + length.to_bytes(2, "big")
    return RtpPacket(seq / 50, seq, timestamp, kind, False, 1, payload)


def press(key: str, seq: int, timestamp: int) -> list[RtpPacket]:
    """Return a key of 100 ms: five packets, the last of them three times."""
    return [event(key, seq + n, timestamp, 160 * (n + 1), end=n >= 4) for n in range(5)] + [
        event(key, seq + 5, timestamp, 800, end=True), event(key, seq + 6, timestamp, 800, end=True),
    ]  # fmt: skip


def test_a_key_counts_once_however_often_its_end_is_sent():
    """With its length and level."""
    (found,) = events(press("5", 10, 1000), 101, 8000)
    assert (found.key, found.at_s, found.length_s, found.level_dbm0, found.ended) == ("5", 0.2, 0.1, -10, True)


def test_all_keys_also_doubled_ones():
    """What tells two equal keys apart is the timestamp of their beginning."""
    packets = [packet for n, key in enumerate(KEYS + "11") for packet in press(key, 10 * n, 2000 * n)]
    assert "".join(event.key for event in events(packets, 101, 8000)) == KEYS + "11"


@pytest.mark.parametrize("kept", [[0], [3], [6], [0, 1, 2], [4, 5, 6], [1, 5]])
def test_one_packet_of_a_key_is_enough(kept):
    """Whatever got lost of it."""
    packets = press("7", 10, 1000)
    (found,) = events([packets[n] for n in kept], 101, 8000)
    assert found.key == "7"
    assert found.ended is (max(kept) >= 4)


def test_what_is_no_key():
    """Other payload types, flash and tones, packets too short."""
    flash = RtpPacket(0, 0, 0, 101, False, 1, bytes([16, 0x80, 0, 0]))
    short = RtpPacket(0, 0, 0, 101, False, 1, bytes([1, 0x80]))
    assert events([flash, short, event("1", 0, 0, 80, kind=0)], 101, 8000) == []
