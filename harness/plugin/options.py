"""What the user may say of b2b: on pytest's command line, or in its configuration file."""

from __future__ import annotations

import math
from dataclasses import dataclass
from pathlib import Path

import pytest

from b2b.flags import ORCHESTRATOR, plan_flags

NETWORKS = ("auto", "private", "host")
KEEP = ("failed", "all", "none")
UNKNOWN = ("error", "skip")
SETTINGS = {  # default, choices, what it is
    "keep": ("failed", KEEP, "Which run folders stay: of tests that failed, all, or none"),
    "unknown": ("error", UNKNOWN, "What becomes of a test whose call was made twice and could not be judged"),
    "network": ("auto", NETWORKS, "private: a network namespace for each call; host: this machine's network, each node "
                "on a free port; auto: private where that can be"),
    "speed": ("", None, "Let every call's time go that many times as fast as this machine's; one that could not be "
              "judged is made once more at speed 1. What a test says of `run` comes first"),
    "reports": ("reports", None, "Where run folders, continuity.json and continuity.md go, from the root directory"),
}  # fmt: skip
METAVARS = {"speed": "X", "reports": "DIR"}
AS_PLANNED = "what the plan says"


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """The options in effect."""

    keep: str
    unknown: str
    network: str
    speed: float | None
    reports: Path
    place: str = ""  # what the names of run folders end in, where workers of several machines bring them together

    @property
    def runs(self) -> Path:
        """Where the run folders are."""
        return self.reports / "runs"


KEY = pytest.StashKey[Options]()


def add(parser: pytest.Parser) -> None:
    """Add the command-line options and the settings of the configuration file that they override."""
    group = parser.getgroup("b2b", "b2b: real calls from plan files")
    for name, (default, choices, about) in SETTINGS.items():
        option = f"--b2b-{name}"
        metavar = METAVARS.get(name)
        group.addoption(option, choices=choices, metavar=metavar, help=f"{about} (default: {default or AS_PLANNED})")
        parser.addini(f"b2b_{name}", f"Default of {option}", default=default)


def read(config: pytest.Config) -> Options:
    """Return the options in effect. Raises pytest.UsageError for a setting that is none of the choices."""
    return Options(
        keep=_choice(config, "b2b_keep", KEEP),
        unknown=_choice(config, "b2b_unknown", UNKNOWN),
        network=_choice(config, "b2b_network", NETWORKS),
        speed=_speed(config),
        reports=config.rootpath / str(config.getoption("b2b_reports") or config.getini("b2b_reports")),
    )


def _choice(config: pytest.Config, name: str, choices: tuple[str, ...]) -> str:
    value = str(config.getoption(name) or config.getini(name))
    if value not in choices:
        raise pytest.UsageError(f"{name}: wanted one of {', '.join(choices)}, came {value!r}")
    return value


def _speed(config: pytest.Config) -> float | None:
    value = str(config.getoption("b2b_speed") or config.getini("b2b_speed"))
    flag = plan_flags(ORCHESTRATOR)["speed"]
    try:
        speed = float(value) if value else None
    except ValueError:
        speed = math.nan
    if speed is not None and (wanted := flag.refusal(speed)):
        raise pytest.UsageError(f"b2b_speed: wanted {wanted}, came {value!r}")
    return speed
