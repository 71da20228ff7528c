"""Runs the battery of tests/battery through `b2b dtmf`, spandsp and multimon-ng, and writes the tables of docs/dtmf.md.

    python benchmarks/dtmf.py [--trials 16]

All of it takes some ten minutes. With `--trials`, that many a row, it only shows whether something broke, and writes
nothing.
"""

from __future__ import annotations

import os

os.environ.update(dict.fromkeys(("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS"), "1"))  # before numpy is loaded

import platform
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT / "tests"))

from result import Row, flags, hand_over  # noqa: E402

from battery import field, score  # noqa: E402
from battery.peers import Hear, multimon_raw, peers, resampled  # noqa: E402
from battery.sound import RATE, Samples, digit, through, under  # noqa: E402
from battery.trials import sections  # noqa: E402
from harness.dtmf import detect  # noqa: E402

PAGE = ROOT / "docs" / "dtmf.md"
BEGIN, END = "<!-- written by benchmarks/dtmf.py -->", "<!-- end -->"
PACKAGES = ("libspandsp2", "multimon-ng")
ROUNDS = 31


def ours(samples: Samples) -> str:
    """Return what our detector hears."""
    return "".join(one.digit for one in detect(samples, RATE))


def limits(detectors: dict[str, Hear], trials: int) -> Iterator[str]:
    """Yield a row for each demand: the percentage of trials that were exactly right."""
    group = ""
    for seed, section in enumerate(sections()):
        shares = [100 * score.right(hear, section, seed, trials) for hear in detectors.values()]
        named = section.group if section.group != group else ""
        group = section.group
        yield row(named, section.name, *(f"{share:.0f}" if share in (0, 100) else f"{share:.1f}" for share in shares))


def under_sound(detectors: dict[str, Hear], rounds: int) -> Iterator[str]:
    """Yield a row for each level and length: the percentage of digits that were found, and how many were made up."""
    sounds = [sound for sound in (*field.prompts().values(), *field.music().values()) if len(sound) > 21 * RATE]
    for over_db in (-12, -6, 0, 6):
        for ms in (50, 80, 100):
            rng = np.random.default_rng(over_db + 100 + ms)
            mixed = [field.digits_under(sound, over_db, ms, rng) for _ in range(rounds) for sound in sounds]
            sent = sum(len(each.sent) for each in mixed)
            cells = []
            for hear in detectors.values():
                heard = [(each.sent, hear(each.samples)) for each in mixed]
                found = sum(score.in_common(*pair) for pair in heard)
                cells.append(f"{100 * found / sent:.1f} / {sum(len(got) for _, got in heard) - found}")
            yield row(f"{over_db:+d} dB", f"{ms} ms", str(sent), *cells)


def talk_off(detectors: dict[str, Hear]) -> Iterator[str]:
    """Yield a row for each kind of sound without digits: hours, and how many were heard."""
    kinds = {
        "voices recorded": list(field.prompts().values()),
        "the same, higher and lower": [b for a in field.prompts().values() for b in list(field.at_pitches(a))[1:]],
        "voices synthesised": list(field.read_out().values()),
        "music recorded": list(field.music().values()),
        "the same, higher and lower ": [b for a in field.music().values() for b in list(field.at_pitches(a))[1:]],
        "chords synthesised": [field.chords(1800, seed) for seed in range(2)],
    }
    for name, sounds in kinds.items():
        if sounds:
            coded = [through(sound, "pcmu") for sound in sounds]
            hours = sum(len(sound) for sound in coded) / RATE / 3600
            yield row(name, f"{hours:.2f}", *(str(score.false_digits(hear, coded)) for hear in detectors.values()))


def calls() -> dict[str, Samples]:
    """Return what the speed is measured with: 300 s each."""
    rng = np.random.default_rng(1)
    speech = np.resize(next(iter(field.prompts().values()), field.chords(300, 1)), 300 * RATE).astype(np.float64)

    def full(gain: float, keys: str, period_s: float) -> Samples:
        begins = np.arange(0, 298, period_s)
        tones = [(begin + 0.16 * n, digit(key, 80, rng)) for begin in begins for n, key in enumerate(keys)]
        return through(under(gain * speech, tones), "pcmu")

    return {
        "a mixed call: speech at half gain, 123# every 2 s": full(0.5, "123#", 2.0),
        "the same, speech at full gain": full(1.0, "123#", 2.0),
        "digits alone, six a second": full(0.0, "123#0D", 1.0),
        "speech alone": through(speech, "pcmu"),
        "silence": np.zeros(300 * RATE, np.int16),
    }


