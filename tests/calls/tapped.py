"""A run of the orchestrator with everything that crossed its network."""

from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from calls.bare_pair import RTP_PORTS
from calls.places import PATIENCE_S, REPOSITORY
from calls.plans import unjudged
from calls.recording import read_wav
from oracle.wire import Stream, read_streams


@dataclass(frozen=True)
class TappedRun:
    """A finished run with its capture."""

    folder: Path
    output: str
    summary: dict[str, Any]
    streams: tuple[Stream, ...]

    @property
    def own(self) -> list[Stream]:
        """The streams of the plan's nodes."""
        return [stream for stream in self.streams if stream not in self.bare]

    @property
    def bare(self) -> list[Stream]:
        """The streams of the bare pair, if there was one."""
        return [stream for stream in self.streams if stream.src[1] in RTP_PORTS and stream.dst[1] in RTP_PORTS]

    def heard(self, sink: str = "sink") -> npt.NDArray[np.int16]:
        """Return what a sink heard, up to where its call was being closed."""
        return read_wav(self.folder / f"{sink}.wav")


def tapped_run(plan: str, seconds: float, folder: Path, *, bare: bool = False) -> TappedRun:
    """Run a plan for that many seconds in a private network, beside a bare pair of baresips if asked."""
    tests = REPOSITORY / "tests"
    finished = subprocess.run(
        [
            sys.executable, tests / "oracle" / "private.py", sys.executable, tests / "calls" / "run_tapped.py",
            folder / "call.pcap", str(seconds), *(["--bare"] if bare else []), "--",
            "--plan", unjudged(plan, folder), "--run-dir", folder / "run",
        ],
        stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False, timeout=seconds + 2 * PATIENCE_S,
    )  # fmt: skip
    output = finished.stdout + finished.stderr
    assert finished.returncode == 0, output
    assert json.loads((folder / "call.json").read_text())["drops"] == 0
    return TappedRun(
        folder=folder / "run",
        output=output,
        summary=json.loads((folder / "run" / "summary.json").read_text()),
        streams=read_streams(folder / "call.pcap"),
    )
