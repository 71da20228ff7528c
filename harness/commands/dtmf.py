"""`b2b dtmf`: the digits in recordings, as a line for each file or as JSON."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from b2b.errors import AudioError, ExitCode
from b2b.logs import printable, to_json

if TYPE_CHECKING:
    from harness.dtmf import Digit

EPILOG = "Exit codes: 0 when every file was read, 66 when one was not. A recording of several channels is mixed to one."


@click.command(epilog=EPILOG)
@click.argument("files", metavar="FILE.wav...", nargs=-1, required=True, type=click.Path(path_type=Path))
@click.option("--json", "as_json", is_flag=True,
              help="Print {FILE: [digit, …], …} with times, levels, twist, frequency error, confidence.")  # fmt: skip
def dtmf(files: tuple[Path, ...], as_json: bool) -> int:
    """Find the DTMF digits in recordings: WAV, or whatever else ffmpeg reads.

    Prints a line for each file: its path, a tab, and the digits. A digit is what Q.24 and ETSI ES 201 235-3 want to be
    one, also under speech or music; docs/dtmf.md has the limits, and what each figure of --json means.
    """
    from harness.dtmf import detect
    from harness.sound import read_sound

    code, found = int(ExitCode.OK), dict[str, list[dict[str, Any]]]()
    for file in files:
        try:
            digits = detect(read_sound(file))
        except AudioError as error:
            click.echo(f"Error: {printable(str(error))}", err=True)
            code = int(ExitCode.AUDIO)
            continue
        found[str(file)] = [_figures(digit) for digit in digits]
        if not as_json:
            click.echo(f"{printable(str(file))}\t{''.join(digit.digit for digit in digits)}")
    if as_json:
        click.echo(to_json(found, indent=2, allow_nan=False))
    return code


def _figures(digit: Digit) -> dict[str, Any]:
    return {
        "digit": digit.digit,
        "start_s": round(digit.start_s, 4),
        "end_s": round(digit.end_s, 4),
        "level_dbm0": round(digit.level_dbm0, 2),
        "low_dbm0": round(digit.low_dbm0, 2),
        "high_dbm0": round(digit.high_dbm0, 2),
        "twist_db": round(digit.twist_db, 2) + 0.0,  # no -0.0
        "low_error_percent": round(digit.low_error, 3),
        "high_error_percent": round(digit.high_error, 3),
        "confidence": digit.confidence,
    }