def speed(detectors: dict[str, Hear], rows: list[Row]) -> Iterator[str]:
    """Yield a row for each call: times real time, and ours against spandsp, run by run in turns; `rows` gets those."""
    for name, samples in calls().items():
        fast = {key: hear for key, hear in detectors.items() if key != "multimon-ng"}
        times = {key: list[float]() for key in fast}
        for _ in range(ROUNDS):
            for key, hear in fast.items():
                times[key].append(timed(hear, samples, time.process_time))
        if "multimon-ng" in detectors:  # is given its own rate, as resampling is not its work
            raw = resampled(samples)
            times["multimon-ng"] = [timed(multimon_raw, raw, time.perf_counter) for _ in range(5)]
        for peer in set(times) & {"spandsp"}:
            rows.append(Row(what=f"digits in {name}", unit="s", peer=peer, ours=times["b2b"], theirs=times[peer]))
        cells = [f"{len(samples) / RATE / min(each):,.0f}" for each in times.values()]
        ratios = sorted(b / a for a, b in zip(times["b2b"], times.get("spandsp", times["b2b"]), strict=True))
        low, middle, high = ratios[len(ratios) // 4], statistics.median(ratios), ratios[3 * len(ratios) // 4]
        yield row(name, *cells, f"{middle:.2f} ({low:.2f} to {high:.2f})")


def timed(hear: Hear, samples: Samples, clock: Callable[[], float]) -> float:
    """Return how many seconds it takes."""
    began = clock()
    hear(samples)
    return clock() - began


def row(*cells: str) -> str:
    """Return a row of a Markdown table."""
    return "| " + " | ".join(cell.strip() for cell in cells) + " |"


def table(head: tuple[str, ...], numbers: int, rows: Iterator[str]) -> Iterator[str]:
    """Yield a table whose last columns are numbers, and show its rows while they come."""
    yield row(*head)
    yield row(*(":--" if n < len(head) - numbers else "--:" for n in range(len(head))))
    for line in rows:
        print(line, flush=True)
        yield line
    yield ""


def machine() -> str:
    """Return what the figures were made with."""
    lines = Path("/proc/cpuinfo").read_text().splitlines()
    cpu = next((line.split(":")[1].strip() for line in lines if line.startswith("model name")), platform.machine())
    asked = subprocess.run(["dpkg-query", "-W", *PACKAGES], capture_output=True, text=True, check=False).stdout
    versions = [" ".join(line.split()) for line in asked.splitlines()]
    parts = (f"{cpu}, {os.cpu_count()} processors", f"Python {platform.python_version()}", f"numpy {np.__version__}")
    return ", ".join((*parts, *versions))


def report(detectors: dict[str, Hear], trials: int, rows: list[Row]) -> str:
    """Return all the tables, as Markdown."""
    names = tuple(detectors)
    rounds = max(1, trials // 16)
    lines = [
        f"{machine()}.",
        "",
        "### Speed",
        "",
        "300 s of sound in one thread: how many times faster than real time, at best. multimon-ng's includes the start "
        "of its process, but not the resampling that it needs. Last, spandsp's processor time over b2b's, in turns: "
        "the median of the ratios and their quartiles.",
        "",
        *table(("call", *names, "b2b : spandsp"), len(names) + 1, speed(detectors, rows)),
        "### Nothing heard where there is nothing",
        "",
        "Digits heard in sound without any, after a leg of µ-law.",
        "",
        *table(("sound", "hours", *names), len(names) + 1, talk_off(detectors)),
        "### Digits under sound",
        "",
        "How loud the sound is against the digits, while it sounds; percentage of the digits that were found / digits "
        "heard that were none. Recorded voices and music.",
        "",
        *table(("sound", "digits", "sent", *names), len(names) + 1, under_sound(detectors, rounds)),
        "### Limits",
        "",
        f"Percentage of {trials} trials that were exactly right: every key, in any phase, at any place, by turns "
        "through µ-law, A-law and neither.",
        "",
        *table(("", "demand", *names), len(names), limits(detectors, trials)),
    ]
    return "\n".join(lines)


def main() -> None:
    """Measure, and write."""
    parser = flags(__doc__)
    parser.add_argument("--trials", type=int, default=0, help="trials a row; with it nothing is written")
    asked, rows = parser.parse_args(), list[Row]()
    trials = asked.trials
    found = report({"b2b": ours, **peers()}, trials or 48, rows)
    hand_over(rows, asked)
    if not trials:
        page = PAGE.read_text(encoding="utf-8")
        before, after = page.split(BEGIN)[0], page.split(END)[1]
        PAGE.write_text(f"{before}{BEGIN}\n{found}{END}{after}", encoding="utf-8")
        print(f"written to {PAGE.relative_to(ROOT)}")


if __name__ == "__main__":
    main()
