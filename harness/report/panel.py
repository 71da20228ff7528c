"""One page about one call, which carries all that it shows: verdict, players, pictures, figures.

It works without scripts, for whoever shows it (Allure, say) may forbid them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from b2b.errors import B2bError, describe
from harness.call import Call, Listener
from harness.report import clips, pictures
from harness.verdict import Check, Outcome, Verdict

if TYPE_CHECKING:
    from harness.sound.g711 import Samples

AROUND_S = 0.7  # of sound before and after a place that is amiss
MOST_CLIPS = 10
LONG_S, ENDS_S = 300.0, 30.0  # of a call longer than that, only so much of its beginning and end is carried
WORDS = {Outcome.PASS: ("✓", "passed"), Outcome.FAIL: ("✗", "failed"), Outcome.UNKNOWN: ("?", "could not tell")}


@dataclass(frozen=True, slots=True)
class Exhibit:
    """Something to hear or to look at; without a source it says why there is none."""

    title: str
    source: str = ""
    why: str = ""


def panel(call: Call) -> str:
    """Return the page of a finished run; what is missing of the run is said in its place."""
    import jinja2

    environment = jinja2.Environment(
        loader=jinja2.PackageLoader("harness.report"), autoescape=True, undefined=jinja2.StrictUndefined,
        trim_blocks=True, lstrip_blocks=True,
    )  # fmt: skip
    verdict = call.verdict or Verdict(Outcome.UNKNOWN, _without_verdict(call), [])
    mark, word = WORDS[verdict.outcome]
    return environment.get_template("panel.html").render(
        name=call.folder.name,
        outcome=verdict.outcome.value,
        mark=mark,
        word=word,
        verdict=verdict,
        players=list(_players(call)),
        clips=list(_clips(call, verdict)),
        pictures=list(_pictures(call)),
        legs=[leg for leg in call.legs if leg.src and leg.dst],
        listeners=call.listeners,
        call=call,
    )


def _without_verdict(call: Call) -> str:
    if failed := call.summary["failed_first"]:
        return f"{failed['node']} failed: {failed['reason']}"
    return "nothing was expected of this call" if call.was_made else "there was no call"


def _players(call: Call) -> Iterator[Exhibit]:
    """Yield what each sink heard, each followed by what its source played."""
    for listener in call.listeners:
        yield from _long_or_short(f"{listener.node.name} heard", partial(_recorded, listener))
        if listener.played:
            yield from _long_or_short(f"{listener.chain[0].name} played", partial(_played, listener, listener.played))


def _recorded(listener: Listener) -> Samples:
    return listener.samples


def _played(listener: Listener, file: Path) -> Samples:
    """Return the source's file as far as it was played."""
    from harness.sound import RATE, decode

    return decode(file)[: round(listener.length_s * RATE)]


def _long_or_short(title: str, sound: Callable[[], Samples]) -> Iterator[Exhibit]:
    from harness.sound import RATE

    try:
        samples = sound()
    except (B2bError, OSError, LookupError) as error:
        yield Exhibit(title, why=str(error))
        return
    if len(samples) <= LONG_S * RATE:
        yield Exhibit(title, _uri(samples))
        return
    length_s = len(samples) / RATE
    yield Exhibit(f"{title}, first {ENDS_S:.0f} s", _uri(clips.cut(samples, 0, ENDS_S)))
    yield Exhibit(f"{title}, last {ENDS_S:.0f} s", _uri(clips.cut(samples, length_s - ENDS_S, length_s)))


def _uri(samples: Samples) -> str:
    return clips.data_uri(clips.wav(samples), "audio/wav")


def _clips(call: Call, verdict: Verdict) -> Iterator[tuple[Check, Exhibit]]:
    """Yield each check of a recording that went wrong at a known time, with the sound around it."""
    heard = {listener.node.name: listener for listener in call.listeners}
    amiss = [check for check in verdict.checks if check.outcome is not Outcome.PASS and check.at_s is not None]
    for check in [check for check in amiss if check.where in heard][:MOST_CLIPS]:
        assert check.at_s is not None
        around = clips.cut(heard[check.where].samples, check.at_s - AROUND_S, check.at_s + AROUND_S)
        yield check, Exhibit(f"{check.where} around {check.at_s:.2f} s", _uri(around))


def _pictures(call: Call) -> Iterator[Exhibit]:
    for listener in call.listeners:
        yield _picture(f"what {listener.node.name} heard", "image/svg+xml", partial(_heard, listener))
        draw = partial(pictures.spectrogram, call, listener)
        yield _picture(f"spectrogram of what {listener.node.name} heard, with its digits", "image/png", draw)
    title = "distance from packet to packet on each leg, its limit, and stalls of this machine"
    yield _picture(title, "image/svg+xml", partial(pictures.gap_timeline, call))


def _heard(listener: Listener) -> bytes:
    gaps = listener.hearing.gaps if listener.hearing else ()
    amiss = [(gap.at_s, gap.length_s) for gap in gaps]
    return pictures.waveform(listener.samples, listener.node.name, amiss=amiss)


def _picture(title: str, kind: str, draw: Callable[[], bytes]) -> Exhibit:
    try:
        return Exhibit(title, clips.data_uri(draw(), kind))
    except (B2bError, OSError, LookupError) as error:
        return Exhibit(title, why=str(error))
    except Exception as error:  # the figures below it matter more than a picture
        return Exhibit(title, why=describe(error))

