"""Plans for the tests, written where their audio file is."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from b2b.plan.load import load_plan
from b2b.plan.model import Plan

ReadPlan = Callable[..., Plan]


@pytest.fixture
def read_plan(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> ReadPlan:
    """Return a function that loads a plan's text as x.toml, beside which a.wav exists."""
    monkeypatch.chdir(tmp_path)
    Path("a.wav").touch()

    def read(text: str, *known_tables: str) -> Plan:
        Path("x.toml").write_text(text, encoding="utf-8")
        return load_plan("x.toml", known_tables=known_tables)

    return read
