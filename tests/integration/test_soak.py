"""The soak in short: a few calls in a row, and one that is looked at while it lasts; nothing of it grows."""

from __future__ import annotations

import subprocess
import sys

import pytest

from calls.places import PATIENCE_S, REPOSITORY

MANY, LONG = ["--calls", "5", "--seconds", "1", "--slower", "5"], ["--long", "5", "--every", "0.5"]


@pytest.mark.parametrize("what", [MANY, LONG])
def test_a_short_soak(tmp_path, what):
    """It ends with 0, a table and a picture."""
    command = [sys.executable, REPOSITORY / "benchmarks" / "soak.py", *what, "--svg", tmp_path / "soak.svg"]
    finished = subprocess.run(
        command, capture_output=True, text=True, check=False, timeout=3 * PATIENCE_S, cwd=tmp_path
    )
    assert finished.returncode == 0, finished.stdout + finished.stderr
    for figure in ("memory, MB", "descriptors", "threads", "processes", "namespaces"):
        assert f"| {figure} |" in finished.stdout
    assert "<polyline" in (tmp_path / "soak.svg").read_text()
