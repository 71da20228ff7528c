"""The trials: short sounds with one right answer, in sections that each test one demand."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np

from battery.sound import (
    COLUMNS,
    KEYS,
    RATE,
    ROWS,
    Floats,
    Samples,
    digit,
    noise,
    pair_rms,
    peak,
    silence,
    somewhere,
    through,
    times,
    tone,
)  # fmt: skip

Maker = Callable[[str, np.random.Generator], Floats]
CODECS = ("pcmu", "pcma", "linear")


@dataclass(frozen=True, slots=True, kw_only=True)
class Section:
    """Trials that differ in key, phase, place and codec only; in an answer `{0}` stands for the key."""

    name: str
    group: str
    make: Maker
    answer: str

    def trials(self, seed: int, count: int) -> Iterator[tuple[Samples, str]]:
        """Yield sounds and answers: every key, by turns through each codec."""
        for number in range(count):
            rng = np.random.default_rng([seed, number])
            key = KEYS[(number * 5 + seed) % 16]
            codec = CODECS[(number + number // 16) % 3]
            yield through(self.make(key, rng), codec), self.answer.format(key)


def one(ms: float, **about: float) -> Maker:
    """One digit somewhere."""
    return lambda key, rng: somewhere(rng, digit(key, ms, rng, **about))


def any_of(*choices: tuple[float, float], ms: float, names: tuple[str, str]) -> Maker:
    """One digit whose two parameters of these names are one of the choices."""

    def make(key: str, rng: np.random.Generator) -> Floats:
        return one(ms, **dict(zip(names, choices[rng.integers(len(choices))], strict=True)))(key, rng)

    return make


def both_off(percent: float, ms: float) -> Maker:
    """Both frequencies off at once, each either way."""
    return any_of(
        *((a, b) for a in (-percent, percent) for b in (-percent, percent)), ms=ms, names=("low_off", "high_off")
    )


def one_off(percent: float, ms: float) -> Maker:
    """Either frequency off, either way."""
    return any_of((-percent, 0), (percent, 0), (0, -percent), (0, percent), ms=ms, names=("low_off", "high_off"))


def level(dbm0: float, ms: float = 40) -> Maker:
    """Both tones of that level."""
    return one(ms, low=dbm0, high=dbm0)


def twisted(decibels: float, ms: float = 40) -> Maker:
    """The high tone so much over the low one; the stronger has -12 dBm0."""
    return one(ms, low=-12 + min(0, -decibels), high=-12 + min(0, decibels))


def worst_together(percent: float, twists: tuple[float, float]) -> Maker:
    """40 ms at the limits of frequency, twist and level at once."""

    def make(key: str, rng: np.random.Generator) -> Floats:
        offs = rng.choice((-percent, percent), 2)
        twist, strong = rng.choice(twists), rng.choice((-3.0, -17.0))
        return one(
            40, low_off=offs[0], high_off=offs[1], low=strong + min(0, -twist), high=strong + min(0, twist)
        )(key, rng)  # fmt: skip

    return make


def twice(on_ms: float, off_ms: float, second: float = -15.0) -> Maker:
    """The same digit two times."""
    return lambda key, rng: somewhere(
        rng, digit(key, on_ms, rng), silence(off_ms), digit(key, on_ms, rng, low=second, high=second)
    )


def interrupted(gap_ms: float, *, anew: bool) -> Maker:
    """40 ms of digit on each side of a gap; after it the phase begins anew or goes on."""

    def make(key: str, rng: np.random.Generator) -> Floats:
        if anew:
            return twice(40, gap_ms)(key, rng)
        sound = digit(key, 80 + gap_ms, rng)
        sound[320 : 320 + round(gap_ms * 8)] = 0
        return somewhere(rng, sound)

    return make


def with_noise(make: Maker, snr_db: float, colour: str = "white") -> Maker:
    """The same in noise that far below the pair of -15 dBm0 each."""

    def noisy(key: str, rng: np.random.Generator) -> Floats:
        sound = make(key, rng)
        return sound + noise(rng, len(sound), pair_rms() * 10 ** (-snr_db / 20), colour)

    return noisy


def with_echo(make: Maker, delay_ms: float, down_db: float) -> Maker:
    """The same with its echo."""

    def echoed(key: str, rng: np.random.Generator) -> Floats:
        sound = make(key, rng)
        late = np.concatenate((silence(delay_ms), sound))[: len(sound)]
        return np.asarray(sound + late * 10 ** (-down_db / 20))

    return echoed


def with_tones(make: Maker, hertz: tuple[float, ...], dbm0: float) -> Maker:
    """The same over steady tones of that level each."""

    def over(key: str, rng: np.random.Generator) -> Floats:
        sound = make(key, rng)
        ms = len(sound) * 1000 / RATE
        return np.asarray(sound + sum(tone(each, ms, dbm0, rng.uniform(0, 6.3)) for each in hertz)[: len(sound)])

    return over


def with_dc(make: Maker, offset: float) -> Maker:
    """The same beside zero."""
    return lambda key, rng: make(key, rng) + offset


def lossy(on_ms: float, how: str, frame_ms: float = 20) -> Maker:
    """A digit of which a frame is lost: silenced, concealed by the one before, left out, or a silence put in."""

    def make(key: str, rng: np.random.Generator) -> Floats:
        before, tones, after = silence(rng.uniform(60, 120)), digit(key, on_ms, rng), silence(rng.uniform(60, 120))
        sound, frame = np.concatenate((before, tones, after)), round(frame_ms * 8)
        at = len(before) + int(rng.integers(-frame // 2, len(tones) - frame // 2))
        if how == "skipped":
            return np.delete(sound, slice(at, at + frame))
        if how == "inserted":
            return np.insert(sound, at, np.zeros(frame))
        sound[at : at + frame] = sound[at - frame : at] if how == "repeated" else 0
        return sound

    return make


def sequence(on_ms: float, off_ms: float, count: int = 8) -> Section:
    """Return the section of several digits in a row, also the same twice."""
    keys = ("{0}" * 2 + "1590{0}D")[: 2 * count]

    def make(key: str, rng: np.random.Generator) -> Floats:
        parts: list[Floats] = []
        for each in keys.format(key):
            parts += [digit(each, on_ms, rng), silence(off_ms)]
        return somewhere(rng, *parts)

    return Section(name=f"{on_ms:g} ms on, {off_ms:g} ms off", group="speed", make=make, answer=keys)


def wrong_pair(group: tuple[int, ...]) -> Maker:
    """Two tones of one group."""

    def make(_: str, rng: np.random.Generator) -> Floats:
        first, second = rng.choice(group, 2, replace=False)
        return somewhere(rng, tone(first, 100, -15, rng.uniform(0, 6.3)) + tone(second, 100, -15, rng.uniform(0, 6.3)))

    return make


def three_tones(key: str, rng: np.random.Generator) -> Floats:
    """A digit and one more of the eight."""
    row, column = divmod(KEYS.index(key), 4)
    more = rng.choice([hertz for hertz in ROWS + COLUMNS if hertz not in (ROWS[row], COLUMNS[column])])
    return somewhere(rng, digit(key, 100, rng) + tone(more, 100, -15, rng.uniform(0, 6.3)))


def single(_: str, rng: np.random.Generator) -> Floats:
    """One of the eight alone."""
    return somewhere(rng, tone(rng.choice(ROWS + COLUMNS), 200, -12))


SIGNALS: dict[str, list[tuple[float, ...]]] = {
    "call progress": [(350, 440), (480, 620), (440, 480), (425,), (400, 450), (400, 425), (425, 450), (600, 120)],
    "MF R1 and R2": [
        # but for R1's "4", 700 and 1500 Hz, which is a "3" within the 1.8 % that NTT wants accepted
        *((a, b) for a in (700, 900, 1100, 1300, 1500) for b in (900, 1100, 1300, 1500, 1700) if a < b < 800 + a),
        (900, 1700),
        *((a, b) for a in (1380, 1500, 1620, 1740, 1860) for b in (1500, 1620, 1740, 1860, 1980) if a < b),
        *((a, b) for a in (540, 660, 780, 900, 1020) for b in (660, 780, 900, 1020, 1140) if a < b),
    ],
    "fax, modem, SIT": [(1100,), (2100,), (2225,), (1300,), (950,), (1400,), (1800,), (1004,), (2600,), (980, 1180)],
}  # Hz: E.180, Q.320, Q.441, T.30, V.25, and what the networks of the field use


def other_signals(name: str) -> Maker:
    """Tones of signals that are not DTMF."""

    def make(_: str, rng: np.random.Generator) -> Floats:
        hertz = SIGNALS[name][rng.integers(len(SIGNALS[name]))]
        parts = []
        for _burst in range(3):
            parts += [sum((tone(each, 180, -12, rng.uniform(0, 6.3)) for each in hertz), silence(180)), silence(80)]
        return somewhere(rng, *parts)

    return make


def caller_id(_: str, rng: np.random.Generator) -> Floats:
    """Bell 202 FSK of 1200 baud, as caller id is sent: 1200 Hz for one, 2200 for nought."""
    bits = np.concatenate((np.tile((1, 0), 150), rng.integers(0, 2, 1000)))
    hertz = np.where(np.repeat(bits, 20)[::3], 1200, 2200)
    return somewhere(rng, peak(-13.5) * np.sin(2 * np.pi * np.cumsum(hertz) / RATE))


def v21(_: str, rng: np.random.Generator) -> Floats:
    """V.21's 300 baud, either channel, as a fax says its name."""
    mark, space = (980, 1180) if rng.random() < 0.5 else (1650, 1850)
    hertz = np.where(np.repeat(rng.integers(0, 2, 300), 27), mark, space)
    return somewhere(rng, peak(-12) * np.sin(2 * np.pi * np.cumsum(hertz) / RATE))


