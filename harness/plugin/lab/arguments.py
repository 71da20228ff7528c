"""What pytest was told here, in words that mean the same on a machine that has a copy of the root directory."""

from __future__ import annotations

import dataclasses
import os
from collections.abc import Sequence
from pathlib import Path

import pytest

PATIENCE = {"ConnectTimeout": 10, "BatchMode": "yes", "ServerAliveInterval": 15}  # ssh_config(5): asks nobody, ends


def is_away(spec: object) -> bool:
    """Whether a worker has a disk or a folder of its own; xdist copies to just these."""
    return not getattr(spec, "popen", False) or bool(getattr(spec, "chdir", None))


def patient(destination: str) -> str:
    """Return ssh's arguments with limits to its patience; what the user says of one of them comes first."""
    limits = [f"-o {name}={value}" for name, value in PATIENCE.items() if name not in destination]
    return " ".join([*limits, destination])


def portable(config: pytest.Config, given: pytest.Config.InvocationParams) -> pytest.Config.InvocationParams:
    """Return pytest's arguments for xdist to send to a copy of the root directory.

    What is to be tested is absolute, from which xdist makes it relative to the copy; it would stop at a relative path,
    and at any option whose value happens to be the name of a file.
    """
    named = config.args if config.args_source is pytest.Config.ArgsSource.ARGS else []
    kept: list[str] = []
    for argument in map(str, given.args):
        if argument in named:
            continue
        if kept and kept[-1].startswith("-") and "=" not in kept[-1] and Path(argument).exists():
            kept[-1] += f"={argument}" if kept[-1].startswith("--") else argument
        else:
            kept.append(argument)
    tests = [_absolute(argument, given.dir) for argument in config.args]
    return dataclasses.replace(given, args=(*kept, f"--rootdir={config.rootpath.name}", *tests))


def beside(path: Path, root: Path) -> str:
    """Return a path relative to the root directory; as it is where it lies outside."""
    return os.path.relpath(path, root) if path.is_relative_to(root) else str(path)


def _absolute(argument: str, where: Path) -> str:
    path, *names = argument.split("::")
    return "::".join([str((where / path).resolve()), *names])


def not_below(root: Path, arguments: Sequence[str], where: Path) -> str | None:
    """Return the first thing to be tested that is not below the root directory, and so on no other machine."""
    paths = (_absolute(argument, where).partition("::")[0] for argument in arguments)
    return next((path for path in paths if not Path(path).is_relative_to(root.resolve())), None)
