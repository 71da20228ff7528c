"""`b2b rtp`: the RTP streams of captures, as a table or as JSON."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from b2b.errors import ExitCode
from b2b.logs import printable, to_json

if TYPE_CHECKING:
    from harness.wire.legs import Leg

HEAD = ("source", "destination", "SSRC", "payload", "packets", "lost", "max delta", "jitter", "max", "MOS", "notes")
RIGHT = range(4, 10)  # the columns that hold figures


EPILOG = (
    "Exit codes: 0 when every file was read, 64 when one was not. MOS is listening quality by the E-model, without "
    "concealment; `lost` is expected less packets, as RFC 3550 and tshark have it."
)


@click.command(epilog=EPILOG)
@click.argument("files", metavar="FILE.pcap...", nargs=-1, required=True, type=click.Path(path_type=Path))
@click.option("--json", "as_json", is_flag=True, help="Print every figure of every stream: {FILE: [stream, …], …}.")
def rtp(files: tuple[Path, ...], as_json: bool) -> int:
    """Show the RTP streams in captures: pcap or pcapng, of any link type that a phone's traffic is captured on."""
    code, found = int(ExitCode.OK), dict[str, tuple[list[dict[str, Any]], list[str]]]()
    for file in files:
        try:
            found[str(file)] = _read(file)
        except (OSError, ValueError) as error:
            click.echo(f"Error: {printable(str(error))}", err=True)
            code = int(ExitCode.USAGE)
    if as_json:
        figures = {name: streams for name, (streams, _notes) in found.items()}
        click.echo(to_json(figures, indent=2, allow_nan=False))
        return code
    for name, (streams, notes) in found.items():
        if len(files) > 1:
            click.echo(printable(f"{name}:"))
        for line in _table(streams):
            click.echo(line)
        for note in notes:
            click.echo(note)
    return code


def _read(file: Path) -> tuple[list[dict[str, Any]], list[str]]:
    """Return a file's streams, and what is to be said of its calls. Raises CaptureError for what is no capture."""
    from harness.wire.bulk import collect_file
    from harness.wire.legs import legs_of
    from harness.wire.summary import one_way, summaries

    wire, warnings = collect_file(file)
    for warning in warnings:
        click.echo(f"Warning: {printable(warning)}", err=True)
    legs = legs_of(wire, {})
    return summaries(wire.streams, legs), [_one_way_note(leg) for leg in one_way(legs)]


def _one_way_note(leg: Leg) -> str:
    return f"one-way audio: {leg.name} of call {printable(leg.call_id)} was to carry sound and carried none"


def _table(streams: Sequence[dict[str, Any]]) -> list[str]:
    if not streams:
        return ["no RTP"]
    rows = [HEAD, *map(_cells, streams)]
    widths = [max(len(row[column]) for row in rows) for column in range(len(HEAD))]
    return [
        "  ".join(
            cell.rjust(width) if column in RIGHT else cell.ljust(width)
            for column, (cell, width) in enumerate(zip(row, widths, strict=True))
        ).rstrip()
        for row in rows
    ]


def _cells(stream: dict[str, Any]) -> tuple[str, ...]:
    percent = 100 * stream["lost"] / stream["expected"] if stream["expected"] else 0.0
    types = ",".join(str(kind) for kind in stream["payload_types"])
    return (
        f"{stream['src']}:{stream['sport']}",
        f"{stream['dst']}:{stream['dport']}",
        f"{stream['ssrc']:#010x}",
        f"{types} {stream['codec'] or ''}".strip(),
        str(stream["packets"]),
        f"{stream['lost']} ({percent:.1f} %)",
        f"{stream['max_delta_ms']:.2f} ms",
        f"{stream['jitter_mean_ms']:.2f} ms",
        f"{stream['jitter_max_ms']:.2f} ms",
        "-" if stream["mos_lqe"] is None else f"{stream['mos_lqe']:.2f}",
        ", ".join(_notes(stream)),
    )


def _notes(stream: dict[str, Any]) -> list[str]:
    counted = ("duplicates", "reordered", "late", "bursts", "restarts", "comfort_noise")
    said = [f"{stream[name]} {_named(name, stream[name])}" for name in counted if stream[name]]
    if stream["ssrc_before"] is not None:
        said.append(f"SSRC was {stream['ssrc_before']:#010x}")
    if stream["after_bye"]:
        said.append(f"{stream['after_bye']} after BYE")
    if stream["digits"]:
        said.append(f"digits {''.join(digit['digit'] for digit in stream['digits'])}")
    if stream["skew_ppm"] is not None and abs(stream["skew_ppm"]) >= 20:
        said.append(f"clock {stream['skew_ppm']:+.0f} ppm")
    return said


def _named(count: str, how_many: int) -> str:
    words = count.replace("_", " ")
    return words.removesuffix("s") if how_many == 1 else words