def sweep(_: str, rng: np.random.Generator) -> Floats:
    """One or two sweeps across the band."""
    at = times(1500)
    sound = peak(-12) * np.sin(2 * np.pi * (300 * at + 1000 * at**2))
    if rng.random() < 0.5:
        sound = sound + peak(-12) * np.sin(2 * np.pi * (3300 * at - 900 * at**2))
    return somewhere(rng, sound)


def noise_alone(colour: str) -> Maker:
    """Noise for seconds."""
    return lambda _, rng: noise(rng, 4 * RATE, peak(-12), colour)


def _section(group: str, name: str, make: Maker, answer: str = "{0}") -> Section:
    return Section(name=name, group=group, make=make, answer=answer)


def sections() -> list[Section]:
    """Return all of them, in the order of the table."""
    return [
        *(_section("frequency", f"±{off:g} % both, 40 ms", both_off(off, 40)) for off in (1.5, 1.8)),
        *(_section("frequency", f"±{off:g} % one, 40 ms", one_off(off, 40)) for off in (1.5, 1.8)),
        *(
            _section("frequency", f"±{off:g} % {which}, {ms} ms: none", make(off, ms), "")
            for off in (3.0, 3.5)
            for which, make in (("one", one_off), ("both", both_off))
            for ms in (40, 100)
        ),
        *(_section("level", f"{dbm0:+g} dBm0 each, 40 ms", level(dbm0)) for dbm0 in (0, -3, -15, -25, -29)),
        _section("level", "-55 dBm0 each: none", level(-55, 100), ""),
        *(_section("twist", f"{db:+g} dB, 40 ms", twisted(db)) for db in (4, 5, 6, -5, -6, -8)),
        *(_section("duration", f"{ms} ms", one(ms)) for ms in (40, 45, 50, 60, 80, 100, 200, 1000)),
        *(_section("duration", f"{ms} ms: none", one(ms), "") for ms in (10, 15, 20, 23, 24)),
        _section("duration", "60 ms, edges of 10 ms", one(60, ramp_ms=10)),
        *(_section("pause", f"{ms} ms part two digits", twice(40, ms), "{0}{0}") for ms in (30, 40)),
        _section("pause", "30 ms, the second 12 dB down", twice(50, 30, -27), "{0}{0}"),
        *(
            _section("pause", f"{ms} ms, {how}, part no digit", interrupted(ms, anew=how == "phase anew"))
            for ms in (5, 10, 15, 19)
            for how in ("phase goes on", "phase anew")
        ),
        _section("together", "AT&T: 40 ms, 1.5 %, +4/-8 dB, -3..-25 dBm0", worst_together(1.5, (4, -8))),
        _section("together", "NTT: 40 ms, 1.8 %, ±5 dB", worst_together(1.8, (5, -5))),
        _section("together", "ETSI: 40 ms, 1.5 %, ±6 dB", worst_together(1.5, (6, -6))),
        _section("together", "1.5 % off, 40 ms, 15 dB of noise", with_noise(both_off(1.5, 40), 15)),
        _section("together", "3.5 % off, 100 ms, 15 dB of noise: none", with_noise(both_off(3.5, 100), 15), ""),
        _section("together", "23 ms, 15 dB of noise: none", with_noise(one(23), 15), ""),
        sequence(40, 40), sequence(50, 43), sequence(50, 50), sequence(65, 55), sequence(80, 80), sequence(100, 100),
        *(_section("noise", f"white {db} dB down, 40 ms", with_noise(one(40), db)) for db in (26, 15, 12, 9)),
        _section("noise", "white 9 dB down, 1 % off, 40 ms", with_noise(one_off(1, 40), 9)),
        *(_section("noise", f"white {db} dB down, 80 ms", with_noise(one(80), db)) for db in (9, 6, 3, 0)),
        *(_section("noise", f"babble {db} dB down, 80 ms", with_noise(one(80), db, "babble")) for db in (15, 6)),
        *(_section("noise", f"pink {db} dB down, 60 ms", with_noise(one(60), db, "pink")) for db in (12, 6)),
        *(_section("echo", f"{ms} ms late, 10 dB down", with_echo(one(50), ms, 10)) for ms in (5, 10, 20)),
        _section("echo", "20 ms late, 10 dB down, 40 + 40 ms", with_echo(twice(40, 40), 20, 10), "{0}{0}"),
        *(
            _section("dial tone", f"{db:+d} dB each over the digit's, 60 ms",
                     with_tones(level(-20, 60), (350, 440), -20 + db))
            for db in (-10, 0, 6, 10)
        ),
        *(
            _section("dial tone", f"{db:+d} dB each over the digit's, ±1.5 % both, 40 ms",
                     with_tones(both_off(1.5, 40), (350, 440), -15 + db))
            for db in (0, 6)
        ),
        _section("dial tone", "425 Hz, +6 dB over the digit's, 60 ms", with_tones(level(-20, 60), (425,), -14)),
        _section("dial tone", "DC of a tenth of full scale", with_dc(level(-20, 60), 3200)),
        _section("dial tone", "hum of 50 Hz as loud", with_tones(level(-15, 60), (50,), -12)),
        *(
            _section("lost frame", f"{how}, of {ms} ms", lossy(ms, how))
            for ms in (80, 100, 160)
            for how in ("silenced", "repeated", "skipped", "inserted")
        ),
        _section("no digit", "single tones", single, ""),
        _section("no digit", "two rows", wrong_pair(ROWS), ""),
        _section("no digit", "two columns", wrong_pair(COLUMNS), ""),
        _section("no digit", "a third tone of the eight", three_tones, ""),
        *(_section("no digit", name, other_signals(name), "") for name in SIGNALS),
        _section("no digit", "caller id (Bell 202)", caller_id, ""),
        _section("no digit", "V.21", v21, ""),
        _section("no digit", "sweeps", sweep, ""),
        *(_section("no digit", f"{colour} noise", noise_alone(colour), "") for colour in ("white", "pink", "babble")),
    ]  # fmt: skip
