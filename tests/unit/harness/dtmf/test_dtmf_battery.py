"""The battery's sections, a few trials each: the detector gets all right, and others show that one can be wrong."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from battery import field, score
from battery.sound import COLUMNS, KEYS, RATE, ROWS, Samples, digit, silence, through
from battery.trials import CODECS, Section, sections
from harness.dtmf import detect
from harness.sound import decode

SAMPLE = Path(__file__).parents[4] / "fixtures" / "sample.mp3"
SECTIONS = sections()
EACH = pytest.mark.parametrize("section", SECTIONS, ids=lambda section: f"{section.group}: {section.name}")
MAY_MISS = {"white 0 dB down, 80 ms": 2, "repeated, of 80 ms": 1}  # of the trials: what no demand asks for


def ours(samples: Samples) -> str:
    """Return what our detector hears."""
    return "".join(one.digit for one in detect(samples, RATE))


def credulous(samples: Samples) -> str:
    """Return a digit for every 10 ms that are not silent: its loudest row and column."""
    blocks = samples[: len(samples) // 80 * 80].reshape(-1, 80).astype(np.float64)
    levels = np.abs(blocks @ np.exp(-2j * np.pi / RATE * np.outer(np.arange(80), ROWS + COLUMNS)))
    loud = levels[levels.max(axis=1) > 300]
    return "".join(KEYS[4 * int(each[:4].argmax()) + int(each[4:].argmax())] for each in loud)


@EACH
def test_each_demand_is_met(section: Section) -> None:
    """Every key once, through µ-law, A-law and neither by turns."""
    wrong = score.wrong(ours, section, SECTIONS.index(section), 16)
    assert len(wrong) <= MAY_MISS.get(section.name, 0), wrong


@EACH
def test_each_demand_can_be_missed(section: Section) -> None:
    """By who hears nothing, or by who hears a digit in everything."""
    detector = (lambda _: "") if section.answer else credulous
    assert score.right(detector, section, 1, 3) < 1


def test_no_section_is_there_twice() -> None:
    """Or a table would have two rows of one name."""
    assert len({(section.group, section.name) for section in SECTIONS}) == len(SECTIONS) > 100


@pytest.mark.parametrize(("over_db", "least"), [(-12, 1.0), (-6, 0.95), (0, 0.85), (6, 0.6)])
def test_digits_under_speech(over_db: float, least: float) -> None:
    """So many are found, and none is made up, even where the speech is as loud as they are, or twice as loud."""
    rng, speech = np.random.default_rng(3), decode(SAMPLE)
    mixed = [field.digits_under(speech, over_db, ms, rng) for ms in (50, 80, 100) for _ in range(2)]
    heard = [(each.sent, ours(each.samples)) for each in mixed]
    found = sum(score.in_common(*pair) for pair in heard)
    assert found >= least * sum(len(sent) for sent, _ in heard)
    assert sum(len(got) for _, got in heard) == found


def test_no_digit_at_other_pitches_of_speech() -> None:
    """The sample as higher and as lower voices."""
    assert score.false_digits(ours, field.at_pitches(decode(SAMPLE))) == 0


def test_no_digit_in_chords() -> None:
    """Ten minutes of equal-tempered chords, some of which hold a pair within 1 %."""
    assert score.false_digits(ours, [field.chords(600, 7)]) <= 1


@pytest.mark.parametrize("codec", CODECS)
@pytest.mark.parametrize("ms", [40, 80, 300])
def test_edges_are_where_they_were_made(codec: str, ms: float) -> None:
    """Within a millisecond."""
    rng = np.random.default_rng(2)
    for key in KEYS:
        before = silence(rng.uniform(60, 120))
        [one] = detect(through(np.concatenate((before, digit(key, ms, rng), silence(90))), codec), RATE)
        begin_s = len(before) / RATE
        assert [one.start_s, one.end_s] == pytest.approx([begin_s, begin_s + ms / 1000], abs=0.001)


@pytest.mark.parametrize(
    ("sent", "heard", "common"), [("123", "123", 3), ("123", "13", 2), ("12", "2112", 2), ("1", "", 0)]
)
def test_what_was_found_is_counted(sent: str, heard: str, common: int) -> None:
    """In order, with gaps."""
    assert score.in_common(sent, heard) == common
