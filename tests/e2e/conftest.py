"""Whole plans in a private network, with everything that crosses it captured."""

from __future__ import annotations

import json
import subprocess
import sys
import wave
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from oracle.wire import Stream, read_streams

REPOSITORY = Path(__file__).parents[2]
CLOSING = 8000 // 5  # samples: baresip stops a call's threads one by one, and its player plays pieces meanwhile
SAMPLE = REPOSITORY / "fixtures" / "sample.mp3"
BARE_PORTS = range(30000, 31011)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Everything in this folder runs whole plans."""
    for item in items:
        if Path(__file__).parent in item.path.parents:
            item.add_marker(pytest.mark.e2e)


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
        return [stream for stream in self.streams if stream.src[1] not in BARE_PORTS]

    @property
    def bare(self) -> list[Stream]:
        """The streams of the bare pair, if there was one."""
        return [stream for stream in self.streams if stream.src[1] in BARE_PORTS]

    def heard(self, sink: str = "sink") -> np.ndarray:
        """Return what a sink heard, up to where its call was being closed."""
        with wave.open(str(self.folder / f"{sink}.wav")) as recording:
            assert recording.getparams()[:3] == (1, 2, 8000)
            return np.frombuffer(recording.readframes(recording.getnframes()), "<i2")[:-CLOSING]


@pytest.fixture
def tapped_run(tmp_path: Path) -> Callable[..., TappedRun]:
    """Run a plan for that many seconds, in a network where nothing else is."""

    def run(plan: str, seconds: float, *, bare: bool = False) -> TappedRun:
        tests = Path(__file__).parents[1]
        finished = subprocess.run(
            [
                sys.executable, tests / "oracle" / "private.py", sys.executable, tests / "e2e" / "tapped_run.py",
                tmp_path / "call.pcap", str(seconds), *(["--bare"] if bare else []), "--",
                "--plan", REPOSITORY / "plans" / plan, "--run-dir", tmp_path / "run",
            ],
            stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False, timeout=seconds + 120,
        )  # fmt: skip
        output = finished.stdout + finished.stderr
        assert finished.returncode == 0, output
        assert json.loads((tmp_path / "call.json").read_text())["drops"] == 0
        return TappedRun(
            folder=tmp_path / "run",
            output=output,
            summary=json.loads((tmp_path / "run" / "summary.json").read_text()),
            streams=read_streams(tmp_path / "call.pcap"),
        )

    return run
