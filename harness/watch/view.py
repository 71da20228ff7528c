"""How a run looks in a terminal of any width: a line about all of it, the roles, the legs, and what each sink hears."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from rich.cells import cell_len
from rich.console import Group, RenderableType
from rich.progress_bar import ProgressBar
from rich.rule import Rule
from rich.table import Table
from rich.text import Text

from b2b.flags import MIXER, ORCHESTRATOR, SINK, SOURCE
from b2b.logs import printable
from b2b.orchestrator.console import TAGS
from harness.watch.listening import Listening
from harness.watch.state import Mood, Role, State
from harness.watch.watched import Watched
from harness.watch.wire import WatchedLeg

KINDS = {tag: role for role, tag in TAGS.items()}
COLOURS = {ORCHESTRATOR: "yellow", SOURCE: "green", MIXER: "magenta", SINK: "blue"}  # as the orchestrator's own
MARKS = {" ✓": "green", " !": "yellow", " ✗": "red"}
MOODS = {Mood.IDLE: "", Mood.BUSY: "yellow", Mood.GOOD: "green", Mood.BAD: "bold red"}
NOTHING = "–"
QUIETEST_DBOV, LOUD_DBOV, TOO_LOUD_DBOV = -60.0, -9.0, -3.0
METER, SHORTEST_METER = 24, 6
NOTICED_S = 0.020  # one packet may be late by as much and nobody hears it
SILENT_S = 1.0  # without a packet, while the call goes on
BETWEEN = 2  # blanks from column to column
FEWEST_DIGITS, BESIDE_DIGITS = 8, 40


@dataclass(frozen=True, slots=True)
class Column:
    """A column of a table; where there is no room, the one with the highest `spare` goes first, 0 never."""

    head: str
    spare: int = 0
    right: bool = True


ROLES = (
    Column("role", right=False), Column("", right=False), Column("sent", 1), Column("received", 1), Column("lost", 2),
    Column("jitter p95", 3), Column("cpu", 4),
)  # fmt: skip
LEGS = (
    Column("leg", right=False), Column("packets", 2), Column("lost", 1), Column("worst gap"), Column("gaps", 1),
    Column("dBov", 3), Column("", 4, right=False),
)  # fmt: skip
SINKS = (Column("sink", right=False), Column("dBov", 2), Column("", 3, right=False), Column("digits", right=False))


def view(watched: Watched, *, now_s: float, width: int) -> RenderableType:
    """Return the picture of a run at a time."""
    parts: list[RenderableType] = [Rule(style="dim"), _head(watched, now_s, width)]
    if roles := [list(_role(role)) for role in watched.state.roles.values()]:
        parts.append(_table(ROLES, roles, width))
    if legs := [list(_leg(leg, watched, now_s)) for leg in watched.legs]:
        parts.append(_table(LEGS, legs, width))
    if any(sink.digits or sink.level_dbov is not None for sink in watched.sinks):
        parts.append(_table(SINKS, [list(_sink(sink, width)) for sink in watched.sinks], width))
    if watched.state.held_s >= NOTICED_S:
        says = f"this machine held up the call, for {1000 * watched.state.held_s:.0f} ms at most"
        parts.append(Text(says, "yellow", no_wrap=True, overflow="ellipsis"))
    return Group(*parts)


def log_line(line: str, roles: Mapping[str, Role]) -> Text:
    """Return a line of the log, `[TAG ] words`, in the colours that the orchestrator gives it."""
    tag, bracket, words = printable(line).partition("]")
    kind = KINDS.get(name := tag.strip("[ "), roles[name].kind if name in roles else "")
    return Text.assemble((tag + bracket, COLOURS.get(kind, "")), (words[:2], MARKS.get(words[:2], "")), words[2:])


def _head(watched: Watched, now_s: float, width: int) -> RenderableType:
    state = watched.state
    words = Text.assemble((watched.name, "bold"), "  ", (printable(state.says), MOODS[state.mood]))
    elapsed_s = state.elapsed_s(now_s)
    if elapsed_s is None:
        return Text.assemble(words, no_wrap=True, overflow="ellipsis")
    words.append(f"  {_clock(elapsed_s)}" + (f" of {_clock(state.expected_s)}" if state.expected_s else ""))
    words.no_wrap, words.overflow = True, "ellipsis"
    left = width - cell_len(words.plain) - BETWEEN
    if not state.expected_s or left < SHORTEST_METER:
        return words
    line = Table.grid(padding=(0, BETWEEN, 0, 0))
    line.add_row(words, ProgressBar(state.expected_s, min(elapsed_s, state.expected_s), width=left))
    return line


def _role(role: Role) -> Iterator[RenderableType]:
    values = role.metrics
    yield Text(role.name, COLOURS.get(role.kind, ""))
    yield Text(printable(role.says), MOODS[role.mood])
    yield _number(values.get("packets_tx") if role.kind != SINK else None)
    hears = role.kind != SOURCE
    yield _number(values.get("packets_rx") if hears else None)
    lost = values.get("rtp_loss") if hears else None
    yield Text(_number(lost), "red" if lost else "")
    yield _number(values.get("jitter_ms_p95") if hears else None, " ms", digits=2)
    yield _number(values.get("cpu_pct"), " %", digits=1)


def _leg(leg: WatchedLeg, watched: Watched, now_s: float) -> Iterator[RenderableType]:
    yield leg.name.replace("->", "→")
    yield str(leg.packets)
    yield Text(str(leg.lost), "red" if leg.lost else "")
    silent_s = now_s - leg.last_at_s
    in_call = watched.state.answered_at_s is not None and watched.state.ended_at_s is None
    if watched.going_on and in_call and silent_s > SILENT_S:
        yield Text(f"silent for {silent_s:.0f} s", "bold red")
    else:
        yield Text(_worst(leg, watched.state), "red" if leg.gaps else "")
    yield Text(str(leg.gaps), "red" if leg.gaps else "")
    yield _number(leg.level_dbov, digits=1)
    yield _meter(leg.level_dbov)


def _worst(leg: WatchedLeg, state: State) -> str:
    if not leg.worst_ms:
        return NOTHING
    at = f" at {_clock(leg.worst_at_s - state.answered_at_s)}" if leg.gaps and state.answered_at_s else ""
    return f"{leg.worst_ms:.1f} ms{at}"


def _sink(sink: Listening, width: int) -> Iterator[RenderableType]:
    yield Text(sink.name, COLOURS[SINK])
    yield _number(sink.level_dbov, digits=1)
    yield _meter(sink.level_dbov)
    room = max(FEWEST_DIGITS, width - BESIDE_DIGITS)
    count = f"  ({len(sink.digits)})" if sink.digits else ""
    yield ("…" if len(sink.digits) > room else "") + sink.digits[-room:] + count


def _meter(level_dbov: float | None) -> ProgressBar:
    """Return a bar from -60 to 0 dBov, as long as its column is wide."""
    level = QUIETEST_DBOV if level_dbov is None else max(QUIETEST_DBOV, level_dbov)
    style = "red" if level > TOO_LOUD_DBOV else "yellow" if level > LOUD_DBOV else "green"
    return ProgressBar(-QUIETEST_DBOV, level - QUIETEST_DBOV, complete_style=style, finished_style=style)


def _table(columns: Sequence[Column], rows: Sequence[Sequence[RenderableType]], width: int) -> Table:
    """Return a table of the columns that there is room for; its bars take what is left, up to a limit."""
    widths = [max(cell_len(column.head), *(_width(row[at]) for row in rows)) for at, column in enumerate(columns)]
    kept = list(range(len(columns)))
    while sum(widths[at] + BETWEEN for at in kept) > width + BETWEEN and any(columns[at].spare for at in kept):
        kept.remove(max(kept, key=lambda at: columns[at].spare))
    left = width + BETWEEN - sum(widths[at] + BETWEEN for at in kept)
    bar = min(METER, SHORTEST_METER + max(0, left))
    table = Table(box=None, padding=(0, BETWEEN, 0, 0), pad_edge=False, header_style="dim")
    for at in kept:
        bars = isinstance(rows[0][at], ProgressBar)
        table.add_column(
            columns[at].head,
            justify="right" if columns[at].right else "left",
            width=bar if bars else min(widths[at], width),
            no_wrap=True,
            overflow="ellipsis",
        )
    for row in rows:
        table.add_row(*(row[at] for at in kept))
    return table


def _width(cell: RenderableType) -> int:
    return SHORTEST_METER if isinstance(cell, ProgressBar) else cell_len(str(cell))


def _number(value: object, unit: str = "", *, digits: int = 0) -> str:
    return f"{value:.{digits}f}{unit}" if isinstance(value, int | float) else NOTHING


def _clock(seconds: float) -> str:
    minutes, rest = divmod(int(max(0.0, seconds)), 60)
    return f"{minutes:02d}:{rest:02d}"
