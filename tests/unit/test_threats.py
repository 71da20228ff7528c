"""The threat model: each of its lines has a test, and the test is there."""

from __future__ import annotations

import ast
import re

import pytest

from calls.places import REPOSITORY

LINES = [
    [cell.strip() for cell in line.strip("|").split("|")]
    for line in (REPOSITORY / "docs" / "threats.md").read_text(encoding="utf-8").splitlines()
    if line.startswith("|") and not line.startswith(("|---", "| what somebody does", "| what a file does"))
]


@pytest.mark.parametrize("line", LINES, ids=[line[0] for line in LINES])
def test_each_line_has_a_test(line: list[str]) -> None:
    """Named with its file, as pytest takes it."""
    named = re.findall(r"`(tests/\S+\.py)::(\w+)`", line[2])
    assert named
    for file, name in named:
        tree = ast.parse((REPOSITORY / file).read_text(encoding="utf-8"))
        assert name in {node.name for node in tree.body if isinstance(node, ast.FunctionDef)}, f"no {name} in {file}"


def test_there_are_lines() -> None:
    """A table that is written otherwise would leave nothing to test."""
    assert len(LINES) > 15
